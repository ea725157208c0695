package io.heddle.openai;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.live.Frame;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.ThreadPage;
import io.heddle.session.service.WholePages;
import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.PromptWindow;
import io.heddle.turn.Summary;
import io.heddle.turn.Usage;
import io.heddle.web.BytesResponse;
import io.heddle.web.EventStream;
import io.heddle.web.FramesProtocol;
import io.heddle.web.RequestContext;
import io.heddle.web.StreamForm;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Responses that are not stored: a call of the model that leaves nothing behind. */
final class StatelessResponses {

  /** How much of a previous response's thread the model is told. */
  private static final int HISTORY = 1000;

  /** So many right behind it are looked for. */
  private static final int SUMMARIES = 3;

  private final WireServices services;
  private final Compactions compactions;

  StatelessResponses(WireServices services) {
    this.services = services;
    this.compactions = new Compactions(services.calls());
  }

  Mono<ServerResponse> answer(RequestContext call, ResponseRequest ask, String defaultModel) {
    services.gate().requireAllowed(call.admission());
    Telling telling = new Telling(form(ask, defaultModel), ask.sealed(), ask.compacts(), null);
    return asked(call, ask, telling.form().id(), null)
        .flatMap(asked -> pieces(call, ask, asked, telling.form()))
        .flatMap(pieces ->
            ask.stream()
                ? frames(call, telling, pieces).map(this::stream)
                : plain(telling, pieces));
  }

  /** The same on a socket, which remembers it. The events must be subscribed to, once. */
  Mono<Flux<Frame>> live(
      RequestContext call, ResponseRequest ask, String defaultModel, SocketMemory.Recall recall) {
    ResponseForm form = form(ask, defaultModel);
    return asked(call, ask, form.id(), recall.past())
        .flatMap(asked ->
            pieces(call, ask, asked, form)
                .flatMap(pieces -> {
                  SocketMemory.Listener listener =
                      recall.listener(form.id(), asked.thread(), ask.brought());
                  return frames(
                      call, new Telling(form, ask.sealed(), ask.compacts(), listener), pieces);
                }));
  }

  private Mono<Flux<ModelEvent>> pieces(
      RequestContext call, ResponseRequest ask, Asked asked, ResponseForm form) {
    return ask.compacts()
        ? Mono.just(compactions.summary(call, ask, asked, form.random()))
        : compactions
            .prepare(call, ask, asked, form.random())
            .map(prepared -> pieces(call, prepared));
  }

  private Flux<ModelEvent> pieces(RequestContext call, Compactions.Prepared prepared) {
    Flux<ModelEvent> answer =
        services
            .calls()
            .call(call.caller(), prepared.call(), true)
            .onErrorMap(ResponseParameters::named)
            .concatMapIterable(said -> said, 1);
    ModelEvent compaction = prepared.compaction();
    // What fails before its first piece has a status.
    return compaction == null
        ? answer
        : answer.switchOnFirst((first, all) -> first.hasValue() ? all.startWith(compaction) : all);
  }

  /** What the next response goes on from, without asking a model for anything yet. */
  Mono<Flux<Frame>> prepared(
      RequestContext call, ResponseRequest ask, String defaultModel, SocketMemory.Recall recall) {
    ResponseForm form = form(ask, defaultModel);
    return thread(call, ask, recall.past())
        .map(thread -> {
          recall.listener(form.id(), thread.messages(), ask.brought()).end();
          ResponseEvents events = new ResponseEvents(form, -1);
          ModelEvent.Finish nothing =
              new ModelEvent.Finish("stop", new Usage(0, 0, 0, 0), form.notes().model());
          return Flux.concat(
              Flux.fromIterable(events.begin()),
              Flux.fromIterable(
                  events.endWithout(ResponseEnd.of(nothing, services.clock().instant()))));
        });
  }

  private ResponseForm form(ResponseRequest ask, String defaultModel) {
    String random = services.random();
    return new ResponseForm(
        ResponseId.PREFIX + random,
        random,
        "",
        services.clock().instant().getEpochSecond(),
        null,
        ask.notes(defaultModel));
  }

  /**
   * How a response is told.
   *
   * @param summary whether it is nothing but a summary
   * @param listener who remembers it, or null
   */
  private record Telling(
      ResponseForm form,
      boolean sealed,
      boolean summary,
      SocketMemory.@Nullable Listener listener) {

    ResponseEvents events(long after) {
      return new ResponseEvents(form, after, !summary);
    }
  }

  /** What the model would be told, in tokens. */
  Mono<Long> count(RequestContext call, ResponseRequest ask) {
    return asked(call, ask, "input_tokens", null)
        .flatMap(asked -> services.calls().count(call.caller(), asked.call()));
  }

  /**
   * What the model is told, before the answer.
   *
   * @param cut whether there was more of it
   */
  private record Before(List<Json> messages, boolean cut) {}

  record Asked(List<Json> thread, ModelCall call) {}

  private Mono<Asked> asked(
      RequestContext call, ResponseRequest ask, String name, SocketMemory.@Nullable Past past) {
    return thread(call, ask, past)
        .map(thread -> {
          if (thread.messages().isEmpty()) {
            throw OpenAiJson.missing("input");
          }
          return new Asked(
              thread.messages(),
              new ModelCall(
                  ask.model(),
                  ask.instructions(),
                  PromptWindow.arranged(thread.messages(), thread.cut()),
                  ask.parameters(),
                  name));
        });
  }

