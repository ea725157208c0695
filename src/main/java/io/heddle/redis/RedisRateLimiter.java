package io.heddle.redis;

import io.heddle.limit.Decision;
import io.heddle.limit.Lease;
import io.heddle.limit.RateLimiter;
import io.heddle.limit.Refund;
import io.heddle.limit.Reservation;
import io.heddle.limit.ReservationResult;
import io.heddle.limit.Rule;
import io.heddle.limit.Subject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import reactor.core.publisher.Mono;

/**
 * Counters in Redis, all of one subject in one slot: one request, however many rules are asked, and
 * however many ask at the same time.
 */
final class RedisRateLimiter implements RateLimiter {

  private final RedisLink link;
  private final LimitLines<List<Decision>> lines = new LimitLines<>(this::take);

  RedisRateLimiter(RedisLink link) {
    this.link = link;
  }

  @Override
  public Mono<List<Decision>> take(Subject subject, List<Rule> rules) {
    return lines.ask(subject, rules);
  }

  private Mono<List<List<Decision>>> take(Subject subject, List<Rule> rules, int count) {
    return count == 1 ? one(subject, rules).map(List::of) : many(subject, rules, count);
  }

  private Mono<List<Decision>> one(Subject subject, List<Rule> rules) {
    ScriptArgs args = new ScriptArgs();
    byte[][] keys = counters(subject, rules, args);
    return link.read(RedisScript.LIMIT, keys, args.toArray()).map(reply -> decisions(rules, reply));
  }

  private Mono<List<List<Decision>>> many(Subject subject, List<Rule> rules, int count) {
    ScriptArgs args = new ScriptArgs().number(count);
    byte[][] keys = counters(subject, rules, args);
    return link.read(RedisScript.LIMIT_MANY, keys, args.toArray())
        .map(reply ->
            IntStream.range(0, count).mapToObj(place -> decisions(rules, reply, place)).toList());
  }

  /** What one of many is told: the first of them as if it had been alone, and so on. */
  private static List<Decision> decisions(List<Rule> rules, ScriptReply reply, int place) {
    long counted = reply.number(0);
    boolean allowed = place < counted;
    long after = allowed ? counted - 1 - place : 0;
    List<Decision> decisions = new ArrayList<>(rules.size());
    for (int i = 0; i < rules.size(); i++) {
      Rule rule = rules.get(i);
      long left = rule.limit() - reply.number(2 * i + 1);
      decisions.add(decision(rule, allowed || left > 0, left + after, reply.number(2 * i + 2)));
    }
    return List.copyOf(decisions);
  }

  @Override
  public Mono<Lease> lease(Subject subject, List<Rule> rules, long most) {
    ScriptArgs args = new ScriptArgs();
    byte[][] keys = counters(subject, rules, args);
    args.number(most);
    for (Rule rule : rules) {
      args.number(rule.leasable());
    }
    return link.read(RedisScript.LIMIT, keys, args.toArray())
        .map(reply -> new Lease(reply.number(3 * rules.size()), decisions(rules, reply)));
  }

  @Override
  public Mono<Void> giveBack(Subject subject, List<Refund> permits) {
    byte[][] keys = new byte[permits.size()][];
    ScriptArgs args = new ScriptArgs();
    for (int i = 0; i < keys.length; i++) {
      Refund permit = permits.get(i);
      keys[i] = key(subject, permit.rule());
      args.number(permit.left().toMillis()).number(permit.tolerance().toMillis());
      args.number(permit.count());
    }
    return link.read(RedisScript.LIMIT_RETURN, keys, args.toArray()).then();
  }

  @Override
  public Mono<ReservationResult> reserve(
      Subject subject, List<Rule> rules, String id, long amount) {
    byte[][] keys = new byte[rules.size()][];
    ScriptArgs args = new ScriptArgs().text(id).number(amount);
    for (int i = 0; i < keys.length; i++) {
      Rule rule = rules.get(i);
      keys[i] = RedisKeys.tokens(subject.tenant(), subject.name(), rule.name());
      args.number(rule.limit()).number(rule.window().toMillis());
    }
    return link.read(RedisScript.LIMIT_RESERVE, keys, args.toArray())
        .map(reply -> reserved(rules, id, amount, reply));
  }

  private static ReservationResult reserved(
      List<Rule> rules, String id, long amount, ScriptReply reply) {
    List<Decision> decisions = new ArrayList<>(rules.size());
    List<Reservation.Counter> counters = new ArrayList<>(rules.size());
    for (int i = 0; i < rules.size(); i++) {
      Rule rule = rules.get(i);
      decisions.add(decision(rule, reply, 4 * i));
      counters.add(new Reservation.Counter(rule.name(), rule.window(), reply.text(4 * i + 3)));
    }
    boolean held = amount > 0 && decisions.stream().allMatch(Decision::allowed);
    return new ReservationResult(
        List.copyOf(decisions), held ? new Reservation(id, amount, counters) : null);
  }

  /** As if it read: sending it twice is harmless, because only the first one counts. */
  @Override
  public Mono<Void> settle(Subject subject, Reservation reservation, long used) {
    List<Reservation.Counter> counters = reservation.counters();
    byte[][] keys = new byte[1 + counters.size()][];
    keys[0] = RedisKeys.settled(subject.tenant(), subject.name(), reservation.id());
    ScriptArgs args = new ScriptArgs().text(reservation.id()).number(used);
    args.number(reservation.amount()).number(SETTLED_FOR.toMillis());
    for (int i = 0; i < counters.size(); i++) {
      Reservation.Counter counter = counters.get(i);
      keys[1 + i] = RedisKeys.tokens(subject.tenant(), subject.name(), counter.rule());
      args.text(counter.window()).number(counter.length().toMillis());
    }
    return link.read(RedisScript.LIMIT_SETTLE, keys, args.toArray()).then();
  }

  private static byte[][] counters(Subject subject, List<Rule> rules, ScriptArgs args) {
    byte[][] keys = new byte[rules.size()][];
    for (int i = 0; i < keys.length; i++) {
      Rule rule = rules.get(i);
      keys[i] = key(subject, rule);
      args.number(rule.limit()).number(rule.window().toMillis());
    }
    return keys;
  }

  private static List<Decision> decisions(List<Rule> rules, ScriptReply reply) {
    List<Decision> decisions = new ArrayList<>(rules.size());
    for (int i = 0; i < rules.size(); i++) {
      decisions.add(decision(rules.get(i), reply, 3 * i));
    }
    return List.copyOf(decisions);
  }

  /**
   * Whether it is allowed, how much was counted and what is left of the window stand from there.
   */
  private static Decision decision(Rule rule, ScriptReply reply, int at) {
    long left = rule.limit() - reply.number(at + 1);
    return decision(rule, reply.number(at) == 1, left, reply.number(at + 2));
  }

  private static Decision decision(Rule rule, boolean allowed, long left, long millis) {
    // A limit that was lowered in a running window leaves more counted than it allows.
    return new Decision(rule, allowed, Math.max(0, left), Duration.ofMillis(millis));
  }

  private static byte[] key(Subject subject, Rule rule) {
    return RedisKeys.limit(subject.tenant(), subject.name(), rule.name());
  }
}
