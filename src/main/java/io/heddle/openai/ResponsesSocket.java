package io.heddle.openai;

import io.heddle.base.Problem;
import io.heddle.json.Json;
import io.heddle.live.Frame;
import io.heddle.web.Backlog;
import io.heddle.web.CloseCode;
import io.heddle.web.FramesProtocol;
import io.heddle.web.RequestContext;
import io.heddle.web.Socket;
import io.heddle.web.SocketProtocol;
import io.heddle.web.Upgrade;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What is spoken on one WebSocket of Responses: the client asks for responses, and is sent their
 * events as messages. Those of one lane are given one after the other, those of different lanes
 * side by side; when many wait, the socket is not read any more and TCP holds the client back.
 *
 * <p>Each message counts as the {@code POST} that it stands for, and what is wrong with it is
 * answered by a message. A client that hangs up ends its responses that are not stored; the others
 * go on and can be asked for. Everything is on the socket's loop but where it says otherwise.
 */
final class ResponsesSocket implements SocketProtocol {

  /** Names of lanes; the one without a name is not counted. */
  static final int MOST_LANES = 32;

  /** Responses that are given at the same time. */
  static final int MOST_RUNNING = 16;

  private static final String FAILED = "response.failed";
  private static final String ERROR = "error";

  private final Services services;
  private final RequestContext opened;
  private final SocketMemory memory;
  private final Set<String> names = new HashSet<>(0);
  private final Map<String, Running> running = new HashMap<>(2);
  private final Backlog<SocketMessage> waiting = new Backlog<>();
  private @Nullable Socket socket;
  private @Nullable Disposable age;

  /** Nothing is begun any more: the replica stops, or the socket is old. */
  private boolean leaving;

  private boolean old;

  /** Responses are being begun. */
  private boolean beginning;

  /** The socket is not read. */
  private boolean held;

  /**
   * What all sockets share.
   *
   * @param maxMessage bytes of a message
   */
  record Services(
      WireServices wire,
      ResponsesHandler responses,
      OpenAiProperties properties,
      SocketMemory.Shared memory,
      int maxMessage) {

    /** {@code GET /responses}. */
    Mono<ServerResponse> open(RequestContext call) {
      if (!call.http().getMethod().equals(HttpMethod.GET)) {
        throw WireError.invalid(null, "A WebSocket is opened with GET.").toException();
      }
      Problem wrong = Upgrade.refusal(call.http());
      if (wrong != null) {
        return Mono.just(Upgrade.refused(wrong, WireError.of(wrong).answer()));
      }
      wire.requireRoom(call);
      ResponsesSocket socket = new ResponsesSocket(this, call);
      return Mono.just(new Upgrade(wire.connections(), socket, call.caller().holder(), maxMessage));
    }
  }

  /** A message that is being answered. */
  private static final class Running {
    private final String lane;
    private final @Nullable String previous;

    /** Bytes of the message, which itself is not kept while its response is given. */
    private final int length;

    private @Nullable Disposable begun;
    private @Nullable FramesProtocol frames;

    /** Whether the response goes on without its socket; set by whatever thread begins it. */
    private volatile boolean stored;

    Running(SocketMessage message) {
      lane = message.lane();
      previous = message.previous();
      length = message.bytes().length;
    }

    void close() {
      if (frames != null) {
        frames.closed();
      }
      if (begun != null && !stored) {
        begun.dispose();
      }
    }
  }

  ResponsesSocket(Services services, RequestContext opened) {
    this.services = services;
    this.opened = opened;
    this.memory =
        new SocketMemory(
            services.memory(),
            opened.caller().holder(),
            services.properties().socketMemory().toBytes());
  }

  @Override
  public void opened(Socket open) {
    socket = open;
    age = Mono.delay(services.properties().socketMaxAge()).subscribe(_ -> on(open, this::aged));
  }

  @Override
  public void drained() {
    List.copyOf(running.values())
        .forEach(one -> {
          if (one.frames != null) {
            one.frames.drained();
          }
        });
    readOn();
  }

  @Override
  public void closed() {
    socket = null;
    if (age != null) {
      age.dispose();
    }
    waiting.clear();
    List.copyOf(running.values()).forEach(Running::close);
    running.clear();
    memory.close();
  }

  // ---- the end

  @Override
  public boolean drain() {
    leaving = true;
    return !running.isEmpty();
  }

