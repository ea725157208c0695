package io.heddle.upstream;

import io.heddle.base.Bounds;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * The model servers. Without any, and beside all of them, there is the built-in model {@code echo}.
 *
 * @param upstreams Model servers by name. The built-in model {@code echo} always exists beside
 *     them.
 * @param defaultModel Model of calls that name none. Empty: {@code echo} when there is no upstream,
 *     else the first model that an upstream names without {@code *}.
 */
@ConfigurationProperties("heddle")
public record UpstreamProperties(
    @DefaultValue Map<String, Server> upstreams, @DefaultValue("") String defaultModel) {

  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]{0,31}");
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_.-]*)");
  private static final Pattern PARAMETER = Pattern.compile("[A-Za-z][A-Za-z0-9_]{0,63}");
  private static final Pattern HEADER = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+");

  /**
   * A model server.
   *
   * @param baseUrl what stands before {@code /chat/completions}, or the kind's own path; one
   *     without a path gets {@code /v1}
   * @param kind the form in which it is asked and answers
   * @param dialect what differs between servers of this wire
   * @param tokenParameter the only name under which the server takes the most tokens of an answer;
   *     empty: the dialect's
   * @param maxTokens of an answer for calls that name no bound; only of kinds that want one
   * @param thinking how a model is told to think; only of Anthropic Messages
   * @param reasoningSummary what servers of Responses are asked to tell of their thoughts, unless a
   *     call says it: {@code auto}, {@code concise}, {@code detailed}; empty: nothing
   * @param models names that it answers to, {@code *} stands for any characters; none: every name
   * @param apiKey sent in the header that the kind has for it, mostly {@code Authorization: Bearer}
   * @param apiKeyFile a file that holds the key, read at the start
   * @param headers sent with every request, and as secret as the key
   * @param connectTimeout for a connection
   * @param alwaysStream whether answers that nobody hears before their end are streamed to here
   *     too, as through a proxy that ends connections on which nothing comes; only of kind {@code
   *     chat}, the others always are
   * @param firstTokenTimeout from the request to the first token, of answers that are streamed
   * @param betweenTokensTimeout from one token to the next, while somebody waits for it
   * @param wholeTimeout for the whole call, with what is tried again
   * @param maxConnections that may be open at once, which is how many calls may run
   * @param maxPending calls that may wait for a connection; one more is refused
   * @param pendingTimeout how long a call may wait for a connection
   * @param maxIdle how long an unused connection is kept: shorter than the server keeps it, or a
   *     request may meet its end
   * @param maxRetries requests after the first one, all before the first token; 0: none
   * @param maxRetryWait the longest {@code Retry-After} that is waited for
   * @param maxEvent the largest event of a stream
   * @param maxAnswer the most text of one answer, arguments of tool calls and reasoning included
   * @param fallback a model that is asked when this server cannot be; empty: none
   */
  public record Server(
      @DefaultValue("") String baseUrl,
      @DefaultValue("chat") ServerKind kind,
      @DefaultValue("compatible") Dialect dialect,
      @DefaultValue("") String tokenParameter,
      @DefaultValue("16384") int maxTokens,
      @DefaultValue("auto") Thinking thinking,
      @DefaultValue("") String reasoningSummary,
      @DefaultValue List<String> models,
      @Nullable Secret apiKey,
      @Nullable String apiKeyFile,
      @DefaultValue Map<String, Secret> headers,
      @DefaultValue("false") boolean alwaysStream,
      @DefaultValue("2s") Duration connectTimeout,
      @DefaultValue("2m") Duration firstTokenTimeout,
      @DefaultValue("1m") Duration betweenTokensTimeout,
      @DefaultValue("10m") Duration wholeTimeout,
      @DefaultValue("500") int maxConnections,
      @DefaultValue("1000") int maxPending,
      @DefaultValue("5s") Duration pendingTimeout,
      @DefaultValue("4s") Duration maxIdle,
      @DefaultValue("2") int maxRetries,
      @DefaultValue("5s") Duration maxRetryWait,
      @DefaultValue("1MB") DataSize maxEvent,
      @DefaultValue("4MB") DataSize maxAnswer,
      @DefaultValue("") String fallback,
      @DefaultValue Breaker breaker) {

    public Server {
      // A variable that is set to nothing.
      kind = kind == null ? ServerKind.CHAT : kind;
      dialect = dialect == null ? Dialect.COMPATIBLE : dialect;
      thinking = thinking == null ? Thinking.AUTO : thinking;
      models = List.copyOf(models);
      headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
    }

    private void check(String name) {
      isSet(name + ".base-url", baseUrl);
      isSet(name + ".api-key", apiKey == null ? "" : apiKey.reveal());
      headers.forEach((header, value) -> isSet(name + ".headers." + header, value.reveal()));
      endpoint(name);
      refuse(
          apiKey != null && !apiKey.isEmpty() && apiKeyFile != null && !apiKeyFile.isBlank(),
          name + ".api-key and .api-key-file are both set");
      refuse(
          apiKey != null && !apiKey.isPlain(),
          name + ".api-key has characters that a header cannot carry");
      for (Map.Entry<String, Secret> header : headers.entrySet()) {
        refuse(
            !HEADER.matcher(header.getKey()).matches() || !header.getValue().isPlain(),
            name + ".headers." + header.getKey() + " is not a header");
      }
      refuse(models.stream().anyMatch(String::isBlank), name + ".models has an empty name");
      Bounds.of(name)
          .require(
              tokenParameter.isEmpty() || PARAMETER.matcher(tokenParameter).matches(),
              "token-parameter",
              "a name such as max_tokens")
          .within("max-tokens", maxTokens, 1, 10_000_000)
          .require(
              reasoningSummary.matches("(auto|concise|detailed)?"),
              "reasoning-summary",
              "auto, concise, detailed or empty")
          .within("connect-timeout", connectTimeout, "1ms", "1m")
          .within("first-token-timeout", firstTokenTimeout, "1ms", "1h")
          .within("between-tokens-timeout", betweenTokensTimeout, "1ms", "1h")
          .within("whole-timeout", wholeTimeout, "1ms", "1d")
          .within("pending-timeout", pendingTimeout, "1ms", "1m")
          .within("max-idle", maxIdle, "1ms", "1h")
          .within("max-retry-wait", maxRetryWait, "0s", "1m")
          .within("max-connections", maxConnections, 1, 100_000)
          .within("max-pending", maxPending, 1, 1_000_000)
          .within("max-retries", maxRetries, 0, 10)
          .within("max-event", maxEvent, "1KB", "256MB")
          .within("max-answer", maxAnswer, "1KB", "256MB")
          .within("breaker.window", breaker.window(), "1s", "1h")
          .within("breaker.minimum-calls", breaker.minimumCalls(), 1, 10_000)
          .within("breaker.failure-rate", breaker.failureRate(), 1, 100)
          .within("breaker.open-for", breaker.openFor(), "1ms", "1h")
          .within("breaker.trials", breaker.trials(), 1, 100);
    }

    /** Where answers are asked for. */
    URI endpoint(String name) {
      try {
        URI base = new URI(baseUrl.strip());
        String scheme = base.getScheme();
        boolean http = "http".equalsIgnoreCase(scheme) || "https".equalsIgnoreCase(scheme);
        // Who we are does not belong into an address: addresses are logged.
        if (!http || base.getHost() == null || base.getRawUserInfo() != null) {
          throw refusal(name + ".base-url must be an http or https URL without a user");
        }
        String path = base.getRawPath() == null ? "" : base.getRawPath().replaceFirst("/+$", "");
        String query = base.getRawQuery() == null ? "" : "?" + base.getRawQuery();
        return new URI(
            scheme
                + "://"
                + base.getRawAuthority()
                + (path.isEmpty() ? "/v1" : path)
                + kind.path()
                + query);
      } catch (URISyntaxException e) {
        throw refusal(name + ".base-url must be an http or https URL without a user");
      }
    }
  }

  /**
   * When a server is left alone for a while.
   *
   * @param window over which failures are counted: before the first token, and timeouts
   * @param minimumCalls fewer of them in the window say nothing
   * @param failureRate percent of the calls that must have failed
   * @param openFor how long nothing is sent, before calls are let through on trial
   * @param trials calls on trial, which decide
   */
  public record Breaker(
      @DefaultValue("30s") Duration window,
      @DefaultValue("5") int minimumCalls,
      @DefaultValue("50") int failureRate,
      @DefaultValue("10s") Duration openFor,
      @DefaultValue("2") int trials) {}

  public UpstreamProperties {
    upstreams = Collections.unmodifiableMap(new LinkedHashMap<>(upstreams));
    upstreams.forEach((name, server) -> {
      refuse(
          !NAME.matcher(name).matches() || name.equals(EchoModel.NAME),
          "heddle.upstreams."
              + name
              + ": a name has lower case letters, digits and dashes, and is not echo");
      server.check("heddle.upstreams." + name);
    });
  }

  /** A variable that is not set stays in the text as it is: it would be sent as the key. */
  private static void isSet(String setting, String value) {
    Matcher variable = VARIABLE.matcher(value);
    if (variable.find()) {
      throw refusal(setting + " needs the variable " + variable.group(1) + ", which is not set");
    }
  }

  private static void refuse(boolean wrong, String message) {
    if (wrong) {
      throw refusal(message);
    }
  }

  private static IllegalArgumentException refusal(String message) {
    return new IllegalArgumentException(message);
  }
}
