package io.heddle.api;

import io.heddle.base.Caller;
import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.limit.Admission;
import io.heddle.live.Frame;
import io.heddle.live.SessionHubs;
import io.heddle.live.Watch;
import io.heddle.web.Backlog;
import io.heddle.web.CloseCode;
import io.heddle.web.Query;
import io.heddle.web.Socket;
import io.heddle.web.SocketProtocol;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * What is spoken on one WebSocket. Its requests are done one after the other, in their order; when
 * many wait, the socket is not read any more and TCP holds the client back.
 */
final class SocketSession implements SocketProtocol {

  private static final Logger log = LoggerFactory.getLogger(SocketSession.class);

  /** What is no request of a session is counted as one of the socket. */
  private static final String SOCKET = "/v1/socket";

  private final Services services;
  private final Caller caller;
  private final Start start;
  private final Map<String, Watch> watches = new HashMap<>(2);
  private @Nullable Socket socket;

  /** A request is being done; the others wait. */
  private boolean busy;

  /** The bytes of that request. */
  private int handled;

  private final Backlog<byte[]> waiting = new Backlog<>();

  /** The socket is not read. */
  private boolean held;

  /** What all sockets share. */
  record Services(SessionHubs hubs, SocketWrites writes, RequestBodies bodies, int maxWatches) {}

  /**
   * What the handshake asks for.
   *
   * @param refusal closes the socket at once
   */
  record Start(
      Admission admission,
      @Nullable String watch,
      @Nullable Position since,
      @Nullable CloseCode refusal) {}

  SocketSession(Services services, Caller caller, Start start) {
    this.services = services;
    this.caller = caller;
    this.start = start;
  }

  @Override
  public void opened(Socket opened) {
    socket = opened;
    if (start.refusal() != null) {
      opened.close(
          start.refusal(),
          start.refusal() == CloseCode.ORIGIN
              ? "this origin is not allowed"
              : "too many connections");
      return;
    }
    Frame limits = SocketFrames.limits(start.admission());
    if (limits != null) {
      send(limits);
    }
    if (start.watch() != null) {
      busy = true;
      SocketRequest.Watch watch = new SocketRequest.Watch(start.watch(), null, start.since());
      counted(watch, () -> watch(watch));
    }
  }

  @Override
  public void drained() {
    List.copyOf(watches.values()).forEach(Watch::writable);
    readOn();
  }

  @Override
  public void closed() {
    socket = null;
    waiting.clear();
    List.copyOf(watches.values()).forEach(Watch::stop);
    watches.clear();
  }

  // ---- requests

  @Override
  public void received(byte[] text) {
    if (!busy) {
      handle(text);
      return;
    }
    waiting.add(text, text.length);
    if (waiting.isFull() && socket != null) {
      held = true;
      socket.read(false);
    }
  }

  private void handle(byte[] text) {
    busy = true;
    handled = text.length;
    SocketRequest request;
    try {
      request = services.bodies().socketRequest(text);
    } catch (ProblemException e) {
      count(SOCKET, refusal -> refuse(text, refusal == null ? e.problem() : refusal));
      return;
    }
    switch (request) {
      case SocketRequest.Watch watch -> counted(watch, () -> watch(watch));
      case SocketRequest.Unwatch unwatch -> {
        if (watches.containsKey(unwatch.session())) {
          // It takes work away, so nobody is refused it.
          unwatch(unwatch);
        } else {
          counted(unwatch, () -> unwatch(unwatch));
        }
      }
      case SocketRequest.Typing typing -> counted(typing, () -> typing(typing));
      case SocketRequest.Writing writing -> write(writing);
    }
  }

  /** Does what would be a read over HTTP, if the caller's limits allow it. */
  private void counted(SocketRequest request, Runnable work) {
    count(
        "/v1/sessions/" + request.session() + "/events",
        refusal -> {
          if (refusal == null) {
            work.run();
          } else {
            fail(request, refusal);
          }
        });
  }

  /** Counts a read, tells what is left, and goes on, with the refusal if it is one. */
  private void count(String path, Consumer<@Nullable Problem> then) {
    services
        .writes()
        .admitRead(caller, path)
        .subscribe(
            admission ->
                here(() -> {
                  Frame limits = SocketFrames.limits(admission);
                  if (limits != null) {
                    send(limits);
                  }
                  then.accept(admission.refusal());
                }),
            error -> here(() -> then.accept(problem(error))));
  }

