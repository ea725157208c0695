package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.Outcome;
import java.time.Duration;
import reactor.core.publisher.Mono;

final class RedisIdempotencyRecords implements IdempotencyRecords {

  private final RedisLink link;

  RedisIdempotencyRecords(RedisLink link) {
    this.link = link;
  }

  @Override
  public Mono<Outcome> find(SessionKey key, IdempotentRequest retry) {
    return ask(key, new IdempotentRequest(retry.key(), retry.body()), Duration.ZERO);
  }

  @Override
  public Mono<Outcome> hold(SessionKey key, IdempotentRequest retry, Duration lease) {
    return ask(key, retry, lease);
  }

  @Override
  public Mono<Void> drop(SessionKey key, IdempotentRequest retry) {
    byte[][] keys = {RedisKeys.of(key).record(retry.key())};
    byte[][] args = new ScriptArgs().text(retry.body()).text(retry.operation()).toArray();
    return link.read(RedisScript.RECORD_DROP, keys, args).then();
  }

  private Mono<Outcome> ask(SessionKey key, IdempotentRequest retry, Duration lease) {
    byte[][] keys = {RedisKeys.of(key).record(retry.key())};
    byte[][] args =
        new ScriptArgs()
            .text(retry.body())
            .text(retry.operation())
            .number(lease.toMillis())
            .toArray();
    return link.read(RedisScript.RECORD_FIND, keys, args)
        .flatMap(reply -> {
          if (reply.kind() == ScriptReply.REFUSED) {
            return Mono.just(new Outcome.Refused(reply.problem()));
          }
          return reply.kind() == ScriptReply.REPLAYED
              ? Mono.just(RedisWriter.replayed(key, reply.text(1)))
              : Mono.empty();
        });
  }
}
