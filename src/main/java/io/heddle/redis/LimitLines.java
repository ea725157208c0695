package io.heddle.redis;

import io.heddle.limit.Rule;
import io.heddle.limit.Subject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * Lets those who ask the same of one subject at the same time ask together: while one question is
 * on its way the others wait in line, and the next question is for all of them. A caller that is
 * alone asks at once; the many requests of one chat backend cost Redis one question for each way
 * there and back.
 *
 * @param <A> one caller's answer
 */
final class LimitLines<A> {

  private final Asks<A> asks;
  private final ConcurrentHashMap<Key, List<Caller<A>>> waiting = new ConcurrentHashMap<>();

  /** Asks for several at once: one answer each, whoever came first gets the first. */
  interface Asks<A> {
    Mono<List<A>> ask(Subject subject, List<Rule> rules, int count);
  }

  LimitLines(Asks<A> asks) {
    this.asks = asks;
  }

  /** One answer. Whoever hangs up while waiting in line is not counted. */
  Mono<A> ask(Subject subject, List<Rule> rules) {
    return Mono.create(sink -> {
      Caller<A> caller = new Caller<>(sink);
      sink.onCancel(() -> caller.gone = true);
      Key key = new Key(subject, List.copyOf(rules));
      waiting.compute(
          key,
          (_, line) -> {
            if (line == null) {
              return new ArrayList<>();
            }
            caller.waits = true;
            line.add(caller);
            return line;
          });
      if (!caller.waits) {
        send(key, List.of(caller));
      }
    });
  }

  private void send(Key key, List<Caller<A>> callers) {
    asks.ask(key.subject, key.rules, callers.size())
        .subscribe(
            answers -> {
              next(key);
              for (int i = 0; i < answers.size(); i++) {
                callers.get(i).sink.success(answers.get(i));
              }
            },
            error -> {
              next(key);
              callers.forEach(caller -> caller.sink.error(error));
            });
  }

  /** The way is free: for those in line, or for whoever comes. */
  private void next(Key key) {
    List<Caller<A>> callers = new ArrayList<>();
    waiting.computeIfPresent(
        key,
        (_, line) -> {
          for (Caller<A> caller : line) {
            if (!caller.gone) {
              callers.add(caller);
            }
          }
          line.clear();
          return callers.isEmpty() ? null : line;
        });
    if (!callers.isEmpty()) {
      send(key, callers);
    }
  }

  private record Key(Subject subject, List<Rule> rules) {

    // By hand, see Tenant. One kind of request has the same list of rules each time, and one
    // subject
    // has few kinds.

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Key key
          && (rules == key.rules || rules.equals(key.rules))
          && subject.equals(key.subject);
    }

    @Override
    public int hashCode() {
      return 31 * subject.hashCode() + rules.size();
    }
  }

  private static final class Caller<A> {
    private final MonoSink<A> sink;
    private boolean waits;
    private volatile boolean gone;

    Caller(MonoSink<A> sink) {
      this.sink = sink;
    }
  }
}
