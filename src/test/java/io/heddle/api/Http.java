package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.EntityExchangeResult;
import org.springframework.test.web.reactive.server.WebTestClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client of a running server, as the tests of the API want it. */
final class Http {

  private static final JsonMapper MAPPER = new JsonMapper();

  private final int port;
  private final WebTestClient client;
  private final String[] always;

  Http(int port) {
    this(
        port,
        WebTestClient.bindToServer()
            .responseTimeout(Duration.ofSeconds(30))
            .codecs(codecs -> codecs.defaultCodecs().maxInMemorySize(32 << 20))
            .build());
  }

  private Http(int port, WebTestClient client, String... always) {
    this.port = port;
    this.client = client;
    this.always = always;
  }

  /** The same client, with these headers in every request. */
  Http with(String... headers) {
    return new Http(port, client, headers);
  }

  int port() {
    return port;
  }

  Reply get(String path, String... headers) {
    return send(HttpMethod.GET, path, null, headers);
  }

  Reply post(String path, @Nullable String body, String... headers) {
    return send(HttpMethod.POST, path, body, headers);
  }

  Reply put(String path, String body, String... headers) {
    return send(HttpMethod.PUT, path, body, headers);
  }

  Reply patch(String path, String body, String... headers) {
    return send(HttpMethod.PATCH, path, body, headers);
  }

  Reply delete(String path, String... headers) {
    return send(HttpMethod.DELETE, path, null, headers);
  }

  /**
   * @param path as it goes on the wire
   * @param body single quotes stand for double ones
   * @param headers name, value, name, value …; a value of {@code ""} leaves out a header
   */
  Reply send(HttpMethod method, String path, @Nullable String body, String... headers) {
    return bytes(
        method,
        path,
        body == null ? null : body.replace('\'', '"').getBytes(StandardCharsets.UTF_8),
        headers);
  }

  Reply bytes(HttpMethod method, String path, byte @Nullable [] body, String... headers) {
    WebTestClient.RequestBodySpec request =
        client.method(method).uri(URI.create("http://127.0.0.1:" + port + path));
    if (body != null) {
      request.headers(all -> all.setContentType(MediaType.APPLICATION_JSON));
    }
    request.headers(all -> {
      for (String[] some : new String[][] {always, headers}) {
        for (int i = 0; i < some.length; i += 2) {
          if (some[i].equalsIgnoreCase(HttpHeaders.CONTENT_TYPE)) {
            all.set(some[i], some[i + 1]);
          } else {
            all.add(some[i], some[i + 1]);
          }
        }
      }
    });
    WebTestClient.RequestHeadersSpec<?> sent = body == null ? request : request.bodyValue(body);
    EntityExchangeResult<byte[]> result = sent.exchange().expectBody().returnResult();
    byte[] answer = result.getResponseBody();
    return new Reply(
        result.getStatus().value(),
        result.getResponseHeaders(),
        answer == null ? "" : new String(answer, StandardCharsets.UTF_8));
  }

  /**
   * Writes to a connection what no client library would, and reads until the server closes it or
   * has answered {@code answers} times.
   */
  String raw(String request, int answers) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      socket.getOutputStream().flush();
      return read(socket.getInputStream(), answers);
    }
  }

  static String read(InputStream in, int answers) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    byte[] chunk = new byte[8192];
    for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
      all.write(chunk, 0, n);
      String text = all.toString(StandardCharsets.UTF_8);
      if (answers > 0 && text.split("HTTP/1.1 ", -1).length > answers && text.endsWith("}")) {
        return text;
      }
    }
    return all.toString(StandardCharsets.UTF_8);
  }

  /** One answer. */
  record Reply(int status, HttpHeaders headers, String body) {

    JsonNode json() {
      return MAPPER.readTree(body);
    }

    String text(String field) {
      return json().path(field).asString();
    }

    @Nullable String header(String name) {
      return headers.getFirst(name);
    }

    /** The position in the ETag. */
    String position() {
      String tag = header(HttpHeaders.ETAG);
      assertThat(tag).as("ETag").isNotNull().matches("\"\\d+-[0-9a-z]{8}\"");
      return tag.substring(1, tag.length() - 1);
    }

    Reply is(int expected) {
      assertThat(status).as(body).isEqualTo(expected);
      return this;
    }

    /** A problem with this code, well formed and naming the field, or none. */
    Reply problem(int expected, String code, @Nullable String field) {
      assertThat(status).as(body).isEqualTo(expected);
      assertThat(header(HttpHeaders.CONTENT_TYPE)).isEqualTo("application/problem+json");
      JsonNode problem = json();
      assertThat(problem.path("type").asString()).isEqualTo("urn:heddle:problem:" + code);
      assertThat(problem.path("code").asString()).as(body).isEqualTo(code);
      assertThat(problem.path("status").asInt()).isEqualTo(expected);
      assertThat(problem.path("title").asString()).isNotBlank();
      assertThat(problem.path("detail").asString()).isNotBlank();
      if (field == null) {
        assertThat(problem.has("field")).as(body).isFalse();
      } else {
        assertThat(problem.path("field").asString()).as(body).isEqualTo(field);
      }
      return this;
    }
  }
}
