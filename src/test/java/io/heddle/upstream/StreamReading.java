package io.heddle.upstream;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteShare;
import io.heddle.base.Problem;
import io.heddle.base.ProblemException;
import io.heddle.turn.Piece;
import io.heddle.upstream.Calls.Ended;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.HttpStatusCode;
import org.springframework.web.reactive.function.client.ClientResponse;
import reactor.core.publisher.Flux;

/** Runs bytes through all of the reader, without a network. */
final class StreamReading {

  private static final Map<String, UpstreamProperties.Server> SERVERS =
      Arrays.stream(ServerKind.values())
          .map(kind -> kind.name().toLowerCase(Locale.ROOT))
          .collect(Collectors.toMap(kind -> kind, StreamReading::server));

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
   * @param kind of the server
   * @param parts as the network gives them
   * @param cut whether the connection breaks behind them
   */
  static Ended read(
      String kind, int status, String contentType, List<byte[]> parts, boolean cut) {
    return read(kind, status, contentType, Flux.fromIterable(parts), cut, ByteBudget.unbounded());
  }

  static Ended read(
      String kind,
      int status,
      String contentType,
      Flux<byte[]> parts,
      boolean cut,
      ByteBudget budget) {
    UpstreamProperties.Server server = SERVERS.get(kind);
    Faults faults = new Faults("test", List.of());
    long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    ByteShare share = new ByteShare(budget, ByteBudget.Holder.NOBODY);
    ResponseReader reply =
        new ResponseReader(
            server,
            server.kind().protocol("test", server),
            faults,
            new Patience(server, faults, deadline),
            share);
    Flux<DataBuffer> body = parts.map(DefaultDataBufferFactory.sharedInstance::wrap);
    ClientResponse response =
        ClientResponse.create(HttpStatusCode.valueOf(status))
            .header("Content-Type", contentType)
            .body(cut ? body.concatWith(Flux.error(new IOException("reset"))) : body)
            .build();
    List<Piece> pieces = new ArrayList<>();
    Problem problem = null;
    try {
      reply
          .read(response)
          .onErrorResume(reply::isOverAnyway, _ -> Flux.empty())
          .concatWith(Flux.defer(reply::end))
          .onErrorMap(error -> !(error instanceof ProblemException), reply::failure)
          .doOnNext(pieces::add)
          .blockLast(Calls.PATIENCE);
    } catch (ProblemException e) {
      problem = e.problem();
    } catch (CallFailure e) {
      problem = e.problem();
    } finally {
      reply.close();
    }
    return new Ended(pieces, problem);
  }
}
