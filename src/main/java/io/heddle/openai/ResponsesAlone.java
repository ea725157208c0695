package io.heddle.openai;

import io.heddle.base.IdSource;
import io.heddle.base.Json;
import io.heddle.base.SessionKey;
import io.heddle.live.Frame;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.SessionReader;
import io.heddle.session.ThreadPage;
import io.heddle.session.WholePages;
import io.heddle.turn.DirectCalls;
import io.heddle.turn.ModelCall;
import io.heddle.turn.Piece;
import io.heddle.turn.Summary;
import io.heddle.turn.Window;
import io.heddle.web.Connections;
import io.heddle.web.EventStream;
import io.heddle.web.FramesProtocol;
import io.heddle.web.StreamForm;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Responses that are not stored: a call of the model that leaves nothing behind. */
final class ResponsesAlone {

  /** How much of a previous response's thread the model is told. */
  private static final int HISTORY = 1000;

  /** So many right behind it are looked for. */
  private static final int SUMMARIES = 3;

  private final DirectCalls calls;
  private final SessionReader reader;
  private final ResponseRecords records;
  private final ItemReferences references;
  private final Compactions compactions;
  private final Gate gate;
  private final IdSource ids;
  private final InstantSource clock;
  private final Connections connections;

  ResponsesAlone(
      DirectCalls calls,
      SessionReader reader,
      ResponseRecords records,
      ItemReferences references,
      Gate gate,
      IdSource ids,
      InstantSource clock,
      Connections connections) {
    this.calls = calls;
    this.reader = reader;
    this.records = records;
    this.references = references;
    this.compactions = new Compactions(calls);
    this.gate = gate;
    this.ids = ids;
    this.clock = clock;
    this.connections = connections;
  }

  Mono<ServerResponse> answer(Call call, ResponseAsk ask, String defaultModel) {
    gate.once(call);
    String random = ids.tag() + ids.tag();
    ResponseForm form =
        new ResponseForm(
            ResponseId.PREFIX + random,
            random,
            "",
            clock.instant().getEpochSecond(),
            null,
            ask.notes(defaultModel));
    return modelCall(call, ask, form.id())
        .flatMap(told -> compactions.prepare(call, ask, told, random))
        .flatMap(prepared -> {
          Flux<Piece> pieces = calls.call(call.caller(), prepared.call(), true);
          if (prepared.compaction() != null) {
            pieces = pieces.startWith(prepared.compaction());
          }
          return ask.stream()
              ? stream(call, form, pieces, ask.sealed())
              : plain(form, pieces, ask.sealed());
        });
  }

  void refuseConnection(Call call) {
    gate.refuseConnection(call.caller());
  }

  /** What the model would be told, in tokens. */
  Mono<Long> count(Call call, ResponseAsk ask) {
    return modelCall(call, ask, "input_tokens")
        .flatMap(told -> calls.count(call.caller(), told.call()));
  }

  private Mono<Told> modelCall(Call call, ResponseAsk ask, String name) {
    return messages(call, ask)
        .map(all -> {
          List<Json> bodies = all.stream().map(Message::body).toList();
          return new Told(
              all,
              new ModelCall(
                  ask.model(),
                  ask.instructions(),
                  Window.arranged(bodies, all.size() >= HISTORY),
                  ask.parameters(),
                  name));
        });
  }

  /**
   * What a model is to be told.
   *
   * @param messages all of them, as they are stored or came
   */
  record Told(List<Message> messages, ModelCall call) {}

  /** The thread that the request goes on from, and its own input behind it. */
  Mono<List<Message>> messages(Call call, ResponseAsk ask) {
    return before(call, ask)
        .flatMap(history ->
            references
                .messages(call, ask.input(), ItemReferences.among(history))
                .map(input -> history.isEmpty() ? OpenCalls.check(input) : input)
                .map(input -> {
                  List<Message> messages = new ArrayList<>(history);
                  for (NewMessage message : input) {
                    String id = message.id() == null ? "" : message.id();
                    messages.add(new Message(id, 0, Instant.EPOCH, message.body()));
                  }
                  if (messages.isEmpty()) {
                    throw Value.missing("input");
                  }
                  return messages;
                }));
  }

  /** The thread before the request's own input. */
  private Mono<List<Message>> before(Call call, ResponseAsk ask) {
    String previous = ask.previous();
    String conversation = ask.conversation();
    if (conversation != null) {
      SessionKey key = Conversations.key(call, conversation);
      return Conversations.named(
          key,
          WholePages.load(reader, key, call.view(), PageRequest.last(HISTORY))
              .map(ThreadPage::messages));
    }
    if (previous == null) {
      return Mono.just(List.of());
    }
    ResponseId id = ResponseId.parse(previous);
    SessionKey key = id == null ? null : call.key(id.session());
    if (id == null || key == null) {
      return Mono.error(ResponseStarts.previousNotFound(previous));
    }
    return records
        .point(call, key, id)
        .filter(point -> !point.running())
        .switchIfEmpty(Mono.error(() -> ResponseStarts.previousNotFound(previous)))
        .flatMap(point ->
            Mono.zip(
                    reader.message(key, call.view(), point.last()),
                    WholePages.load(
                        reader,
                        key,
                        call.view(),
                        new PageRequest(HISTORY, null, point.last(), true, false)),
                    reader.load(key, call.view(), PageRequest.forward(SUMMARIES, point.last())))
                .map(read -> {
                  List<Message> all = new ArrayList<>(read.getT2().messages());
                  all.addAll(read.getT1().messages());
                  read.getT3().messages().stream()
                      .takeWhile(message -> Summary.of(message.body()) != null)
                      .forEach(all::add);
                  return all;
                }));
  }

  private Mono<ServerResponse> plain(ResponseForm form, Flux<Piece> pieces, boolean sealed) {
    return Mono.defer(() -> {
      ResponseEvents events = new ResponseEvents(form, Long.MAX_VALUE);
      events.begin();
      return pieces
          .doOnNext(piece -> told(events, piece, sealed))
          .then(Mono.fromSupplier(() -> ConversationsHandler.json(events.whole())));
    });
  }

  /** The head of the answer waits for the first piece: what fails before it has a status. */
  private Mono<ServerResponse> stream(
      Call call, ResponseForm form, Flux<Piece> pieces, boolean sealed) {
    return FirstSignal.of(pieces)
        .map(rest -> {
          Flux<Frame> frames =
              Flux.defer(() -> {
                ResponseEvents events = new ResponseEvents(form, -1);
                return Flux.fromIterable(events.begin())
                    .concatWith(rest.concatMapIterable(piece -> told(events, piece, sealed)))
                    .onErrorResume(error ->
                        Flux.fromIterable(
                            events.end(ResponseEnd.failed(Gate.error(call.exchange(), error)))));
              });
          return new EventStream(connections, new FramesProtocol(frames), StreamForm.OPENAI);
        });
  }

  private List<Frame> told(ResponseEvents events, Piece piece, boolean sealed) {
    if (!(piece instanceof Piece.Finish finish)) {
      return events.piece(piece);
    }
    if (sealed) {
      events.seal(finish.opaque());
    }
    return events.end(ResponseEnd.of(finish, clock.instant()));
  }
}
