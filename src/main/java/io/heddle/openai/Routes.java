package io.heddle.openai;

import static org.springframework.web.reactive.function.server.RequestPredicates.methods;
import static org.springframework.web.reactive.function.server.RequestPredicates.path;

import io.heddle.answercache.AnswerStore;
import io.heddle.base.IdSource;
import io.heddle.limit.Limits;
import io.heddle.limit.TokenLimits;
import io.heddle.session.SessionProperties;
import io.heddle.session.SessionReader;
import io.heddle.session.service.SessionServices;
import io.heddle.turn.StatelessCalls;
import io.heddle.turn.Turns;
import io.heddle.turn.Upstream;
import io.heddle.web.BodyReader;
import io.heddle.web.Connections;
import java.time.InstantSource;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** The OpenAI wire at a glance. */
public final class Routes {

  private static final String BASE = "/openai/v1";

  private final AdmissionGate gate;
  private final ModelsHandler models;
  private final ChatHandler chat;
  private final ConversationsHandler conversations;
  private final ItemsHandler items;
  private final ResponsesHandler responses;
  private final StoredResponses calls;
  private final CompactHandler compact;
  private final ResponsesSockets sockets;

  /** What the calls of models need. */
  public record Models(
      Turns turns, StatelessCalls direct, Upstream upstream, AnswerStore answers) {}

  /**
   * @param reader the store's, not the near cache
   */
  public Routes(
      SessionServices services,
      SessionReader reader,
      Models used,
      Limits limits,
      TokenLimits tokens,
      BodyReader bodyReader,
      Connections connections,
      IdSource ids,
      InstantSource clock,
      SessionProperties properties,
      OpenAiProperties wire) {
    Turns turns = used.turns();
    gate = new AdmissionGate(limits, tokens, services.sessions(), ids, properties.lockWait());
    RequestBodies bodies = new RequestBodies(bodyReader, properties);
    ItemPages pages = new ItemPages(reader);
    ItemReferences references = new ItemReferences(pages, bodies, used.answers());
    Conversations made = new Conversations(ids, properties);
    SdkRetries tries = new SdkRetries(turns, used.answers(), gate);
    ResponseRecords records = new ResponseRecords(turns, reader, used.answers());
    models = new ModelsHandler(used.upstream());
    conversations =
        new ConversationsHandler(services.sessions(), reader, gate, bodies, references, made);
    items = new ItemsHandler(services, reader, gate, bodies, references, pages);
    chat =
        new ChatHandler(
            used.direct(),
            turns,
            new ChatTurns(turns, services.sessions(), reader, gate, bodies, made, tries),
            used.upstream(),
            bodies,
            gate,
            ids,
            clock,
            connections);
    StatelessResponses alone =
        new StatelessResponses(
            used.direct(), reader, records, references, gate, ids, clock, connections);
    ResponseCreation starts =
        new ResponseCreation(
            new ResponseCreation.Parts(
                turns, services.sessions(), reader, gate, references, made, tries, records));
    responses =
        new ResponsesHandler(
            turns, used.upstream(), bodies, starts, alone, wire.hostedTools(), connections);
    compact = new CompactHandler(used.direct(), bodies, alone, gate, ids, clock);
    calls =
        new StoredResponses(
            turns, services, reader, gate, bodies, records, responses, alone, connections);
    sockets =
        new ResponsesSockets(gate, bodies, responses, wire, connections, bodyReader.maxBytes());
  }

  public RouterFunction<ServerResponse> router() {
    return new Table()
        .model("/chat/completions", chat::create)
        .model("/responses", responses::create)
        //
        .write(HttpMethod.POST, "/responses/input_tokens", calls::inputTokens)
        .model("/responses/compact", compact::create)
        .read("/responses", sockets::open)
        .read("/responses/{id}", calls::get)
        .write(HttpMethod.DELETE, "/responses/{id}", calls::delete)
        .write(HttpMethod.POST, "/responses/{id}/cancel", calls::cancel)
        .read("/responses/{id}/input_items", calls::inputItems)
        //
        .write(HttpMethod.POST, "/conversations", conversations::create)
        .read("/conversations", conversations::list)
        .read("/conversations/{id}", conversations::get)
        .write(HttpMethod.POST, "/conversations/{id}", conversations::update)
        .write(HttpMethod.DELETE, "/conversations/{id}", conversations::delete)
        //
        .write(HttpMethod.POST, "/conversations/{id}/items", items::create)
        .read("/conversations/{id}/items", items::list)
        .read("/conversations/{id}/items/{item}", items::get)
        .write(HttpMethod.DELETE, "/conversations/{id}/items/{item}", items::delete)
        //
        .read("/models", models::list)
        .read("/models/{*id}", models::get)
        //
        .read("/chat/completions/**", chat::stored)
        .write(HttpMethod.POST, "/chat/completions/**", chat::stored)
        .write(HttpMethod.DELETE, "/chat/completions/**", chat::stored)
        .build();
  }

  private final class Table {
    private final RouterFunctions.Builder routes = RouterFunctions.route();

    Table read(String pattern, Handler handler) {
      routes.route(
          methods(HttpMethod.GET, HttpMethod.HEAD).and(path(BASE + pattern)), gate.reads(handler));
      return this;
    }

    Table model(String pattern, Handler handler) {
      routes.route(methods(HttpMethod.POST).and(path(BASE + pattern)), gate.models(handler));
      return this;
    }

    Table write(HttpMethod method, String pattern, Handler handler) {
      routes.route(methods(method).and(path(BASE + pattern)), gate.writes(handler));
      return this;
    }

    RouterFunction<ServerResponse> build() {
      return routes
          .route(
              path("/openai/**"), request -> Mono.just(unknown(request.method(), request.path())))
          .build();
    }
  }

  private static ServerResponse unknown(HttpMethod method, String path) {
    String message = "Unknown request URL: " + method + " " + path + ".";
    return new WireError(404, message, WireError.INVALID, null, "unknown_url", null, 0).answer();
  }
}
