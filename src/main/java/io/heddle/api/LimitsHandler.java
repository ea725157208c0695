package io.heddle.api;

import io.heddle.json.JsonWriter;
import io.heddle.limit.Admission;
import io.heddle.limit.Decision;
import io.heddle.limit.Limits;
import io.heddle.limit.Quotas;
import io.heddle.limit.Rule;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.TokenLimits;
import io.heddle.web.BytesResponse;
import io.heddle.web.RequestContext;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * {@code GET /v1/limits}: the rules, and what is left to the caller of those that this call was
 * counted under, and of tokens. Looking at the others would count, so of them only the rule is
 * told.
 */
final class LimitsHandler {

  private final Limits limits;
  private final TokenLimits tokens;

  LimitsHandler(Limits limits, TokenLimits tokens) {
    this.limits = limits;
    this.tokens = tokens;
  }

  Mono<BytesResponse> get(RequestContext call) {
    call.query();
    return tokens
        .look(call.caller())
        .zipWith(
            limits.quotas().look(call.caller()),
            (left, quotas) -> answer(call.admission(), left, quotas));
  }

  private BytesResponse answer(
      Admission admission, List<Decision> tokensLeft, List<Quotas.Quota> quotas) {
    JsonWriter out = new JsonWriter(512);
    out.ascii("{\"subject\":").string(admission.subject().name()).ascii(",\"limits\":[");
    for (Rule rule : limits.rules()) {
      List<Decision> said = rule.kind() == Kind.TOKENS ? tokensLeft : admission.decisions();
      write(rule, decision(said, rule), out.next());
    }
    out.ascii("],\"quotas\":[");
    for (Quotas.Quota quota : quotas) {
      out.next().ascii("{\"name\":\"").ascii(quota.kind().text());
      out.ascii("\",\"limit\":").number(quota.limit()).ascii(",\"used\":").number(quota.used());
      out.ascii("}");
    }
    return BytesResponse.json(200, out.ascii("]}").toBytes());
  }

  private static void write(Rule rule, @Nullable Decision decision, JsonWriter out) {
    out.ascii("{\"name\":\"").ascii(rule.name());
    out.ascii("\",\"kind\":\"").ascii(rule.kind().name().toLowerCase(Locale.ROOT));
    out.ascii("\",\"limit\":").number(rule.limit());
    out.ascii(",\"windowSeconds\":").number(seconds(rule.window()));
    paths(rule.paths(), out);
    if (decision != null) {
      out.ascii(",\"remaining\":").number(decision.remaining());
      out.ascii(",\"resetSeconds\":").number(seconds(decision.resetAfter()));
    }
    out.ascii("}");
  }

  private static void paths(List<String> paths, JsonWriter out) {
    if (!paths.isEmpty()) {
      out.name("paths").array(paths, (path, to) -> to.string(path));
    }
  }

  private static @Nullable Decision decision(List<Decision> decisions, Rule rule) {
    for (Decision decision : decisions) {
      if (decision.rule().name().equals(rule.name())) {
        return decision;
      }
    }
    return null;
  }

  /** Whole seconds, rounded up, as the headers tell them. */
  private static long seconds(Duration duration) {
    return Math.max(1, (duration.toMillis() + 999) / 1000);
  }
}
