package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.heddle.session.Outcome;
import io.heddle.session.Retry;
import io.heddle.session.RetryRecords;
import java.time.Duration;
import reactor.core.publisher.Mono;

final class RedisRetryRecords implements RetryRecords {

  private final RedisLink link;

  RedisRetryRecords(RedisLink link) {
    this.link = link;
  }

  @Override
  public Mono<Outcome> find(SessionKey key, Retry retry) {
    return ask(key, new Retry(retry.key(), retry.body()), Duration.ZERO);
  }

  @Override
  public Mono<Outcome> hold(SessionKey key, Retry retry, Duration lease) {
    return ask(key, retry, lease);
  }

  @Override
  public Mono<Void> drop(SessionKey key, Retry retry) {
    byte[][] keys = {RedisKeys.of(key).record(retry.key())};
    byte[][] args = Args.of(2).text(retry.body()).text(retry.operation()).toArray();
    return link.read(RedisScript.RECORD_DROP, keys, args).then();
  }

  private Mono<Outcome> ask(SessionKey key, Retry retry, Duration lease) {
    byte[][] keys = {RedisKeys.of(key).record(retry.key())};
    byte[][] args =
        Args.of(3).text(retry.body()).text(retry.operation()).number(lease.toMillis()).toArray();
    return link.read(RedisScript.RECORD_FIND, keys, args)
        .map(Reply::new)
        .flatMap(reply -> {
          if (reply.kind() == Reply.REFUSED) {
            return Mono.just(new Outcome.Refused(reply.problem()));
          }
          return reply.kind() == Reply.REPLAYED
              ? Mono.just(RedisWriter.replayed(key, reply.text(1)))
              : Mono.empty();
        });
  }
}