  private Mono<Before> thread(
      RequestContext call, ResponseRequest ask, SocketMemory.@Nullable Past past) {
    if (past != null) {
      return services
          .references()
          .messages(call, ask.input(), past.place())
          .map(input -> new Before(bodiesOf(past.with(input)), false));
    }
    return read(call, ask)
        .map(read -> {
          List<Json> messages = new ArrayList<>(bodies(read.history()));
          messages.addAll(bodiesOf(read.input()));
          return new Before(messages, read.history().size() >= HISTORY);
        });
  }

  private static List<Json> bodiesOf(List<NewMessage> messages) {
    return messages.stream().map(NewMessage::body).toList();
  }

  /** The thread that the request goes on from, and its own input behind it. */
  Mono<List<Message>> messages(RequestContext call, ResponseRequest ask) {
    return read(call, ask)
        .map(read -> {
          List<Message> messages = new ArrayList<>(read.history());
          for (NewMessage message : read.input()) {
            String id = message.id() == null ? "" : message.id();
            messages.add(new Message(id, 0, Instant.EPOCH, message.body()));
          }
          if (messages.isEmpty()) {
            throw OpenAiJson.missing("input");
          }
          return messages;
        });
  }

  /** The thread that a request goes on from, and what its own input adds. */
  private record Read(List<Message> history, List<NewMessage> input) {}

  private Mono<Read> read(RequestContext call, ResponseRequest ask) {
    return before(call, ask)
        .flatMap(history ->
            services
                .references()
                .messages(call, ask.input(), ItemReferences.among(history))
                .map(input -> history.isEmpty() ? PendingToolCalls.check(input) : input)
                .map(input -> new Read(history, input)));
  }

  /** The thread before the request's own input. */
  private Mono<List<Message>> before(RequestContext call, ResponseRequest ask) {
    String previous = ask.previous();
    String conversation = ask.conversation();
    if (conversation != null) {
      SessionKey key = Conversations.key(call, conversation);
      return Conversations.named(
          key,
          WholePages.load(services.reader(), key, call.view(), PageRequest.last(HISTORY))
              .map(ThreadPage::messages));
    }
    if (previous == null) {
      return Mono.just(List.of());
    }
    ResponseId id = ResponseId.parse(previous);
    SessionKey key = id == null ? null : call.keyOrNull(id.session());
    if (id == null || key == null) {
      return Mono.error(ResponseCreation.previousNotFound(previous));
    }
    return services
        .records()
        .point(call, key, id)
        .filter(point -> !point.running())
        .switchIfEmpty(Mono.error(() -> ResponseCreation.previousNotFound(previous)))
        .flatMap(point ->
            Mono.zip(
                    services.reader().message(key, call.view(), point.last()),
                    WholePages.load(
                        services.reader(),
                        key,
                        call.view(),
                        new PageRequest(HISTORY, null, point.last(), true, false)),
                    services
                        .reader()
                        .load(key, call.view(), PageRequest.forward(SUMMARIES, point.last())))
                .map(read -> {
                  List<Message> all = new ArrayList<>(read.getT2().messages());
                  all.addAll(read.getT1().messages());
                  read.getT3().messages().stream()
                      .takeWhile(message -> Summary.of(message.body()) != null)
                      .forEach(all::add);
                  return all;
                }));
  }

  private static List<Json> bodies(List<Message> messages) {
    return messages.stream().map(Message::body).toList();
  }

  private Mono<ServerResponse> plain(Telling telling, Flux<ModelEvent> pieces) {
    return Mono.defer(() -> {
      ResponseEvents events = telling.events(Long.MAX_VALUE);
      events.begin();
      return pieces
          .doOnNext(piece -> told(events, piece, telling))
          .then(Mono.fromSupplier(() -> BytesResponse.json(events.whole())));
    });
  }

  private ServerResponse stream(Flux<Frame> frames) {
    return new EventStream(services.connections(), new FramesProtocol(frames), StreamForm.OPENAI);
  }

  /** The head of the answer waits for the first piece: what fails before it has a status. */
  private Mono<Flux<Frame>> frames(RequestContext call, Telling telling, Flux<ModelEvent> pieces) {
    return FirstSignal.of(pieces)
        .map(rest ->
            Flux.defer(() -> {
              ResponseEvents events = telling.events(-1);
              return Flux.fromIterable(events.begin())
                  .concatWith(rest.concatMapIterable(piece -> told(events, piece, telling)))
                  .onErrorResume(error ->
                      Flux.fromIterable(
                          events.end(ResponseEnd.failed(WireError.of(call.exchange(), error)))));
            }));
  }

  private List<Frame> told(ResponseEvents events, ModelEvent piece, Telling telling) {
    SocketMemory.Listener listener = telling.listener();
    if (listener != null) {
      listener.hear(piece);
    }
    if (!(piece instanceof ModelEvent.Finish finish)) {
      return events.piece(piece);
    }
    if (telling.sealed()) {
      events.seal(finish.opaque());
    }
    ResponseEnd end = ResponseEnd.of(finish, services.clock().instant());
    List<Frame> last = events.end(end);
    if (listener != null) {
      // Before the client is told, who then may go on from there.
      listener.end(end.isWhole(), events.ids());
    }
    return last;
  }
}
