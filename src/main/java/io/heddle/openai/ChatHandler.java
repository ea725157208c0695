package io.heddle.openai;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.live.Frame;
import io.heddle.session.Turn;
import io.heddle.turn.ModelCall;
import io.heddle.turn.Parameters;
import io.heddle.turn.PromptWindow;
import io.heddle.turn.TurnEvent;
import io.heddle.web.BytesResponse;
import io.heddle.web.EventStream;
import io.heddle.web.FramesProtocol;
import io.heddle.web.HeaderNames;
import io.heddle.web.Query;
import io.heddle.web.RequestContext;
import io.heddle.web.StreamForm;
import java.util.ArrayList;
import java.util.List;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * {@code POST /chat/completions}: a plain call of the model, or, when the request names a session,
 * a turn in it.
 */
final class ChatHandler {

  private final WireServices services;
  private final ChatTurns starts;

  ChatHandler(WireServices services, ChatTurns starts) {
    this.services = services;
    this.starts = starts;
  }

  Mono<ServerResponse> create(RequestContext call) {
    return services
        .bodies()
        .object(call)
        .flatMap(body -> {
          ChatRequest ask = ChatRequest.read(body.fields());
          services.upstream().refuseUnknown(ask.model());
          if (ask.stream()) {
            services.requireRoom(call);
          }
          String header = call.headers().getFirst(HeaderNames.SESSION);
          String session = header == null ? ask.conversation() : header;
          if (session == null) {
            return alone(call, ask);
          }
          Parameters.check(ask.parameters(), services.calls().maxOutput(), name -> name);
          if (ask.conversation() != null && !ask.conversation().equals(session)) {
            throw Query.refuse(HeaderNames.SESSION, "is another than metadata.conversation_id");
          }
          SessionKey key = Conversations.key(call, session);
          call.exchange().getResponse().getHeaders().set(HeaderNames.SESSION, key.id());
          return starts
              .begin(call, key, header != null, ask, body.bytes())
              .flatMap(turn -> ask.stream() ? stream(call, ask, turn) : plain(call, ask, turn));
        });
  }

  /** Everything under {@code /chat/completions} that asks for stored ones. */
  Mono<ServerResponse> stored(RequestContext call) {
    throw WireError.unsupported(
            "store", "Heddle does not store chat completions; name a session, or use Responses.")
        .toException();
  }

  // ---- without a session

  private Mono<ServerResponse> alone(RequestContext call, ChatRequest ask) {
    services.gate().requireAllowed(call.admission());
    String id = ChatForm.PREFIX + services.random();
    ChatForm form = form(id, services.clock().instant().getEpochSecond(), ask);
    // The words of the instructions are not all that was said.
    String system = ask.prompt().isEmpty() ? ask.instructions() : null;
    ModelCall model = new ModelCall(ask.model(), system, told(ask), ask.parameters(), id);
    if (!ask.stream()) {
      return services
          .calls()
          .call(call.caller(), model.withoutStream(), true)
          .collect(CompletionAssembler::new, CompletionAssembler::addAll)
          .map(answer -> BytesResponse.json(answer.json(form)));
    }
    return FirstSignal.of(services.calls().call(call.caller(), model, ask.usage()))
        .map(rest -> {
          ChatChunks chunks = new ChatChunks(form);
          // A frame is all that was there at once, and so the next is asked for when it was taken.
          return stream(call, rest.mapNotNull(chunks::of), 1);
        });
  }

  private static List<Json> told(ChatRequest ask) {
    if (ask.messages().isEmpty()) {
      throw OpenAiJson.refuse("messages", "must have a message that is no system message");
    }
    List<Json> messages = new ArrayList<>(ask.prompt());
    messages.addAll(ask.isSplit() ? PromptWindow.arranged(ask.messages(), false) : ask.messages());
    return messages;
  }

  // ---- in a session

  private Mono<ServerResponse> plain(RequestContext call, ChatRequest ask, Turn turn) {
    return Mono.defer(() -> {
      CompletionAssembler answer = new CompletionAssembler();
      return services
          .turns()
          .follow(turn.session(), call.view(), turn.id(), 0)
          .doOnNext(event -> {
            if (event instanceof TurnEvent.Delta delta) {
              answer.add(delta.piece());
            }
          })
          .ofType(TurnEvent.Ended.class)
          .next()
          .map(ended -> {
            refuseUnlessAnswered(ended.turn());
            return BytesResponse.json(
                answer.json(
                    form(turn, ask),
                    reason(ended.turn()),
                    ResponseEnd.usageOf(ended.turn()),
                    ResponseEnd.of(ended.turn()).model(),
                    OpaqueMembers.ofAnswer(ended.messages())));
          });
    });
  }

  private Mono<ServerResponse> stream(RequestContext call, ChatRequest ask, Turn turn) {
    ChatChunks chunks = new ChatChunks(form(turn, ask));
    Flux<List<Frame>> told =
        services
            .turns()
            .follow(turn.session(), call.view(), turn.id(), 0)
            // That it has started is nothing to answer with yet: it may still fail at once.
            .filter(event -> !(event instanceof TurnEvent.Started))
            .map(event -> told(chunks, event));
    return FirstSignal.of(told)
        .map(all -> stream(call, all.concatMapIterable(frames -> frames), FramesProtocol.AHEAD));
  }

  private static List<Frame> told(ChatChunks chunks, TurnEvent event) {
    return switch (event) {
      case TurnEvent.Delta delta -> {
        Frame frame = chunks.of(List.of(delta.piece()));
        yield frame == null ? List.of() : List.of(frame);
      }
      case TurnEvent.Ended ended -> {
        refuseUnlessAnswered(ended.turn());
        yield List.of(
            chunks.end(
                reason(ended.turn()),
                ResponseEnd.usageOf(ended.turn()),
                OpaqueMembers.ofAnswer(ended.messages())));
      }
      case TurnEvent.Queued _, TurnEvent.Started _, TurnEvent.SoFar _ -> List.of();
    };
  }

  private ServerResponse stream(RequestContext call, Flux<Frame> frames, int ahead) {
    Flux<Frame> told = frames.onErrorResume(error -> Flux.just(WireError.chunk(call, error)));
    return new EventStream(
        services.connections(), new FramesProtocol(told, ahead), StreamForm.OPENAI);
  }

  /** This wire has no word for an answer that somebody stopped. */
  private static void refuseUnlessAnswered(Turn turn) {
    ResponsesHandler.refuseFailed(turn, name -> name);
    if (turn.status() == Turn.Status.CANCELLED) {
      throw new WireError(
              409, "The turn was cancelled.", WireError.INVALID, null, "turn_cancelled", false, 0)
          .toException();
    }
  }

  private static String reason(Turn turn) {
    String reason = ResponseEnd.endOf(turn).word("finishReason");
    return reason.isEmpty() ? "stop" : reason;
  }

  private ChatForm form(Turn turn, ChatRequest ask) {
    ResponseId id = ResponseId.of(turn.id());
    return form(ChatForm.PREFIX + id.random(), turn.createdAt().getEpochSecond(), ask);
  }

  private ChatForm form(String id, long created, ChatRequest ask) {
    String model = ask.model() == null ? services.defaultModel() : ask.model();
    return new ChatForm(id, created, model, ask.usage());
  }
}