  private void refuse(byte[] text, Problem problem) {
    SocketRequest.Name name;
    try {
      name = services.bodies().socketRequestName(text);
    } catch (ProblemException e) {
      if (socket != null) {
        socket.close(CloseCode.NOT_UNDERSTOOD, "a message must be one JSON object");
      }
      return;
    }
    send(SocketFrames.error(name.ref(), name.session(), problem));
    done();
  }

  /** The request is answered; the next one's turn. */
  private void done() {
    busy = false;
    Socket open = socket;
    if (open != null) {
      open.handled(handled);
    }
    handled = 0;
    readOn();
    byte[] next = waiting.poll();
    if (next != null) {
      // Not from here: a client that sends many would fill the stack.
      busy = true;
      on(() -> handle(next));
    }
  }

  /** Goes on with reading when little waits. */
  private void readOn() {
    Socket open = socket;
    if (held && open != null && waiting.isLow()) {
      held = false;
      open.read(true);
    }
  }

  private void watch(SocketRequest.Watch request) {
    String id = request.session();
    Socket open = socket;
    if (open == null) {
      return;
    }
    if (watches.containsKey(id)) {
      fail(request, Query.refuse("session", "is watched already").problem());
      return;
    }
    if (watches.size() >= services.maxWatches()) {
      fail(
          request,
          Query.refuse("session", "is one too many: a socket may watch " + services.maxWatches())
              .problem());
      return;
    }
    Watch watch = services.hubs().watch(key(id), caller, request.since(), open, new Told(request));
    watches.put(id, watch);
  }

  /** What becomes of a watch. */
  private final class Told implements Watch.Listener {
    private final SocketRequest.Watch request;

    Told(SocketRequest.Watch request) {
      this.request = request;
    }

    @Override
    public void started() {
      send(SocketFrames.ack(request.ref(), request.session()));
      done();
    }

    @Override
    public void refused(Problem problem) {
      watches.remove(request.session());
      fail(request, problem);
    }

    @Override
    public void ended() {
      watches.remove(request.session());
    }
  }

  private void unwatch(SocketRequest.Unwatch request) {
    Watch watch = watches.remove(request.session());
    if (watch == null) {
      fail(request, Query.refuse("session", "is not watched").problem());
      return;
    }
    watch.stop();
    send(SocketFrames.ack(request.ref(), request.session()));
    done();
  }

  private void typing(SocketRequest.Typing request) {
    String user = caller.user();
    if (user == null) {
      fail(request, Query.refuse("user", "is missing: the socket was opened for nobody").problem());
    } else if (!watches.containsKey(request.session())) {
      // Who may watch a session was asked when the watch began.
      fail(request, Query.refuse("session", "is not watched").problem());
    } else {
      answer(
          request,
          services
              .hubs()
              .typing(key(request.session()), user)
              .thenReturn(SocketFrames.ack(request.ref(), request.session())));
    }
  }

  private void write(SocketRequest.Writing request) {
    services
        .writes()
        .write(caller, request)
        .subscribe(
            written ->
                on(() -> {
                  if (written.limits() != null) {
                    send(written.limits());
                  }
                  send(written.answer());
                  done();
                }),
            error -> on(() -> fail(request, problem(error))));
  }

  // ---- answers

  /** Sends the answer, wherever it comes from, and goes on with the next request. */
  private void answer(SocketRequest request, Mono<Frame> answer) {
    answer.subscribe(
        frame ->
            on(() -> {
              send(frame);
              done();
            }),
        error -> on(() -> fail(request, problem(error))));
  }

  private static Problem problem(Throwable error) {
    if (error instanceof ProblemException refusal) {
      return refusal.problem();
    }
    log.error("a request over a socket failed", error);
    return Problem.of(ProblemCode.INTERNAL, "Something failed; the log says what");
  }

  private void fail(SocketRequest request, Problem problem) {
    send(SocketFrames.error(request, problem));
    done();
  }

  private void send(Frame frame) {
    Socket open = socket;
    if (open != null) {
      open.write(frame);
      open.flush();
    }
  }

  /** At once if this is the socket's loop: most reads are counted without asking anybody. */
  private void here(Runnable task) {
    Socket open = socket;
    if (open != null && open.isHere()) {
      task.run();
    } else {
      on(task);
    }
  }

  private void on(Runnable task) {
    Socket open = socket;
    if (open != null) {
      open.onLoop(task);
    }
  }

  private SessionKey key(String session) {
    return new SessionKey(caller.tenant(), session);
  }
}