  /** Clients come back on this one, and not on what other sockets are told. */
  @Override
  public CloseCode tooSlow() {
    return CloseCode.OVERLOADED;
  }

  private void aged() {
    leaving = true;
    old = true;
    closeIfOld();
  }

  private void closeIfOld() {
    Socket open = socket;
    if (!old || !running.isEmpty() || open == null) {
      return;
    }
    String said =
        "This connection has been open for as long as one may (%d minutes). Open another one."
            .formatted(services.properties().socketMaxAge().toMinutes());
    send(WireError.invalid(null, "websocket_connection_limit_reached", said).message(null));
    open.close(CloseCode.TOO_OLD, "as old as a connection may be");
  }

  // ---- requests

  @Override
  public void received(byte[] text) {
    waiting.add(SocketMessage.read(services.wire().bodies(), text, this::mayUse), text.length);
    beginNext();
    Socket open = socket;
    if (waiting.isFull() && open != null) {
      held = true;
      open.read(false);
    }
  }

  private boolean mayUse(String lane) {
    return names.contains(lane) || (names.size() < MOST_LANES && names.add(lane));
  }

  private void beginNext() {
    Socket open = socket;
    // What fails at once ends within its beginning: the loop below goes on.
    if (beginning || open == null) {
      return;
    }
    beginning = true;
    SocketMessage next;
    while (!leaving
        && running.size() < MOST_RUNNING
        && (next = waiting.poll(one -> !running.containsKey(one.lane()))) != null) {
      begin(open, next);
    }
    beginning = false;
  }

  private void begin(Socket open, SocketMessage message) {
    Running run = new Running(message);
    running.put(run.lane, run);
    run.begun =
        services
            .wire()
            .gate()
            .message(
                opened,
                call ->
                    message.wrong() == null
                        ? services
                            .responses()
                            .create(call, message, memory, stored -> run.stored = stored)
                        : Mono.error(message.wrong()))
            .subscribe(
                frames -> on(open, () -> tell(run, frames)),
                error -> on(open, () -> refuse(run, error)));
  }

  private void tell(Running run, Flux<Frame> frames) {
    Socket open = socket;
    if (open == null) {
      // The socket closed after the model began: too late to cancel the beginning.
      new FramesProtocol(frames).abandoned();
      return;
    }
    open.handled(run.length);
    byte[] head = head(run.lane);
    Flux<Frame> told =
        frames
            .doOnNext(frame -> {
              if (frame.type().equals(FAILED) || frame.type().equals(ERROR)) {
                memory.forget(run.lane, run.previous);
              }
            })
            .map(frame -> run.lane.isEmpty() ? frame : named(frame, head));
    FramesProtocol protocol = new FramesProtocol(told);
    run.frames = protocol;
    protocol.opened(open, () -> ended(run));
  }

  private void refuse(Running run, Throwable error) {
    Socket open = socket;
    if (open == null) {
      return;
    }
    open.handled(run.length);
    memory.forget(run.lane, run.previous);
    send(WireError.of(opened.exchange(), error).message(run.lane.isEmpty() ? null : run.lane));
    ended(run);
  }

  private void ended(Running run) {
    running.remove(run.lane, run);
    closeIfOld();
    beginNext();
    readOn();
  }

  /** Goes on with reading when little waits. */
  private void readOn() {
    Socket open = socket;
    if (held && open != null && waiting.isLow()) {
      held = false;
      open.read(true);
    }
  }

  // ---- answers

  private void send(Json message) {
    Socket open = socket;
    if (open != null) {
      open.write(Frame.of(ERROR, message));
      open.flush();
    }
  }

  /** What events of a lane begin with; its name needs no escapes. */
  private static byte[] head(String lane) {
    return ("{\"stream_id\":\"" + lane + "\",").getBytes(StandardCharsets.US_ASCII);
  }

  /** The event with the name of its lane in front. */
  private static Frame named(Frame frame, byte[] head) {
    byte[] json = frame.utf8();
    byte[] whole = new byte[head.length + json.length - 1];
    System.arraycopy(head, 0, whole, 0, head.length);
    System.arraycopy(json, 1, whole, head.length, json.length - 1);
    return Frame.of(frame.type(), new Json(whole));
  }

  /** On the socket's loop, even when it has closed: at once if this is the loop. */
  private static void on(Socket socket, Runnable task) {
    if (socket.isHere()) {
      task.run();
    } else {
      socket.onLoop(task);
    }
  }
}
