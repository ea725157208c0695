package io.heddle.redis;

import io.heddle.limit.Decision;
import io.heddle.limit.Lease;
import io.heddle.limit.Permit;
import io.heddle.limit.RateLimiter;
import io.heddle.limit.Rule;
import io.heddle.limit.Subject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import reactor.core.publisher.Mono;

/** Counters in Redis, all of one subject in one slot: one request, however many rules are asked. */
final class RedisRateLimiter implements RateLimiter {

  private final RedisLink link;

  RedisRateLimiter(RedisLink link) {
    this.link = link;
  }

  @Override
  public Mono<List<Decision>> take(Subject subject, List<Rule> rules) {
    Args args = Args.of(2 * rules.size());
    byte[][] keys = counters(subject, rules, args);
    return link.read(RedisScript.LIMIT, keys, args.toArray())
        .map(answer -> decisions(rules, new Reply(answer)));
  }

  @Override
  public Mono<Lease> lease(Subject subject, List<Rule> rules, long most) {
    Args args = Args.of(3 * rules.size() + 1);
    byte[][] keys = counters(subject, rules, args);
    args.number(most);
    for (Rule rule : rules) {
      args.number(rule.leasable());
    }
    return link.read(RedisScript.LIMIT, keys, args.toArray())
        .map(answer -> {
          Reply reply = new Reply(answer);
          return new Lease(reply.number(3 * rules.size()), decisions(rules, reply));
        });
  }

  @Override
  public Mono<Void> giveBack(Subject subject, List<Permit> permits) {
    byte[][] keys = new byte[permits.size()][];
    Args args = Args.of(3 * permits.size());
    for (int i = 0; i < keys.length; i++) {
      Permit permit = permits.get(i);
      keys[i] = key(subject, permit.rule());
      args.number(permit.left().toMillis()).number(permit.tolerance().toMillis());
      args.number(permit.count());
    }
    return link.read(RedisScript.LIMIT_RETURN, keys, args.toArray()).then();
  }

  private static byte[][] counters(Subject subject, List<Rule> rules, Args args) {
    byte[][] keys = new byte[rules.size()][];
    for (int i = 0; i < keys.length; i++) {
      Rule rule = rules.get(i);
      keys[i] = key(subject, rule);
      args.number(rule.limit()).number(rule.window().toMillis());
    }
    return keys;
  }

  private static List<Decision> decisions(List<Rule> rules, Reply reply) {
    List<Decision> decisions = new ArrayList<>(rules.size());
    for (int i = 0; i < rules.size(); i++) {
      Rule rule = rules.get(i);
      // A limit that was lowered in a running window leaves more counted than it allows.
      long remaining = Math.max(0, rule.limit() - reply.number(3 * i + 1));
      decisions.add(
          new Decision(
              rule,
              reply.number(3 * i) == 1,
              remaining,
              Duration.ofMillis(reply.number(3 * i + 2))));
    }
    return List.copyOf(decisions);
  }

  private static byte[] key(Subject subject, Rule rule) {
    return RedisKeys.limit(subject.tenant(), subject.name(), rule.name());
  }
}
