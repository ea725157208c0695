package io.heddle.session.service;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.Checkpoint;
import io.heddle.session.CheckpointPage;
import io.heddle.session.Head;
import io.heddle.session.Outcome;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.StateView;
import io.heddle.session.Write.RestoreState;
import io.heddle.session.Write.SaveState;
import io.heddle.session.WriteContext;
import io.heddle.session.WriteResult;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The state document of a session and its checkpoints. Refusals are {@code ProblemException}s, as
 * {@link SessionReader} and {@link SessionWriter} tell them.
 */
public final class StateService {

  private final SessionReader reader;
  private final WriteExecutor writes;
  private final long maxBytes;

  StateService(SessionReader reader, WriteExecutor writes, long maxBytes) {
    this.reader = reader;
    this.writes = writes;
    this.maxBytes = maxBytes;
  }

  public Mono<StateView> get(SessionKey key, ReadContext view) {
    return reader.state(key, view);
  }

  /** Replaces the document, in one step. */
  public Mono<WriteResult<Checkpoint>> put(WriteContext request, Json document) {
    return Mono.defer(() ->
        writes
            .apply(request.key(), save(document), request.preconditions(), request.waitFor())
            .flatMap(outcome -> saved(request, outcome, document)));
  }

  /** Applies a JSON Merge Patch to the document, alone in the session. */
  public Mono<WriteResult<Checkpoint>> patch(WriteContext request, Json mergePatch) {
    return Mono.defer(() -> {
      // What was merged last is what was written: each try replaces it before it is sent.
      Json[] merged = {Json.EMPTY_OBJECT};
      return writes
          .inLine(
              request,
              reader.state(request.key(), request.view()),
              StateView::position,
              state -> {
                merged[0] = MergePatch.apply(state.document(), mergePatch);
                return save(merged[0]);
              })
          .flatMap(outcome -> saved(request, outcome, merged[0]));
    });
  }

  public Mono<CheckpointPage> checkpoints(
      SessionKey key, ReadContext view, int limit, @Nullable String before) {
    return reader.checkpoints(key, view, limit, before);
  }

  public Mono<StateView> checkpoint(SessionKey key, ReadContext view, String id) {
    return reader.checkpoint(key, view, id);
  }

  /**
   * Saves a checkpoint's document again, as a new checkpoint.
   *
   * <p>The document is read first, so that nothing has to be read for the answer once it is saved;
   * checkpoints never change. Whether it may be saved is still the write's decision alone.
   */
  public Mono<WriteResult<Checkpoint>> restore(WriteContext request, String id) {
    return reader
        .checkpoint(request.key(), request.view(), id)
        .mapNotNull(StateView::checkpoint)
        .map(Optional::of)
        .onErrorResume(
            error ->
                WriteExecutor.isGone(error)
                    || ProblemException.is(error, ProblemCode.CHECKPOINT_NOT_FOUND),
            _ -> Mono.empty())
        .defaultIfEmpty(Optional.empty())
        .flatMap(found ->
            writes
                .apply(
                    request.key(),
                    new RestoreState(found.map(Checkpoint::id).orElse(id)),
                    request.preconditions(),
                    request.waitFor())
                .flatMap(outcome ->
                    saved(request, outcome, found.map(Checkpoint::document).orElse(null))));
  }

  private SaveState save(Json document) {
    if (document.length() > maxBytes) {
      throw Problem.of(
              ProblemCode.SESSION_TOO_LARGE,
              "the state document would have " + document.length() + " bytes")
          .with("limit", maxBytes)
          .toException();
    }
    return new SaveState(document);
  }

  private Mono<WriteResult<Checkpoint>> saved(
      WriteContext request, Outcome outcome, @Nullable Json document) {
    if (outcome instanceof Outcome.Applied(_, _, Head head) && document != null) {
      return Mono.just(
          new WriteResult<>(
              new Checkpoint(head.position(), head.updatedAt(), document),
              head.position(),
              false,
              false));
    }
    boolean replayed = outcome instanceof Outcome.Replayed;
    var position =
        switch (outcome) {
          case Outcome.Applied applied -> applied.head().position();
          case Outcome.Replayed again -> again.position();
          case Outcome.Refused refused -> throw refused.problem().toException();
        };
    return reader
        .checkpoint(request.key(), request.view(), Checkpoint.idOf(position))
        // So many were saved since that this one was dropped: then the document as it is now.
        .onErrorResume(
            error -> ProblemException.is(error, ProblemCode.CHECKPOINT_NOT_FOUND),
            _ -> reader.state(request.key(), request.view()))
        .mapNotNull(StateView::checkpoint)
        .map(checkpoint -> new WriteResult<>(checkpoint, position, replayed, false));
  }
}
