package io.heddle.openai;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.live.Frame;
import io.heddle.session.Turn;
import io.heddle.turn.Parameters;
import io.heddle.turn.TurnEvent;
import io.heddle.web.BytesResponse;
import io.heddle.web.EventStream;
import io.heddle.web.FramesProtocol;
import io.heddle.web.RequestContext;
import io.heddle.web.StreamForm;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** {@code POST /responses}, and how responses are told. */
final class ResponsesHandler {

  private final WireServices services;
  private final ResponseCreation starts;
  private final StatelessResponses alone;
  private final HostedTools hosted;

  ResponsesHandler(
      WireServices services,
      ResponseCreation starts,
      StatelessResponses alone,
      HostedTools hosted) {
    this.services = services;
    this.starts = starts;
    this.alone = alone;
    this.hosted = hosted;
  }

  ResponseRequest ask(JsonValue body) {
    return ResponseRequest.read(body, hosted);
  }

  /**
   * The request for a response that a model may be asked for.
   *
   * @param tools that items of the thread before have brought
   */
  private ResponseRequest checked(JsonValue body, List<JsonValue> tools) {
    ResponseRequest ask = ResponseRequest.read(body, hosted, tools).notCompactedInStore();
    String bound = body.has("max_output_tokens") ? "max_output_tokens" : "max_tokens";
    Parameters.check(
        ask.parameters(),
        services.turns().maxOutput(),
        name -> name.equals("max_tokens") ? bound : name);
    services.upstream().refuseUnknown(ask.model());
    return ask;
  }

  Mono<ServerResponse> create(RequestContext call) {
    return services
        .bodies()
        .object(call)
        .flatMap(body -> {
          ResponseRequest ask = checked(body.fields(), List.of());
          if (ask.stream()) {
            services.requireRoom(call);
          }
          if (!ask.store() && ask.conversation() == null) {
            return alone.answer(call, ask, services.defaultModel());
          }
          return starts
              .begin(call, ask, body.bytes(), services.defaultModel(), null)
              .flatMap(turn -> answer(call, ask, turn));
        });
  }

  /**
   * The events of a response that was asked for over a socket; they must be subscribed to, once.
   *
   * @param stored told, before anything is begun, whether the response goes on without its socket
   */
  Mono<Flux<Frame>> create(
      RequestContext call, SocketMessage message, SocketMemory memory, Consumer<Boolean> stored) {
    JsonValue body = message.body();
    SocketMemory.Recall recall = memory.recall(message.lane(), message.previous());
    SocketMemory.Past past = recall.past();
    ResponseRequest ask = checked(body, past == null ? List.of() : past.tools());
    if (ask.background()) {
      throw WireError.unsupported("background", "Responses of a socket are told as they are given.")
          .toException();
    }
    if (!message.generate()) {
      if (ask.conversation() != null) {
        throw OpenAiJson.refuse("generate", "cannot be false together with 'conversation'");
      }
      return alone.prepared(call, ask, services.defaultModel(), recall);
    }
    if (!ask.store() && ask.conversation() == null) {
      return alone.live(call, ask, services.defaultModel(), recall);
    }
    stored.accept(true);
    return starts
        .begin(call, ask, message.bytes(), services.defaultModel(), recall.past())
        .map(turn ->
            frames(
                call,
                turn,
                -1,
                (error, _) ->
                    Frame.of("error", WireError.of(call.exchange(), error).message(null))));
  }

  private Mono<ServerResponse> answer(RequestContext call, ResponseRequest ask, Turn turn) {
    if (ask.stream()) {
      return Mono.just(stream(call, turn, -1));
    }
    if (ask.background()) {
      return json(turn.status().isEnd() ? whole(call, turn) : Mono.just(unfinished(turn)));
    }
    return json(
        ended(call, turn)
            .map(told -> {
              refuseFailed(told.turn(), ResponseParameters::nameOf);
              return told.json();
            }));
  }

