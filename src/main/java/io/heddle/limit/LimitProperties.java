package io.heddle.limit;

import io.heddle.base.Bounds;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.Rule.OnFailure;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How often a subject, which is a user or the address of a caller without one, may call, and how
 * many tokens its turns may use.
 *
 * @param enabled Whether requests and tokens are limited at all.
 * @param timeout How long a request waits for the limiter, 1ms to 10s. After that {@code
 *     on-failure} decides.
 * @param onFailure What happens to a request when the limiter does not answer in time: {@code
 *     allow} or {@code deny}. A rule may have its own.
 * @param rules Limits by name. Each counts one user, or the address of a caller without one.
 *     Without any: {@code requests}, 6000 a minute, and {@code writes}, 3000 a minute.
 */
@ConfigurationProperties("heddle.limits")
public record LimitProperties(
    @DefaultValue("true") boolean enabled,
    @DefaultValue("250ms") Duration timeout,
    @DefaultValue("allow") OnFailure onFailure,
    @DefaultValue Map<String, RuleProperties> rules) {

  /**
   * One rule.
   *
   * @param kind {@code requests} counts every request, {@code writes} those that write, {@code
   *     tokens} what models read and write
   * @param limit how many in one window; 0 switches the rule off
   * @param window how long a window lasts, from its first request
   * @param paths Ant patterns, {@code /v1/sessions/*}{@code /messages}; none: every path that no
   *     other rule of the kind is for; a rule of tokens may have none
   * @param onFailure {@code allow} or {@code deny}; none: that of all rules
   */
  public record RuleProperties(
      @DefaultValue("requests") Kind kind,
      long limit,
      @DefaultValue("1m") Duration window,
      @DefaultValue List<String> paths,
      @Nullable OnFailure onFailure) {}

  private static final Map<String, RuleProperties> DEFAULT_RULES = defaultRules();

  public LimitProperties {
    rules = rules.isEmpty() ? DEFAULT_RULES : new LinkedHashMap<>(rules);
    Bounds.of("heddle.limits").within("timeout", timeout, "1ms", "10s");
    // Builds every rule, so that a bad one stops the start and not the first request.
    rules(rules, onFailure);
  }

  /** The rules that are on. */
  public List<Rule> active() {
    return enabled ? rules(rules, onFailure) : List.of();
  }

  private static List<Rule> rules(Map<String, RuleProperties> rules, OnFailure onFailure) {
    return rules.entrySet().stream()
        .filter(rule -> rule.getValue().limit() != 0)
        .map(rule -> rule(rule.getKey(), rule.getValue(), onFailure))
        .toList();
  }

  private static Rule rule(String name, RuleProperties rule, OnFailure onFailure) {
    return new Rule(
        name,
        rule.kind(),
        rule.limit(),
        rule.window(),
        rule.paths(),
        rule.onFailure() == null ? onFailure : rule.onFailure());
  }

  private static Map<String, RuleProperties> defaultRules() {
    Map<String, RuleProperties> rules = new LinkedHashMap<>();
    Duration minute = Duration.ofMinutes(1);
    rules.put("requests", new RuleProperties(Kind.REQUESTS, 6000, minute, List.of(), null));
    rules.put("writes", new RuleProperties(Kind.WRITES, 3000, minute, List.of(), null));
    return rules;
  }
}
