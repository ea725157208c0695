package io.heddle.turn;

import io.heddle.base.Tenant;
import io.heddle.cache.AnswerStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import reactor.core.publisher.Mono;

/** Answers kept in a map; nothing ever ends. */
final class HandAnswers implements AnswerStore {

  final Map<String, Answer> answers = new ConcurrentHashMap<>();
  final Map<String, String> claims = new ConcurrentHashMap<>();

  @Override
  public Mono<Answer> get(Tenant tenant, String key) {
    return Mono.fromSupplier(() -> answers.get(key));
  }

  @Override
  public Mono<Kept> put(Tenant tenant, String key, String contentType, byte[] body, Duration life) {
    return Mono.fromSupplier(() -> {
      Instant now = Instant.now();
      Answer answer = new Answer(contentType, body, now, now.plus(life), now);
      boolean replaced = answers.put(key, answer) != null;
      claims.remove(key);
      return new Kept(answer, replaced);
    });
  }

  @Override
  public Mono<Boolean> remove(Tenant tenant, String key) {
    return Mono.fromSupplier(() -> answers.remove(key) != null);
  }

  @Override
  public Mono<Boolean> claim(Tenant tenant, String key, String owner, Duration lease) {
    return Mono.fromSupplier(() -> owner.equals(claims.computeIfAbsent(key, _ -> owner)));
  }

  @Override
  public Mono<Void> release(Tenant tenant, String key, String owner) {
    return Mono.fromRunnable(() -> claims.remove(key, owner));
  }
}
