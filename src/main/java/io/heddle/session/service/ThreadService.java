package io.heddle.session.service;

import io.heddle.base.Position;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.session.Appended;
import io.heddle.session.Head;
import io.heddle.session.Message;
import io.heddle.session.MessagePlace;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.PageReader;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionWriter;
import io.heddle.session.ThreadPage;
import io.heddle.session.Write;
import io.heddle.session.Write.Append;
import io.heddle.session.Write.DeleteMessage;
import io.heddle.session.Write.TruncateThread;
import io.heddle.session.WriteContext;
import io.heddle.session.WriteResult;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The threads of sessions. Refusals are {@code ProblemException}s, as {@link SessionReader} and
 * {@link SessionWriter} tell them.
 */
public final class ThreadService {

  private static final int TRIES = 3;

  private final SessionReader reader;
  private final PageReader near;
  private final WriteExecutor writes;
  private final SessionCreator creator;

  ThreadService(
      SessionReader reader, PageReader near, WriteExecutor writes, SessionCreator creator) {
    this.reader = reader;
    this.near = near;
    this.writes = writes;
    this.creator = creator;
  }

  /**
   * Adds messages at the end, in one step.
   *
   * @param createWith makes the session with these messages if it was never there; over one that
   *     was deleted or has expired it is not made
   */
  public Mono<WriteResult<Appended>> append(
      WriteContext request, List<NewMessage> messages, @Nullable SessionAttributes createWith) {
    return append(request, messages, createWith, TRIES);
  }

  /** Deletes one message; the position of the write. */
  public Mono<WriteResult<Position>> deleteMessage(WriteContext request, String id) {
    return position(request, new DeleteMessage(id));
  }

  /** Deletes every message after the given one, without one the whole thread. */
  public Mono<WriteResult<Position>> cut(WriteContext request, @Nullable String after) {
    return position(request, new TruncateThread(after));
  }

  /** Perhaps from what this replica remembers: no base for a write. */
  public Mono<ThreadPage> page(SessionKey key, ReadContext view, PageRequest page) {
    return near.load(key, view, page);
  }

  /** One message, by the client's id or Heddle's. */
  public Mono<ThreadPage> message(SessionKey key, ReadContext view, String id) {
    return reader.message(key, view, id);
  }

  private Mono<WriteResult<Appended>> append(
      WriteContext request,
      List<NewMessage> messages,
      @Nullable SessionAttributes createWith,
      int tries) {
    Mono<WriteResult<Appended>> appended =
        writes
            .apply(request.key(), new Append(messages), request.preconditions(), request.waitFor())
            .flatMap(outcome -> answer(request, messages, outcome, false));
    if (createWith == null || request.requested().lock() != null) {
      return appended;
    }
    // A position can only be of a session that is there.
    if (request.requested().wantSomething()) {
      return appended.onErrorMap(
          error -> ProblemException.is(error, ProblemCode.SESSION_NOT_FOUND),
          _ -> WriteExecutor.conflict());
    }
    return appended.onErrorResume(
        error -> ProblemException.is(error, ProblemCode.SESSION_NOT_FOUND),
        error -> {
          // Another caller's session is answered like none, and cannot be made: that ends here.
          if (tries == 0) {
            return Mono.error(error);
          }
          return creator
              .create(request, createWith, messages)
              .flatMap(outcome -> answer(request, messages, outcome, true))
              .onErrorResume(
                  e -> ProblemException.is(e, ProblemCode.SESSION_EXISTS),
                  _ -> append(request, messages, createWith, tries - 1));
        });
  }

  private Mono<WriteResult<Position>> position(WriteContext request, Write write) {
    return writes
        .apply(request.key(), write, request.preconditions(), request.waitFor())
        .map(ThreadService::position);
  }

  static WriteResult<Position> position(Outcome outcome) {
    Position position = positionOf(outcome);
    return new WriteResult<>(position, position, outcome instanceof Outcome.Replayed, false);
  }

  private Mono<WriteResult<Appended>> answer(
      WriteContext request, List<NewMessage> sent, Outcome outcome, boolean created) {
    return switch (outcome) {
      case Outcome.Applied(_, _, Head head) ->
          Mono.just(
              new WriteResult<>(
                  appended(request.key(), sent, head), head.position(), false, created));
      case Outcome.Replayed(Position position, List<String> ids) ->
          replayed(request, position, ids)
              .map(then -> new WriteResult<>(then, position, true, created));
      case Outcome.Refused refused -> Mono.error(refused.problem().toException());
    };
  }

  static Position positionOf(Outcome outcome) {
    return switch (outcome) {
      case Outcome.Applied applied -> applied.head().position();
      case Outcome.Replayed replayed -> replayed.position();
      case Outcome.Refused refused -> throw refused.problem().toException();
    };
  }

  /** What the store made of the messages; it gives seqs and entries without a hole. */
  private static Appended appended(SessionKey key, List<NewMessage> sent, Head head) {
    List<String> ids = new ArrayList<>(sent.size());
    Map<String, Message> messages = HashMap.newHashMap(sent.size());
    Instant createdAt = head.updatedAt();
    long seq = head.lastSeq() - sent.size();
    for (int i = 0; i < sent.size(); i++) {
      String own = sent.get(i).id();
      String id = own != null ? own : MessagePlace.of(key, head.position(), i).id();
      ids.add(id);
      messages.put(id, new Message(id, ++seq, createdAt, sent.get(i).body()));
    }
    return new Appended(List.copyOf(ids), Map.copyOf(messages));
  }

  /**
   * The messages of an earlier append as they are now: those before the place that follows its last
   * one. None is left when the session has gone since.
   */
  private Mono<Appended> replayed(WriteContext request, Position position, List<String> ids) {
    if (ids.isEmpty()) {
      return Mono.just(new Appended(ids, Map.of()));
    }
    String end = MessagePlace.of(request.key(), position, ids.size()).id();
    Set<String> wanted = new HashSet<>(ids);
    PageRequest before = new PageRequest(ids.size(), null, end, true, false);
    return WholePages.load(reader, request.key(), request.view(), before)
        .map(page -> {
          Map<String, Message> messages = HashMap.newHashMap(ids.size());
          for (Message message : page.messages()) {
            if (wanted.contains(message.id())) {
              messages.put(message.id(), message);
            }
          }
          return new Appended(ids, Map.copyOf(messages));
        })
        .onErrorResume(
            error ->
                WriteExecutor.isGone(error)
                    || ProblemException.is(error, ProblemCode.INVALID_CURSOR),
            _ -> Mono.just(new Appended(ids, Map.of())));
  }
}