  /** The events of a response with a higher number than {@code after}. */
  EventStream stream(RequestContext call, Turn turn, long after) {
    return new EventStream(
        services.connections(), new FramesProtocol(frames(call, turn, after)), StreamForm.OPENAI);
  }

  private Flux<Frame> frames(RequestContext call, Turn turn, long after) {
    return frames(call, turn, after, (error, number) -> WireError.event(call, error, number));
  }

  /**
   * @param broken the event for an error that ends them, which would have this number
   */
  private Flux<Frame> frames(
      RequestContext call, Turn turn, long after, BiFunction<Throwable, Long, Frame> broken) {
    return Flux.defer(() -> {
      ResponseEvents events = new ResponseEvents(ResponseForm.of(turn), after);
      return Flux.fromIterable(events.begin())
          .concatWith(
              services
                  .turns()
                  .follow(turn.session(), call.view(), turn.id(), 0)
                  .concatMapIterable(event -> told(events, event)))
          .onErrorResume(error -> Flux.just(broken.apply(error, events.next())));
    });
  }

  /** A response that has ended. */
  record Told(Turn turn, Json json) {}

  /** The response when it has ended, from its log. */
  Mono<Told> ended(RequestContext call, Turn turn) {
    return Mono.defer(() -> {
      ResponseEvents events = new ResponseEvents(ResponseForm.of(turn), Long.MAX_VALUE);
      events.begin();
      return services
          .turns()
          .follow(turn.session(), call.view(), turn.id(), 0)
          .doOnNext(event -> told(events, event))
          .ofType(TurnEvent.Ended.class)
          .next()
          .map(ended -> new Told(ended.turn(), events.whole()));
    });
  }

  Mono<Json> whole(RequestContext call, Turn turn) {
    return ended(call, turn).map(Told::json);
  }

  /** A response that has not ended. */
  static Json unfinished(Turn turn) {
    boolean queued = turn.status() == Turn.Status.QUEUED;
    return ResponseForm.of(turn).json(queued ? ResponseForm.QUEUED : ResponseForm.IN_PROGRESS);
  }

  private static List<Frame> told(ResponseEvents events, TurnEvent event) {
    return switch (event) {
      case TurnEvent.Delta delta -> events.piece(delta.piece());
      case TurnEvent.Ended ended -> events.end(ResponseEnd.of(ended.turn()));
      case TurnEvent.Queued _, TurnEvent.Started _, TurnEvent.SoFar _ -> List.of();
    };
  }

  /**
   * A turn that failed is told as an error, as the model's own server would. Its input is in the
   * conversation, so the same request must not be sent again; one that never began may be.
   *
   * @param name what the request calls a parameter of Chat Completions
   */
  static void refuseFailed(Turn turn, UnaryOperator<String> name) {
    if (!ResponseEnd.of(turn).status().equals("failed")) {
      return;
    }
    JsonValue fields = ResponseEnd.errorOf(ResponseEnd.endOf(turn));
    ProblemCode code = ResponseEnd.code(fields.word("code"));
    String detail = fields.word("detail");
    Problem problem = Problem.of(code, detail.isEmpty() ? "The answer broke off." : detail);
    if (code == ProblemCode.MODEL_REFUSED) {
      JsonValue status = fields.get("upstreamStatus");
      problem = problem.with("upstreamStatus", status == null ? 400 : status.integer(0, 999));
      String upstream = fields.word("upstreamCode");
      problem = upstream.isEmpty() ? problem : problem.with("upstreamCode", upstream);
      String param = fields.word(WireError.PARAM);
      problem = param.isEmpty() ? problem : problem.with(WireError.PARAM, name.apply(param));
    }
    WireError told = WireError.of(problem);
    throw (turn.startedAt() == null ? told : told.once()).toException();
  }

  private static Mono<ServerResponse> json(Mono<Json> body) {
    return body.map(BytesResponse::json);
  }
}
