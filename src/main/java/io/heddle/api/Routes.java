package io.heddle.api;

import static org.springframework.http.HttpMethod.DELETE;
import static org.springframework.http.HttpMethod.GET;
import static org.springframework.http.HttpMethod.PATCH;
import static org.springframework.http.HttpMethod.POST;
import static org.springframework.http.HttpMethod.PUT;

import io.heddle.answercache.AnswerProperties;
import io.heddle.answercache.Answers;
import io.heddle.base.IdSource;
import io.heddle.limit.Limits;
import io.heddle.limit.TokenLimits;
import io.heddle.live.LiveProperties;
import io.heddle.live.SessionHubs;
import io.heddle.session.SessionProperties;
import io.heddle.session.service.SessionServices;
import io.heddle.turn.Turns;
import io.heddle.web.Access;
import io.heddle.web.AdmissionGate;
import io.heddle.web.BodyReader;
import io.heddle.web.Connections;
import io.heddle.web.EventStream;
import io.heddle.web.Handler;
import io.heddle.web.RouteTable;
import java.util.List;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerResponse;

/** The native API at a glance. */
public final class Routes {

  private final AdmissionGate gate;
  private final AdmissionGate ofEventSources;
  private final RouterFunction<ServerResponse> router;
  private final List<String> patterns;

  /** What the calls on answers need. */
  public record Cache(Answers answers, AnswerProperties properties) {}

  /** What the calls that watch need. */
  public record Live(SessionHubs hubs, Connections connections, LiveProperties properties) {}

  /** Routes are tried from the top: the two that every turn of a chat takes come first. */
  public Routes(
      SessionServices services,
      Turns ofModels,
      Limits limits,
      TokenLimits tokens,
      BodyReader reader,
      IdSource ids,
      SessionProperties properties,
      Cache kept,
      Live live) {
    gate =
        new AdmissionGate(
            new NativeWire(), limits, tokens, services.sessions(), properties.lockWait());
    ofEventSources = gate.withWire(new NativeWire.OfEventSource());
    WriteCalls calls = new WriteCalls(gate, reader, ids, properties);
    SessionsHandler sessions = new SessionsHandler(services.sessions(), calls);
    ThreadsHandler threads = new ThreadsHandler(services.threads(), calls);
    StateHandler state = new StateHandler(services.states(), calls);
    LocksHandler locks = new LocksHandler(services.locks(), calls);
    TurnStarts starts = new TurnStarts(ofModels, services.sessions(), live.connections());
    TurnsHandler turns = new TurnsHandler(starts, calls, live.connections());
    CacheHandler cache = new CacheHandler(kept.answers(), kept.properties(), gate, reader);
    int maxMessage = Math.toIntExact(properties.maxMessage().toBytes());
    LiveHandler watches = new LiveHandler(live, services.threads(), starts, calls, maxMessage);
    RouteTable table =
        new RouteTable(gate, "/v1")
            .write(POST, "/sessions/{id}/messages", threads::append)
            .read("/sessions/{id}/messages", threads::page)
            //
            .write(POST, "/sessions", sessions::create)
            .read("/sessions", sessions::list)
            .read("/sessions/{id}", sessions::get)
            .write(PUT, "/sessions/{id}", sessions::put)
            .write(PATCH, "/sessions/{id}", sessions::patch)
            .write(DELETE, "/sessions/{id}", sessions::delete)
            .write(POST, "/sessions/{id}/fork", sessions::fork)
            //
            .write(DELETE, "/sessions/{id}/messages", threads::cut)
            .read("/sessions/{id}/messages/{messageId}", threads::message)
            .write(DELETE, "/sessions/{id}/messages/{messageId}", threads::delete)
            //
            .read("/sessions/{id}/state", state::get)
            .write(PUT, "/sessions/{id}/state", state::put)
            .write(PATCH, "/sessions/{id}/state", state::patch)
            .read("/sessions/{id}/checkpoints", state::checkpoints)
            .read("/sessions/{id}/checkpoints/{checkpointId}", state::checkpoint)
            .write(POST, "/sessions/{id}/checkpoints/{checkpointId}/restore", state::restore)
            //
            .write(POST, "/sessions/{id}/lock", locks::lock)
            .read("/sessions/{id}/lock", locks::holder)
            .write(PUT, "/sessions/{id}/lock", locks::renew)
            .write(DELETE, "/sessions/{id}/lock", locks::release)
            //
            .add("/sessions/{id}/compact", turn(new CompactHandler(ofModels, calls)::compact), POST)
            .add("/sessions/{id}/turns", turn(turns::begin), POST)
            .read("/sessions/{id}/turns", turns::list)
            .read("/sessions/{id}/turns/{turnId}", turns::get)
            .write(POST, "/sessions/{id}/turns/{turnId}/cancel", turns::cancel)
            .add("/sessions/{id}/turns/{turnId}/events", stream(turns::events), GET)
            //
            .read("/cache/{key}", cache::get)
            .writeOnce(PUT, "/cache/{key}", cache::put)
            .writeOnce(DELETE, "/cache/{key}", cache::delete)
            //
            .add("/socket", gate.route(Access.WATCH, watches::socket), GET)
            .add("/sessions/{id}/events", stream(watches::events), GET)
            //
            .read("/limits", new LimitsHandler(limits, tokens)::get)
            .read("/openapi.json", new OpenApiHandler()::get);
    router = table.build("/v1/**", new NoSuchRoute(table.known()));
    patterns = List.copyOf(table.known().keySet());
  }

  private HandlerFunction<ServerResponse> turn(Handler handler) {
    return gate.route(Access.TURN, handler);
  }

  /**
   * A route to a handler that opens an event stream. A browser's {@code EventSource} that may try
   * again is told so; any other client is told what is wrong.
   */
  private HandlerFunction<ServerResponse> stream(Handler handler) {
    HandlerFunction<ServerResponse> plain = gate.route(Access.WATCH, handler);
    HandlerFunction<ServerResponse> told = ofEventSources.route(Access.WATCH, handler);
    return request ->
        (EventStream.isAskedFor(request.exchange().getRequest()) ? told : plain).handle(request);
  }

  public RouterFunction<ServerResponse> router() {
    return router;
  }

  /** The paths of the routes. */
  public List<String> patterns() {
    return patterns;
  }
}
