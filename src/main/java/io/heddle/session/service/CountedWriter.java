package io.heddle.session.service;

import io.heddle.base.Problem;
import io.heddle.base.SessionKey;
import io.heddle.session.IdempotencyRecords;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.Storage;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Keeps the users' storage counted, and refuses a user's own writes that would add more than he may
 * have. What takes away is never refused; what it took is known from a look before it, which only
 * such writes need. What Heddle itself writes, the end of a turn above all, is never refused
 * either: it was paid for.
 */
final class CountedWriter implements SessionWriter {

  private final SessionWriter writer;
  private final SessionReader reader;
  private final IdempotencyRecords records;
  private final Storage storage;

  CountedWriter(
      SessionWriter writer, SessionReader reader, IdempotencyRecords records, Storage storage) {
    this.writer = writer;
    this.reader = reader;
    this.records = records;
    this.storage = storage;
  }

  @Override
  public Mono<Outcome> apply(SessionKey key, Write write, WritePreconditions conditions) {
    return Mono.defer(() -> {
      if (write instanceof Write.Delete
          || write instanceof Write.TruncateThread
          || write instanceof Write.DeleteMessage) {
        return less(key, write, conditions);
      }
      int sessions = write instanceof Write.Create || write instanceof Write.StartBuild ? 1 : 0;
      long threads = threadBytes(write);
      long documents = write instanceof Write.SaveState(var document) ? 2L * document.length() : 0;
      if (sessions == 0 && threads == 0 && documents == 0) {
        return writer.apply(key, write, conditions);
      }
      Mono<Outcome> done =
          writer
              .apply(key, write, conditions)
              .doOnNext(outcome -> {
                if (outcome instanceof Outcome.Applied applied) {
                  storage.changed(key.tenant(), applied.user(), sessions, threads, documents);
                }
              });
      Mono<Void> known =
          storage.known(key.tenant(), conditions.owner(), sessions, threads + documents);
      return known == null
          ? unlessRefused(key, conditions, sessions, threads + documents, done)
          : known.then(
              Mono.defer(
                  () -> unlessRefused(key, conditions, sessions, threads + documents, done)));
    });
  }

  private Mono<Outcome> unlessRefused(
      SessionKey key, WritePreconditions conditions, int sessions, long bytes, Mono<Outcome> done) {
    Problem refusal = storage.refuses(key.tenant(), conditions.owner(), sessions, bytes);
    return refusal == null ? done : unlessRepeated(key, conditions.retry(), done, refusal);
  }

  /** What was done before is answered again, and adds nothing. */
  private Mono<Outcome> unlessRepeated(
      SessionKey key, @Nullable IdempotentRequest retry, Mono<Outcome> done, Problem refusal) {
    Outcome refused = new Outcome.Refused(refusal);
    if (retry == null || retry.operation() != null) {
      return Mono.just(refused);
    }
    return records
        .find(key, retry)
        .hasElement()
        .flatMap(recorded -> recorded ? done : Mono.just(refused));
  }

  private Mono<Outcome> less(SessionKey key, Write write, WritePreconditions conditions) {
    return reader
        .load(key, ReadContext.ANY, PageRequest.NONE)
        .map(page -> page.session().head().bytes())
        // The write itself says what is wrong.
        .onErrorReturn(0L)
        .defaultIfEmpty(0L)
        .flatMap(before ->
            writer
                .apply(key, write, conditions)
                .doOnNext(outcome -> {
                  if (outcome instanceof Outcome.Applied applied && before >= 0) {
                    boolean gone = write instanceof Write.Delete;
                    long after = gone ? 0 : applied.head().bytes();
                    storage.changed(
                        key.tenant(),
                        applied.user(),
                        gone ? -1 : 0,
                        Math.min(0, after - before),
                        0);
                  }
                }));
  }

  private static long threadBytes(Write write) {
    return switch (write) {
      case Write.Create create -> bytes(create.messages());
      case Write.Append append -> bytes(append.messages());
      case Write.BeginTurn begin -> bytes(begin.turn().input());
      case Write.EndTurn end -> bytes(end.output());
      case Write.AppendToBuild fill -> {
        long bytes = 0;
        for (Write.Copied copied : fill.messages()) {
          bytes += copied.message().body().length();
        }
        yield bytes;
      }
      default -> 0;
    };
  }

  private static long bytes(List<NewMessage> messages) {
    long bytes = 0;
    for (NewMessage message : messages) {
      bytes += message.body().length();
    }
    return bytes;
  }
}
