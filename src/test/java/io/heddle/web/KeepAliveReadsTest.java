package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/**
 * A client that read 1,000 threads over one kept connection got no answer any more after some of
 * them, although the server was idle: its next request had come while the one before was being
 * tidied up, was answered out of a queue, and nobody read from the connection again.
 */
class KeepAliveReadsTest {
  private static final byte[] REQUEST =
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
  private static final int ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".length();

  @Test
  void readsOnAfterRequestsThatWereQueued() throws IOException {
    AtomicInteger calls = new AtomicInteger();
    DisposableServer server =
        new KeepAliveReads()
            .apply(HttpServer.create().host("127.0.0.1").port(0))
            .handle((request, response) -> {
              // The first takes a while, so that the second is queued; the second does not.
              Mono<String> body =
                  calls.incrementAndGet() % 2 == 1
                      ? Mono.delay(Duration.ofMillis(30)).thenReturn("ok")
                      : Mono.just("ok");
              return response.header("content-length", "2").sendString(body);
            })
            .bindNow(Duration.ofSeconds(10));
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      socket.setSoTimeout(5_000);
      socket.setTcpNoDelay(true);
      InputStream answers = socket.getInputStream();
      byte[] two = new byte[REQUEST.length * 2];
      System.arraycopy(REQUEST, 0, two, 0, REQUEST.length);
      System.arraycopy(REQUEST, 0, two, REQUEST.length, REQUEST.length);
      for (int round = 1; round <= 5; round++) {
        socket.getOutputStream().write(two);
        assertThat(new String(answers.readNBytes(2 * ANSWER), StandardCharsets.US_ASCII))
            .endsWith("\r\n\r\nok");
        assertThat(calls).hasValue(2 * round);
      }
    } finally {
      server.disposeNow(Duration.ofSeconds(5));
    }
  }
}
