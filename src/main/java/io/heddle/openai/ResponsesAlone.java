package io.heddle.openai;

import io.heddle.base.IdSource;
import io.heddle.base.Json;
import io.heddle.base.SessionKey;
import io.heddle.live.Frame;
import io.heddle.session.Message;
import io.heddle.session.PageRequest;
import io.heddle.session.SessionReader;
import io.heddle.session.ThreadPage;
import io.heddle.session.WholePages;
import io.heddle.turn.DirectCalls;
import io.heddle.turn.ModelCall;
import io.heddle.turn.Piece;
import io.heddle.turn.Window;
import io.heddle.web.Connections;
import io.heddle.web.EventStream;
import io.heddle.web.FramesProtocol;
import io.heddle.web.StreamForm;
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

  private final DirectCalls calls;
  private final SessionReader reader;
  private final ResponseRecords records;
  private final ItemReferences references;
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
        .flatMap(model -> {
          Flux<Piece> pieces = calls.call(call.caller(), model, true);
          return ask.stream() ? stream(call, form, pieces) : plain(form, pieces);
        });
  }

  void refuseConnection(Call call) {
    gate.refuseConnection(call.caller());
  }

  /** What the model would be told, in tokens. */
  Mono<Long> count(Call call, ResponseAsk ask) {
    return modelCall(call, ask, "input_tokens").flatMap(model -> calls.count(call.caller(), model));
  }

  private Mono<ModelCall> modelCall(Call call, ResponseAsk ask, String name) {
    return before(call, ask)
        .flatMap(history ->
            references
                .messages(call, ask.input(), ItemReferences.among(history))
                .map(input -> history.isEmpty() ? OpenCalls.check(input) : input)
                .map(input -> {
                  List<Json> messages = new ArrayList<>(bodies(history));
                  input.forEach(message -> messages.add(message.body()));
                  if (messages.isEmpty()) {
                    throw Value.missing("input");
                  }
                  return new ModelCall(
                      ask.model(),
                      ask.instructions(),
                      Window.arranged(messages),
                      ask.parameters(),
                      name);
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
            reader
                .message(key, call.view(), point.last())
                .zipWith(
                    WholePages.load(
                        reader,
                        key,
                        call.view(),
                        new PageRequest(HISTORY, null, point.last(), true, false)))
                .map(both -> {
                  List<Message> all = new ArrayList<>(both.getT2().messages());
                  all.addAll(both.getT1().messages());
                  return all;
                }));
  }

  private static List<Json> bodies(List<Message> messages) {
    return messages.stream().map(Message::body).toList();
  }

  private Mono<ServerResponse> plain(ResponseForm form, Flux<Piece> pieces) {
    return Mono.defer(() -> {
      ResponseEvents events = new ResponseEvents(form, Long.MAX_VALUE);
      events.begin();
      return pieces
          .doOnNext(piece -> told(events, piece))
          .then(Mono.fromSupplier(() -> ConversationsHandler.json(events.whole())));
    });
  }

  /** The head of the answer waits for the first piece: what fails before it has a status. */
  private Mono<ServerResponse> stream(Call call, ResponseForm form, Flux<Piece> pieces) {
    return FirstSignal.of(pieces)
        .map(rest -> {
          Flux<Frame> frames =
              Flux.defer(() -> {
                ResponseEvents events = new ResponseEvents(form, -1);
                return Flux.fromIterable(events.begin())
                    .concatWith(rest.concatMapIterable(piece -> told(events, piece)))
                    .onErrorResume(error ->
                        Flux.fromIterable(
                            events.end(ResponseEnd.failed(Gate.error(call.exchange(), error)))));
              });
          return new EventStream(connections, new FramesProtocol(frames), StreamForm.OPENAI);
        });
  }

  private List<Frame> told(ResponseEvents events, Piece piece) {
    return piece instanceof Piece.Finish finish
        ? events.end(ResponseEnd.of(finish, clock.instant()))
        : events.piece(piece);
  }
}
