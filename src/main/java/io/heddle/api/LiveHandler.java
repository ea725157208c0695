package io.heddle.api;

import io.heddle.base.Caller;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.live.FrameSink;
import io.heddle.live.LiveProperties;
import io.heddle.live.SessionHubs;
import io.heddle.live.Watch;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.service.ThreadService;
import io.heddle.web.AdmissionGate;
import io.heddle.web.BytesResponse;
import io.heddle.web.Callers;
import io.heddle.web.CloseCode;
import io.heddle.web.Connections;
import io.heddle.web.EventStream;
import io.heddle.web.HeaderNames;
import io.heddle.web.Query;
import io.heddle.web.RequestContext;
import io.heddle.web.RequestGate;
import io.heddle.web.RequestHeaders;
import io.heddle.web.StreamProtocol;
import io.heddle.web.Upgrade;
import org.jspecify.annotations.Nullable;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** {@code GET /v1/socket} and {@code GET /v1/sessions/{id}/events}. */
final class LiveHandler {

  /** What a request over a socket has beside its message. */
  private static final int ENVELOPE = 16 << 10;

  private final SessionHubs hubs;
  private final ThreadService threads;
  private final Connections connections;
  private final AdmissionGate gate;
  private final SocketSession.Services services;
  private final int maxText;

  LiveHandler(
      Routes.Live live,
      ThreadService threads,
      TurnStarts starts,
      WriteCalls calls,
      int maxMessage) {
    LiveProperties properties = live.properties();
    this.hubs = live.hubs();
    this.threads = threads;
    this.connections = live.connections();
    this.gate = calls.gate();
    SocketWrites writes = new SocketWrites(threads, starts, calls);
    this.services =
        new SocketSession.Services(hubs, writes, calls.bodies(), properties.maxWatches());
    this.maxText = maxMessage + ENVELOPE;
  }

  Mono<ServerResponse> socket(RequestContext call) {
    Query query = call.query("watch", "since", Callers.QUERY);
    Problem wrong = Upgrade.refusal(call.exchange().getRequest());
    if (wrong != null) {
      return Mono.just(Upgrade.refused(wrong));
    }
    connections.refuseWhenDraining("connections");
    String watch = query.text("watch");
    if (watch != null && !SessionKey.isId(watch)) {
      throw Query.refuse("watch", RequestContext.ID_RULE);
    }
    Position since = since(query.text("since"), "since");
    if (since != null && watch == null) {
      throw Query.refuse("since", "needs watch beside it");
    }
    CloseCode refusal = null;
    if (RequestGate.isForeign(call.exchange())) {
      refusal = CloseCode.ORIGIN;
    } else if (connections.isFull() || gate.hasAllConnections(call.caller())) {
      refusal = CloseCode.TOO_MANY;
    }
    SocketSession session =
        new SocketSession(
            services,
            call.caller(),
            new SocketSession.Start(call.admission(), watch, since, refusal));
    return Mono.just(new Upgrade(connections, session, call.caller().holder(), maxText));
  }

  Mono<ServerResponse> events(RequestContext call) {
    SessionKey key = call.session();
    Query query = call.query("since", Callers.QUERY);
    connections.requireRoom();
    gate.refuseConnection(call.caller());
    // A client that comes back sends both: what it has seen last is newer.
    String last = call.headers().getFirst(HeaderNames.LAST_EVENT_ID);
    Position since =
        last == null || last.isEmpty()
            ? since(query.text("since"), "since")
            : since(last, HeaderNames.LAST_EVENT_ID);
    Caller caller = call.caller();
    // The head of the answer is written before the first frame: what is refused is found out now.
    Mono<ServerResponse> stream =
        threads
            .page(key, new ReadContext(caller.owner(), null), PageRequest.NONE)
            .map(_ -> new EventStream(connections, new Events(key, caller, since)));
    boolean returns = last != null && !last.isEmpty() && EventStream.isAskedFor(call.http());
    return since == null || !returns
        ? stream
        : stream.onErrorResume(LiveHandler::isGone, _ -> goodbye(key, caller, since));
  }

  /** Who followed a session to its end, or meanwhile missed it. */
  private Mono<ServerResponse> goodbye(SessionKey key, Caller caller, Position since) {
    return hubs.endedAt(key, caller, since)
        .map(told ->
            told ? stayAway() : new EventStream(connections, new Events(key, caller, since)));
  }

  /** Ends a browser's {@code EventSource}, which comes back after every stream that ends. */
  static BytesResponse stayAway() {
    return BytesResponse.empty(204);
  }

  static boolean isGone(Throwable error) {
    return error instanceof ProblemException refusal && refusal.problem().code().status() == 410;
  }

  private final class Events implements StreamProtocol, Watch.Listener {
    private final SessionKey key;
    private final Caller caller;
    private final @Nullable Position since;
    private @Nullable Watch watch;
    private @Nullable Runnable end;

    Events(SessionKey key, Caller caller, @Nullable Position since) {
      this.key = key;
      this.caller = caller;
      this.since = since;
    }

    @Override
    public void opened(FrameSink outlet, Runnable end) {
      this.end = end;
      watch = hubs.watch(key, caller, since, outlet, this);
    }

    @Override
    public void drained() {
      if (watch != null) {
        watch.writable();
      }
    }

    @Override
    public void closed() {
      if (watch != null) {
        watch.stop();
      }
    }

    @Override
    public void started() {}

    @Override
    public void refused(Problem problem) {
      ended();
    }

    @Override
    public void ended() {
      if (end != null) {
        end.run();
      }
    }
  }

  private static @Nullable Position since(@Nullable String text, String name) {
    return text == null ? null : RequestHeaders.position(name, text);
  }
}
