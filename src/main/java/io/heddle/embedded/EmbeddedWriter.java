package io.heddle.embedded;

import io.heddle.base.SessionKey;
import io.heddle.session.Outcome;
import io.heddle.session.SessionWriter;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import reactor.core.publisher.Mono;

/** Hands writes to the writer's thread. */
final class EmbeddedWriter implements SessionWriter {

  private final StoreWriter writer;
  private final WriteRules rules;

  EmbeddedWriter(StoreWriter writer, WriteRules rules) {
    this.writer = writer;
    this.rules = rules;
  }

  @Override
  public Mono<Outcome> apply(SessionKey key, Write write, WritePreconditions conditions) {
    return writer.submit(tx -> rules.decide(tx, key, write, conditions));
  }
}
