package io.heddle.api;

import static org.springframework.web.reactive.function.server.RequestPredicates.methods;
import static org.springframework.web.reactive.function.server.RequestPredicates.path;

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
import io.heddle.web.BodyReader;
import io.heddle.web.Connections;
import java.util.ArrayList;
import java.util.List;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;

/** The native API at a glance. */
public final class Routes {

  private final AdmissionGate gate;
  private final SessionsHandler sessions;
  private final ThreadsHandler threads;
  private final StateHandler state;
  private final LocksHandler locks;
  private final CompactHandler compactions;
  private final LimitsHandler limits;
  private final TurnsHandler turns;
  private final CacheHandler cache;
  private final LiveHandler live;
  private final OpenApiHandler openApi = new OpenApiHandler();
  private final RouterFunction<ServerResponse> router;
  private final List<String> patterns = new ArrayList<>();

  /** What the calls on answers need. */
  public record Cache(Answers answers, AnswerProperties properties) {}

  /** What the calls that watch need. */
  public record Live(SessionHubs hubs, Connections connections, LiveProperties properties) {}

  public Routes(
      SessionServices services,
      Turns turns,
      Limits limits,
      TokenLimits tokens,
      BodyReader reader,
      IdSource ids,
      SessionProperties properties,
      Cache cache,
      Live live) {
    RequestBodies bodies = new RequestBodies(properties);
    WriteContexts requests = new WriteContexts(ids, properties);
    gate = new AdmissionGate(limits, tokens, services.sessions());
    this.limits = new LimitsHandler(limits, tokens);
    sessions = new SessionsHandler(services.sessions(), gate, reader, bodies, requests);
    threads = new ThreadsHandler(services.threads(), gate, reader, bodies, requests);
    state = new StateHandler(services.states(), gate, reader, bodies, requests);
    locks = new LocksHandler(services.locks(), gate, reader, bodies, requests);
    compactions = new CompactHandler(turns, gate, reader, bodies, requests);
    TurnStarts starts = new TurnStarts(turns, services.sessions(), live.connections());
    this.turns = new TurnsHandler(starts, gate, reader, bodies, requests, live.connections());
    this.cache = new CacheHandler(cache.answers(), cache.properties(), gate, reader);
    this.live =
        new LiveHandler(
            live,
            services.threads(),
            starts,
            gate,
            bodies,
            requests,
            Math.toIntExact(properties.maxMessage().toBytes()));
    router = table();
  }

  public RouterFunction<ServerResponse> router() {
    return router;
  }

  /** The paths of the routes. */
  public List<String> patterns() {
    return List.copyOf(patterns);
  }

  /** Routes are tried from the top: the two that every turn of a chat takes come first. */
  private RouterFunction<ServerResponse> table() {
    Table table = new Table();
    table
        .write(HttpMethod.POST, "/v1/sessions/{id}/messages", threads::append)
        .read("/v1/sessions/{id}/messages", threads::page)
        //
        .write(HttpMethod.POST, "/v1/sessions", sessions::create)
        .read("/v1/sessions", sessions::list)
        .read("/v1/sessions/{id}", sessions::get)
        .write(HttpMethod.PUT, "/v1/sessions/{id}", sessions::put)
        .write(HttpMethod.PATCH, "/v1/sessions/{id}", sessions::patch)
        .write(HttpMethod.DELETE, "/v1/sessions/{id}", sessions::delete)
        .write(HttpMethod.POST, "/v1/sessions/{id}/fork", sessions::fork)
        //
        .write(HttpMethod.DELETE, "/v1/sessions/{id}/messages", threads::cut)
        .read("/v1/sessions/{id}/messages/{messageId}", threads::message)
        .write(HttpMethod.DELETE, "/v1/sessions/{id}/messages/{messageId}", threads::delete)
        //
        .read("/v1/sessions/{id}/state", state::get)
        .write(HttpMethod.PUT, "/v1/sessions/{id}/state", state::put)
        .write(HttpMethod.PATCH, "/v1/sessions/{id}/state", state::patch)
        .read("/v1/sessions/{id}/checkpoints", state::checkpoints)
        .read("/v1/sessions/{id}/checkpoints/{checkpointId}", state::checkpoint)
        .write(
            HttpMethod.POST, "/v1/sessions/{id}/checkpoints/{checkpointId}/restore", state::restore)
        //
        .write(HttpMethod.POST, "/v1/sessions/{id}/lock", locks::lock)
        .read("/v1/sessions/{id}/lock", locks::holder)
        .write(HttpMethod.PUT, "/v1/sessions/{id}/lock", locks::renew)
        .write(HttpMethod.DELETE, "/v1/sessions/{id}/lock", locks::release)
        //
        .turn("/v1/sessions/{id}/compact", compactions::compact)
        .turn("/v1/sessions/{id}/turns", turns::begin)
        .read("/v1/sessions/{id}/turns", turns::list)
        .read("/v1/sessions/{id}/turns/{turnId}", turns::get)
        .write(HttpMethod.POST, "/v1/sessions/{id}/turns/{turnId}/cancel", turns::cancel)
        .stream("/v1/sessions/{id}/turns/{turnId}/events", turns::events)
        //
        .read("/v1/cache/{key}", cache::get)
        .writeOnce(HttpMethod.PUT, "/v1/cache/{key}", cache::put)
        .writeOnce(HttpMethod.DELETE, "/v1/cache/{key}", cache::delete)
        //
        .watch("/v1/socket", live::socket)
        .stream("/v1/sessions/{id}/events", live::events)
        //
        .read("/v1/limits", limits::get)
        .read("/v1/openapi.json", openApi::get);
    return table.build();
  }

  /** Collects the routes, and what to say of a path that knows only other methods. */
  private final class Table {
    private final RouterFunctions.Builder routes = RouterFunctions.route();
    private final NoSuchRoute rest = new NoSuchRoute();

    Table read(String pattern, Handler handler) {
      // HEAD is GET without the body, which the server leaves out.
      HandlerFunction<ServerResponse> function = gate.reads(handler);
      routes.route(methods(HttpMethod.GET, HttpMethod.HEAD).and(path(pattern)), function);
      add(HttpMethod.GET, pattern);
      add(HttpMethod.HEAD, pattern);
      return this;
    }

    Table watch(String pattern, Handler handler) {
      return get(pattern, gate.watches(handler));
    }

    Table stream(String pattern, Handler handler) {
      return get(pattern, gate.streams(handler));
    }

    private Table get(String pattern, HandlerFunction<ServerResponse> function) {
      routes.route(methods(HttpMethod.GET).and(path(pattern)), function);
      add(HttpMethod.GET, pattern);
      return this;
    }

    Table write(HttpMethod method, String pattern, Handler handler) {
      routes.route(methods(method).and(path(pattern)), gate.writes(handler));
      add(method, pattern);
      return this;
    }

    Table writeOnce(HttpMethod method, String pattern, Handler handler) {
      routes.route(methods(method).and(path(pattern)), gate.writesOnce(handler));
      add(method, pattern);
      return this;
    }

    Table turn(String pattern, Handler handler) {
      routes.route(methods(HttpMethod.POST).and(path(pattern)), gate.turns(handler));
      add(HttpMethod.POST, pattern);
      return this;
    }

    private void add(HttpMethod method, String pattern) {
      rest.add(method, pattern);
      patterns.add(pattern);
    }

    RouterFunction<ServerResponse> build() {
      return routes.route(path("/v1/**"), rest).build();
    }
  }
}
