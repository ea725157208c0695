package io.heddle.upstream;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteShare;
import io.heddle.base.Problem;
import io.heddle.base.ProblemException;
import io.heddle.testing.RecordedStream;
import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import io.heddle.upstream.Calls.Ended;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import reactor.core.publisher.Flux;

/** Runs bytes through all of the reader, without a network. */
final class StreamReading {

  private static final String CHAT = "chat";

  private static final ModelCall CALL = Calls.call("m", "Hello");

  private static final Map<String, UpstreamProperties.Server> SERVERS = new ConcurrentHashMap<>();

  private static final Watchdog WATCHDOG = new Watchdog();

  private StreamReading() {}

  private static UpstreamProperties.Server server(String kind) {
    return Calls.properties(
            "upstreams.test.base-url=http://127.0.0.1:1/v1",
            "upstreams.test.kind=" + kind,
            "upstreams.test.max-answer=64KB",
            "upstreams.test.max-event=32KB")
        .upstreams()
        .get("test");
  }

  /**
   * @param parts as the network gives them
   * @param cut whether the connection breaks behind them
   */
  static Ended read(RecordedStream stream, int status, List<byte[]> parts, boolean cut) {
    return read(
        stream.kind(),
        status,
        stream.contentType(),
        Flux.fromIterable(parts),
        cut,
        ByteBudget.unbounded());
  }

  /** Of a server of Chat Completions. */
  static Ended read(int status, String contentType, List<byte[]> parts, boolean cut) {
    return read(CHAT, status, contentType, Flux.fromIterable(parts), cut, ByteBudget.unbounded());
  }

  /**
   * @param kind of the server, as in the settings
   */
  static Ended read(
      String kind,
      int status,
      String contentType,
      Flux<byte[]> parts,
      boolean cut,
      ByteBudget budget) {
    UpstreamProperties.Server server = SERVERS.computeIfAbsent(kind, StreamReading::server);
    Protocol protocol = server.kind().protocol("test", server);
    FailureMapper faults = new FailureMapper("test", List.of());
    long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    ByteShare share = new ByteShare(budget, ByteBudget.Holder.NOBODY);
    ResponseTimeouts patience = new ResponseTimeouts(server, faults, deadline, true);
    ResponseReader reader =
        new ResponseReader(
            server, answer -> protocol.reader("m", CALL, answer), faults, patience, share);
    Breaker.Request judge =
        Objects.requireNonNull(new Breaker("test", server.breaker()).begin(null));
    Flux<ByteBuf> body = parts.map(Unpooled::wrappedBuffer);
    Flux<ByteBuf> content = cut ? body.concatWith(Flux.error(new IOException("reset"))) : body;
    ResponseHead head = new ResponseHead(status, ResponseHead.subtype(contentType), null, null, "");
    List<ModelEvent> pieces = new ArrayList<>();
    Problem problem = null;
    try {
      new Exchange(reader.read(head, content), reader, patience, WATCHDOG, judge)
          .doOnNext(pieces::addAll)
          .blockLast(Calls.PATIENCE);
    } catch (ProblemException e) {
      problem = e.problem();
    } catch (CallFailure e) {
      problem = e.problem();
    }
    return new Ended(pieces, problem);
  }
}
