package io.heddle.openai;

import static org.springframework.http.HttpMethod.DELETE;
import static org.springframework.http.HttpMethod.POST;

import io.heddle.answercache.AnswerStore;
import io.heddle.base.IdSource;
import io.heddle.limit.Decision;
import io.heddle.limit.Limits;
import io.heddle.limit.TokenLimits;
import io.heddle.session.SessionProperties;
import io.heddle.session.SessionReader;
import io.heddle.session.service.SessionServices;
import io.heddle.turn.StatelessCalls;
import io.heddle.turn.Turns;
import io.heddle.turn.Upstream;
import io.heddle.web.Access;
import io.heddle.web.AdmissionGate;
import io.heddle.web.BodyReader;
import io.heddle.web.Connections;
import io.heddle.web.Handler;
import io.heddle.web.RequestContext;
import io.heddle.web.RouteTable;
import java.time.InstantSource;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** The OpenAI wire at a glance. */
public final class Routes {

  private final OpenAiWire wire;
  private final AdmissionGate gate;
  private final TokenLimits tokens;
  private final ModelsHandler models;
  private final ChatHandler chat;
  private final ConversationsHandler conversations;
  private final ItemsHandler items;
  private final ResponsesHandler responses;
  private final StoredResponses calls;
  private final CompactHandler compact;
  private final ResponsesSocket.Services sockets;

  /** What the calls of models need. */
  public record Models(
      Turns turns, StatelessCalls direct, Upstream upstream, AnswerStore answers) {}

  /**
   * @param reader the store's, not the near cache
   */
  public Routes(
      SessionServices all,
      SessionReader reader,
      Models used,
      Limits limits,
      TokenLimits tokens,
      BodyReader bodyReader,
      Connections connections,
      IdSource ids,
      InstantSource clock,
      SessionProperties properties,
      OpenAiProperties own) {
    this.tokens = tokens;
    wire = new OpenAiWire(ids);
    Turns turns = used.turns();
    AnswerStore answers = used.answers();
    gate = new AdmissionGate(wire, limits, tokens, all.sessions(), properties.lockWait());
    RequestBodies bodies = new RequestBodies(bodyReader, properties);
    ItemPages pages = new ItemPages(reader);
    WireServices services =
        new WireServices(
            gate,
            bodies,
            all,
            reader,
            turns,
            used.direct(),
            used.upstream(),
            connections,
            ids,
            clock,
            new Conversations(ids, properties),
            pages,
            new ItemReferences(pages, bodies, answers),
            new ResponseRecords(turns, pages, answers),
            new SdkRetries(turns, answers, gate));
    models = new ModelsHandler(used.upstream());
    conversations = new ConversationsHandler(services);
    items = new ItemsHandler(services);
    chat = new ChatHandler(services, new ChatTurns(services));
    StatelessResponses alone = new StatelessResponses(services);
    responses =
        new ResponsesHandler(services, new ResponseCreation(services), alone, own.hostedTools());
    compact = new CompactHandler(services, alone);
    calls = new StoredResponses(services, responses, alone);
    sockets =
        new ResponsesSocket.Services(
            services,
            responses,
            own,
            SocketMemory.Shared.of(connections.budget()),
            bodyReader.maxBytes());
  }

  public RouterFunction<ServerResponse> router() {
    return new RouteTable(gate, "/openai/v1")
        .add("/chat/completions", model(chat::create), POST)
        .add("/responses", model(responses::create), POST)
        //
        .write(POST, "/responses/input_tokens", calls::inputTokens)
        .add("/responses/compact", model(compact::create), POST)
        .read("/responses", sockets::open)
        .read("/responses/{id}", calls::get)
        .write(DELETE, "/responses/{id}", calls::delete)
        .write(POST, "/responses/{id}/cancel", calls::cancel)
        .read("/responses/{id}/input_items", calls::inputItems)
        //
        .write(POST, "/conversations", conversations::create)
        .read("/conversations", conversations::list)
        .read("/conversations/{id}", conversations::get)
        .write(POST, "/conversations/{id}", conversations::update)
        .write(DELETE, "/conversations/{id}", conversations::delete)
        //
        .write(POST, "/conversations/{id}/items", items::create)
        .read("/conversations/{id}/items", items::list)
        .read("/conversations/{id}/items/{item}", items::get)
        .write(DELETE, "/conversations/{id}/items/{item}", items::delete)
        //
        .read("/models", models::list)
        .read("/models/{*id}", models::get)
        //
        .read("/chat/completions/**", chat::stored)
        .write(POST, "/chat/completions/**", chat::stored)
        .write(DELETE, "/chat/completions/**", chat::stored)
        .build("/openai/**", request -> Mono.just(unknown(request.method(), request.path())));
  }

  /** Callers of models are told what they have left of tokens too. */
  private HandlerFunction<ServerResponse> model(Handler handler) {
    return gate.route(
        Access.MODEL, tokens.areCounted() ? call -> tokensTold(call, handler) : handler);
  }

  /** After the call is begun, so that it is counted. */
  private Mono<ServerResponse> tokensTold(RequestContext call, Handler handler) {
    HttpHeaders headers = call.exchange().getResponse().getHeaders();
    Mono<? extends ServerResponse> answer = Mono.defer(() -> handler.handle(call));
    return answer
        .cast(ServerResponse.class)
        .onErrorResume(error -> wire.answer(call.exchange(), error))
        .flatMap(answered ->
            tokens
                .look(call.caller())
                .doOnNext(left ->
                    RateHeaders.tell(headers, RateHeaders.Of.TOKENS, Decision.tightest(left)))
                .thenReturn(answered));
  }

  private static ServerResponse unknown(HttpMethod method, String path) {
    String message = "Unknown request URL: " + method + " " + path + ".";
    return new WireError(404, message, WireError.INVALID, null, "unknown_url", null, 0).answer();
  }
}
