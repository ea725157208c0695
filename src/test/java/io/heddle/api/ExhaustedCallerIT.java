package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Who is over a limit is answered before anything of the body is read, whatever its headers say.
 */
class ExhaustedCallerIT {

  private static final int LARGE = 4_000_000;

  private static Application server;

  @BeforeAll
  static void start() {
    server =
        Application.start(
            Map.of(
                "heddle.engine",
                "embedded",
                "heddle.embedded.path",
                "",
                "heddle.limits.rules.writes.kind",
                "writes",
                "heddle.limits.rules.writes.limit",
                "3",
                "heddle.limits.rules.writes.window",
                "10m",
                "heddle.limits.rules.tokens.kind",
                "tokens",
                "heddle.limits.rules.tokens.limit",
                "5000"));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  /** Only heads are sent: who waits for a body would not answer. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          POST  | /v1/sessions/s/messages               |
          POST  | /v1/sessions/s/messages               | Idempotency-Key: a
          POST  | /v1/sessions/s/turns                  | Idempotency-Key: a
          PUT   | /v1/sessions/s                        | Idempotency-Key: a
          PATCH | /v1/sessions/s                        | Idempotency-Key: a
          PUT   | /v1/sessions/s/state                  | Idempotency-Key: a
          PATCH | /v1/sessions/s/state                  | Idempotency-Key: a
          POST  | /v1/sessions/s/lock                   | Idempotency-Key: a
          PUT   | /v1/sessions/s/lock                   | Idempotency-Key: a
          PUT   | /v1/cache/k                           | Idempotency-Key: a
          POST  | /openai/v1/conversations/s            | Idempotency-Key: a
          POST  | /openai/v1/conversations/s/items      | Idempotency-Key: a
          POST  | /openai/v1/responses                  |
          POST  | /openai/v1/chat/completions           |
          POST  | /openai/v1/responses/input_tokens     |
          """)
  void nothingIsReadWithoutARecord(String method, String path, String header) throws IOException {
    String user = "u" + Math.abs((method + path + header).hashCode());
    exhaust(user);
    assertThat(head(user, method, path, header == null ? "" : header + "\r\n")).isEqualTo(429);
  }

  /** These may stand anywhere, or nowhere: a few are read, and then no more. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          /v1/sessions                      | Idempotency-Key: %d
          /v1/sessions/s/fork               | Idempotency-Key: %d
          /openai/v1/conversations          | Idempotency-Key: %d
          /openai/v1/responses              | Idempotency-Key: %d
          /openai/v1/responses              | x-stainless-retry-count: 1
          /openai/v1/chat/completions       | x-stainless-retry-count: 2
          /openai/v1/responses/input_tokens | x-stainless-retry-count: 1
          """)
  void fewAreReadThatMayBeRepetitions(String path, String header) throws IOException {
    String user = "v" + Math.abs((path + header).hashCode());
    exhaust(user);
    int read = 0;
    for (int i = 0; i < 12; i++) {
      read += head(user, "POST", path, header.formatted(i) + "\r\n") == 429 ? 0 : 1;
    }
    assertThat(read).isLessThan(5);
  }

  @Test
  void whatWasDoneIsStillRepeated() {
    Http http = new Http(server.port()).with("Heddle-User", "again");
    Http keyed = http.with("Idempotency-Key", "k1");
    String first =
        keyed
            .post(
                "/v1/sessions/again/messages?create=true", "{\"role\":\"user\",\"content\":\"x\"}")
            .is(201)
            .body();
    exhaust("again");
    for (int i = 0; i < 20; i++) {
      String then =
          keyed
              .post(
                  "/v1/sessions/again/messages?create=true",
                  "{\"role\":\"user\",\"content\":\"x\"}")
              .is(201)
              .body();
      assertThat(then).isEqualTo(first);
    }
  }

  /** It is the turn's text that would be counted, and that is work too. */
  @ParameterizedTest
  @CsvSource({"/v1/sessions/t/turns", "/openai/v1/chat/completions", "/openai/v1/responses"})
  void whoHasNoTokenLeftIsNotReadEither(String path) throws IOException {
    String user = "t" + Math.abs(path.hashCode());
    var caller = new io.heddle.base.Caller(io.heddle.base.Tenant.DEFAULT, user, user, false);
    var tokens = server.bean(io.heddle.limit.TokenLimits.class);
    tokens.reserve(caller, 5000).block();
    int status = 0;
    // It is known for a second, which may pass here before the request comes.
    for (int i = 0; i < 10 && status != 429; i++) {
      assertThat(tokens.reserve(caller, 1).block().allowed()).isFalse();
      status = head(user, "POST", path, "");
    }
    assertThat(status).isEqualTo(429);
  }

  private static void exhaust(String user) {
    Http http = new Http(server.port()).with("Heddle-User", user);
    for (int i = 0; i < 4; i++) {
      http.delete("/v1/cache/none");
    }
  }

  /** The status of what answers a head whose body does not come; 0 when nothing does. */
  private static int head(String user, String method, String path, String header)
      throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress("127.0.0.1", server.port()), 2000);
      socket.setSoTimeout(800);
      String head =
          "%s %s HTTP/1.1\r\nHost: localhost\r\nHeddle-User: %s\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
              .formatted(method, path, user, header, LARGE);
      socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
      InputStream in = socket.getInputStream();
      StringBuilder line = new StringBuilder();
      for (int c = in.read(); c != '\n' && c >= 0; c = in.read()) {
        line.append((char) c);
      }
      return Integer.parseInt(line.toString().split(" ")[1]);
    } catch (java.net.SocketTimeoutException _) {
      return 0;
    }
  }
}
