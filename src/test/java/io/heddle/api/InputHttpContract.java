package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.api.Http.Reply;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.HttpMethod;

/** Input that is not valid: it is refused by name, and nothing is written. */
interface InputHttpContract extends HttpCalls {

  @TestFactory
  default List<DynamicTest> badBodies() {
    List<DynamicTest> tests = new ArrayList<>();
    for (String line :
        """
        POST /messages       | {'role':'user'                                     | invalid-json    |
        POST /messages       | {'role':'user','content':'x'}]                     | invalid-json    |
        POST /messages       |                                                    | invalid-json    |
        POST /messages       | []                                                 | invalid-request |
        POST /messages       | 'x'                                                | invalid-request |
        POST /messages       | {'role':'robot','content':'x'}                     | invalid-request | role
        POST /messages       | {'role':['user'],'content':'x'}                    | invalid-request | role
        POST /messages       | {'role':'user','content':[]}                       | invalid-request | content
        POST /messages       | {'role':'user','content':{'text':'x'}}             | invalid-request | content
        POST /messages       | {'role':'user','content':['x']}                    | invalid-request | content[0]
        POST /messages       | {'role':'user','content':'x','extra':1}            | unknown-field   | extra
        POST /messages       | {'role':'user','content':'\\ud800'}                | invalid-request | content
        POST /messages       | {'role':'user','content':'a\\u0000b'}              | invalid-request | content
        POST /messages       | {'role':'user','content':'x','metadata':7}         | invalid-request | metadata
        POST /messages       | {'role':'user','content':'x','id':'a/b'}           | invalid-request | id
        POST /messages       | {'messages':[]}                                    | invalid-request | messages
        POST /messages       | {'messages':[{'role':'user','content':'x'},{'role':'user'}]} | invalid-request | messages[1].content
        POST /messages?create=maybe | {'role':'user','content':'x'}                | invalid-request | create
        POST /messages?creat=true   | {'role':'user','content':'x'}                | unknown-field   | creat
        POST /messages?create=true&create=true | {'role':'user','content':'x'}     | invalid-request | create
        PATCH                | {'ttlSeconds':0}                                   | invalid-request | ttlSeconds
        PATCH                | {'ttlSeconds':31536000000000}                      | invalid-request | ttlSeconds
        PATCH                | {'status':'done'}                                  | invalid-request | status
        PATCH                | {'user':'other'}                                   | unknown-field   | user
        PATCH                | {'metadata':[]}                                    | invalid-request | metadata
        PATCH                | [{'op':'remove'}]                                  | invalid-request |
        PUT /state           | []                                                 | invalid-request |
        PUT /state           | 7                                                  | invalid-request |
        PUT /state           | {'a':1,'a':2}                                      | invalid-request | a
        PUT /state           | {'a':'\\udc00'}                                    | invalid-request | a
        PATCH /state         | null                                               | invalid-request |
        POST /fork           | {'id':'..'}                                        | invalid-request | id
        POST /fork           | {'before':'x'}                                     | unknown-field   | before
        POST /fork           | {'after':'a b'}                                    | invalid-cursor  | after
        POST /lock           | {}                                                 | invalid-request | ttlSeconds
        POST /lock           | {'ttlSeconds':0}                                   | invalid-request | ttlSeconds
        POST /lock           | {'ttlSeconds':5,'waitSeconds':61}                  | invalid-request | waitSeconds
        """
            .lines()
            .toList()) {
      String[] cells = line.split("\\|", -1);
      String call = cells[0].strip();
      HttpMethod method = HttpMethod.valueOf(call.split(" ")[0]);
      String rest = call.contains(" ") ? call.substring(call.indexOf(' ') + 1) : "";
      String field = cells[3].strip();
      tests.add(
          DynamicTest.dynamicTest(
              line,
              () -> {
                newId();
                String before = create().position();
                http()
                    .send(method, session() + rest, cells[1].strip())
                    .problem(400, cells[2].strip(), field.isEmpty() ? null : field);
                assertThat(positionNow()).isEqualTo(before);
                assertThat(http().get(session() + "/lock").json().path("held").asBoolean())
                    .isFalse();
              }));
    }
    return tests;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          {'id':'ID',                        | invalid-json    |
          {'id':'ID','titel':'x'}            | unknown-field   | titel
          {'id':'ID','title':7}              | invalid-request | title
          {'id':'ID','ttlSeconds':0}         | invalid-request | ttlSeconds
          {'id':'ID','ttlSeconds':-5}        | invalid-request | ttlSeconds
          {'id':'ID','ttlSeconds':31557600000000} | invalid-request | ttlSeconds
          {'id':'ID','ttlSeconds':1.5}       | invalid-request | ttlSeconds
          {'id':'ID','user':''}              | invalid-request | user
          {'id':'ID','metadata':'x'}         | invalid-request | metadata
          {'id':'ID','messages':[{'role':'user','content':7}]} | invalid-request | messages[0].content
          {'id':'ID','title':'\\ud800'}      | invalid-request | title
          {'id':'ID','metadata':{'a':{'b':'\\udfff'}}} | invalid-request | metadata.a.b
          """)
  default void badSessionsAreNotMade(String body, String code, @Nullable String field) {
    String text = body.replace("ID", id());
    http().post("/v1/sessions", text).problem(400, code, field);
    http().put(session(), text).problem(400, code, field);
    http().get(session()).problem(404, "session-not-found", null);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a{b}", "a b", "a/b", "", ".", "..", "é", "a\\u0000", "LONG"})
  default void badIdsInBodies(String bad) {
    String value = bad.equals("LONG") ? "x".repeat(129) : bad;
    http().post("/v1/sessions", "{'id':'" + value + "'}").problem(400, "invalid-request", "id");
  }

  @Test
  default void metadataIsBounded() {
    create();
    String before = positionNow();
    StringBuilder many = new StringBuilder("'k':0");
    for (int i = 0; i < 64; i++) {
      many.append(",'k").append(i).append("':0");
    }
    for (String metadata : List.of("{'k':'" + "v".repeat(17_000) + "'}", "{" + many + "}")) {
      http()
          .patch(session(), "{'metadata':" + metadata + "}")
          .problem(400, "invalid-request", "metadata");
      http()
          .post(messages(), "{'role':'user','content':'x','metadata':" + metadata + "}")
          .problem(400, "invalid-request", "metadata");
      http()
          .put(session() + "x", "{'metadata':" + metadata + "}")
          .problem(400, "invalid-request", "metadata");
    }
    assertThat(positionNow()).isEqualTo(before);
    http().get(session() + "x").is(404);
  }

  @Test
  default void deepNestingIsRefused() {
    create();
    String before = positionNow();
    String deep = "[".repeat(5000) + "]".repeat(5000);
    http()
        .post(messages(), "{'role':'user','content':[{'type':'x','d':" + deep + "}]}")
        .problem(400, "invalid-json", null);
    http().put(session() + "/state", "{'a':" + deep + "}").problem(400, "invalid-json", null);
    assertThat(positionNow()).isEqualTo(before);
  }

  @Test
  default void bytesThatAreNoUtf8AreRefused() {
    create();
    String before = positionNow();
    byte[] body = "{\"role\":\"user\",\"content\":\"x\"}".getBytes(StandardCharsets.UTF_8);
    body[26] = (byte) 0xff;
    http().bytes(HttpMethod.POST, messages(), body).problem(400, "invalid-request", "content");
    assertThat(positionNow()).isEqualTo(before);
  }

  @Test
  default void sizesAreBounded() {
    create();
    String before = positionNow();
    String big = "{'role':'user','content':'" + "x".repeat(1 << 20) + "'}";
    Reply message = http().post(messages(), big);
    message.problem(413, "message-too-large", "content");
    assertThat(message.json().path("limit").asInt()).isEqualTo(1 << 20);
    http()
        .post(messages(), "{'messages':[" + MESSAGE + "," + big + "]}")
        .problem(413, "message-too-large", "messages[1]");
    assertThat(positionNow()).isEqualTo(before);

    String whole = "{'role':'user','content':'" + "y".repeat(1_040_000) + "'}";
    String three = "{'messages':[" + whole + "," + whole + "," + whole + "]}";
    for (int i = 0; i < 5; i++) {
      http().post(messages(), three).is(201);
    }
    before = positionNow();
    http().post(messages(), three).problem(413, "session-too-large", null);
    assertThat(positionNow()).isEqualTo(before);
    http().delete(session()).is(204);
  }

  @Test
  default void hugeBodiesAreRefused() throws IOException {
    create();
    String before = positionNow();
    // Declared too large: refused before it is read.
    String answer =
        http()
            .raw(
                "POST "
                    + messages()
                    + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    + "Content-Length: 99999999999\r\n\r\n{",
                0);
    assertThat(answer)
        .startsWith("HTTP/1.1 413 ")
        .contains("\"code\":\"body-too-large\"", "\"limit\":4194304")
        .containsIgnoringCase("connection: close");
    // Not declared: refused when it has become too large, and the connection goes on.
    String chunk = "10000\r\n" + " ".repeat(0x10000) + "\r\n";
    String chunked =
        http()
            .raw(
                "POST "
                    + messages()
                    + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n"
                    + chunk.repeat(65)
                    + "0\r\n\r\nGET /v1/limits HTTP/1.1\r\nHost: localhost\r\n\r\n",
                2);
    assertThat(chunked)
        .startsWith("HTTP/1.1 413 ")
        .contains("\"code\":\"body-too-large\"", "HTTP/1.1 200 ");
    // A client that writes everything before it reads gets the problem too.
    http()
        .post(messages(), "{'role':'user','content':'" + "x".repeat(20 << 20) + "'}")
        .problem(413, "body-too-large", null);
    assertThat(positionNow()).isEqualTo(before);
  }

  @Test
  default void aSlowBodyIsGivenUp() throws IOException {
    Http server =
        http(Map.of("heddle.limits.enabled", "false", "heddle.session.body-timeout", "700ms"));
    server.post("/v1/sessions", "{'id':'" + id() + "'}").is(201);
    try (Socket socket = new Socket("127.0.0.1", server.port())) {
      socket.setSoTimeout(20_000);
      socket
          .getOutputStream()
          .write(
              ("POST "
                      + messages()
                      + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                      + "Content-Length: 40\r\n\r\n{\"role\":")
                  .getBytes(StandardCharsets.US_ASCII));
      // The answer comes though the body does not, and the connection ends.
      String answer = Http.read(socket.getInputStream(), 0);
      assertThat(answer)
          .startsWith("HTTP/1.1 408 ")
          .contains("\"code\":\"request-timeout\"")
          .containsIgnoringCase("connection: close");
    }
    assertThat(server.get(session()).is(200).json().path("version").asInt()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/jsonl",
        "application/json; charset=utf-16",
        "application/json;charset=latin1",
        "application/json-patch+json",
        "multipart/form-data; boundary=x"
      })
  default void otherContentTypesAreNotRead(String type) {
    create();
    String before = positionNow();
    http()
        .post(messages(), MESSAGE, "Content-Type", type)
        .problem(415, "unsupported-media-type", "Content-Type");
    http()
        .patch(session(), "{'title':'x'}", "Content-Type", type)
        .problem(415, "unsupported-media-type", "Content-Type");
    http()
        .put(session() + "/state", "{}", "Content-Type", type)
        .problem(415, "unsupported-media-type", "Content-Type");
    assertThat(positionNow()).isEqualTo(before);
  }

  @Test
  default void noContentTypeIsNoJson() throws IOException {
    create();
    assertThat(
            http()
                .raw(
                    "POST "
                        + messages()
                        + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
                    1))
        .startsWith("HTTP/1.1 415 ")
        .contains("\"code\":\"unsupported-media-type\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
        "APPLICATION/JSON",
        "application/vnd.x+json"
      })
  default void jsonByOtherNamesIsRead(String type) {
    create();
    http().post(messages(), MESSAGE, "Content-Type", type).is(201);
  }

  @ParameterizedTest
  @CsvSource({
    "If-Match, nonsense",
    "If-Match, \"7-k3jd82ma\" \"x\"",
    "If-Match, *;*",
    "If-Match, '\"1-aaaaaaaa\", x'",
    "If-Match, '*, \"1-aaaaaaaa\"'",
    "Heddle-Wait, -1",
    "Heddle-Wait, 61",
    "Heddle-Wait, 1.5",
    "Heddle-Wait, soon",
    "Heddle-Lock, 'a b'",
    "Heddle-Lock, LONG",
    "Idempotency-Key, LONG"
  })
  default void badHeadersAreRefused(String name, String value) {
    create();
    String before = positionNow();
    String sent = value.equals("LONG") ? "x".repeat(256) : value;
    http().post(messages(), MESSAGE, name, sent).problem(400, "invalid-request", name);
    http().delete(messages(), name, sent).problem(400, "invalid-request", name);
    http().patch(session(), "{'title':'x'}", name, sent).problem(400, "invalid-request", name);
    assertThat(positionNow()).isEqualTo(before);
  }

  /**
   * RFC 9110, 13: what is there, what is not, and tags of something else. An append with the
   * session's own tag in {@code If-None-Match} was once carried out, because writes looked for
   * {@code *} there and for nothing else.
   */
  @ParameterizedTest
  @CsvSource({
    "If-Match, *, 412, 201",
    "If-Match, \"7\", 412, 412",
    "If-Match, \"0-aaaaaaaa\", 412, 412",
    "If-Match, '\"a,b\", POSITION', 412, 201",
    "If-Match, 'POSITION, \"x\"', 412, 201",
    "If-Match, \"1-aaaaaaaa\", 412, 412",
    "If-None-Match, *, 201, 412",
    "If-None-Match, POSITION, 201, 412",
    "If-None-Match, 'W/\"a,b\", W/POSITION', 201, 412",
    "If-None-Match, \"0-aaaaaaaa\", 201, 201",
    "If-None-Match, \"x\", 201, 201",
  })
  default void writesObeyTheirPreconditions(String name, String value, int absent, int there) {
    String none = session() + "-none";
    http().put(none, "{}", name, value.replace("POSITION", "\"1-aaaaaaaa\"")).is(absent);
    for (String call : List.of("/messages?create=true", "/turns?create=true")) {
      String body = call.startsWith("/m") ? MESSAGE : "{'content':'x'}";
      String fresh = session() + call.charAt(1) + call;
      Reply reply = http().post(fresh, body, name, value.replace("POSITION", "\"1-aaaaaaaa\""));
      assertThat(reply.status())
          .as(call + reply.body())
          .isIn(absent == 201 ? List.of(200, 201) : List.of(412));
    }
    create();
    String at = value.replace("POSITION", HttpCalls.quoted(positionNow()));
    http().put(session(), "{}", name, at).is(there == 201 ? 200 : there);
    http().put(session() + "/state", "{}", name, at).is(there == 201 ? 200 : there);
    at = value.replace("POSITION", HttpCalls.quoted(positionNow()));
    http().patch(session(), "{'title':'x'}", name, at).is(there == 201 ? 200 : there);
    at = value.replace("POSITION", HttpCalls.quoted(positionNow()));
    http().post(messages(), MESSAGE, name, at).is(there);
    if (name.equals("If-Match")) {
      at = value.replace("POSITION", HttpCalls.quoted(positionNow()));
      http().get(session(), name, at).is(there == 201 ? 200 : there);
    }
    at = value.replace("POSITION", HttpCalls.quoted(positionNow()));
    http().delete(session(), name, at).is(there == 201 ? 204 : there);
  }

  /** Each of the two may refuse a write that the other allows. */
  @ParameterizedTest
  @CsvSource({
    "*, \"0-aaaaaaaa\", 412, 201",
    "*, POSITION, 412, 412",
    "POSITION, \"0-aaaaaaaa\", 412, 201",
    "POSITION, POSITION, 412, 412",
    "POSITION, *, 412, 412",
    "\"0-aaaaaaaa\", \"0-aaaaaaaa\", 412, 412",
  })
  default void bothPreconditionsMustHold(String match, String none, int absent, int there) {
    http()
        .put(session() + "-none", "{}", "If-Match", match, "If-None-Match", none)
        .is(match.equals("POSITION") ? 400 : absent);
    create();
    String at = HttpCalls.quoted(positionNow());
    http()
        .post(
            messages(),
            MESSAGE,
            "If-Match",
            match.replace("POSITION", at),
            "If-None-Match",
            none.replace("POSITION", at))
        .is(there);
  }

  @Test
  default void headersThatAreThereTwiceAreRefused() {
    create();
    for (String name : List.of("Idempotency-Key", "Heddle-Lock", "Heddle-Wait", "Heddle-User")) {
      http().post(messages(), MESSAGE, name, "1", name, "2").problem(400, "invalid-request", name);
    }
    http().get(session(), "Heddle-User", "").problem(400, "invalid-request", "Heddle-User");
    http()
        .get(session(), "Heddle-User", "x".repeat(257))
        .problem(400, "invalid-request", "Heddle-User");
  }

  @ParameterizedTest
  @CsvSource({
    "/messages?limit=0, invalid-request, limit",
    "/messages?limit=-1, invalid-request, limit",
    "/messages?limit=1001, invalid-request, limit",
    "/messages?limit=99999999999999999999, invalid-request, limit",
    "/messages?limit=1.5, invalid-request, limit",
    "/messages?limit=ten, invalid-request, limit",
    "/messages?limit=, invalid-request, limit",
    "/messages?limit=1&limit=2, invalid-request, limit",
    "/messages?order=up, invalid-request, order",
    "/messages?sort=asc, unknown-field, sort",
    "/messages?after=a%20b, invalid-cursor, after",
    "/messages?after=nobody, invalid-cursor, after",
    "/messages?before=nobody, invalid-cursor, before",
    "/messages?after=msg_99-0_abcdefgh1234, invalid-cursor, after",
    "/checkpoints?limit=0, invalid-request, limit",
    "/checkpoints?before=x, invalid-cursor, before",
    "/checkpoints/nothing, invalid-request, checkpointId",
    "?messages=-1, invalid-request, messages",
    "?messages=1001, invalid-request, messages",
    "?message=1, unknown-field, message",
    "/state?x=1, unknown-field, x",
    "/messages?limit=%2, invalid-request, limit",
    "/lock?x=1, unknown-field, x"
  })
  default void badQueriesAreRefused(String query, String code, String field) {
    create();
    // A lone percent sign is not a URI for the client either.
    http().get(session() + query.replace("%2", "%25")).is(400).problem(400, code, field);
  }

  @ParameterizedTest
  @CsvSource({
    "limit=0, invalid-request, limit",
    "limit=201, invalid-request, limit",
    "cursor=nonsense, invalid-cursor, cursor",
    "cursor=, invalid-cursor, cursor",
    "status=gone, invalid-request, status",
    "user=, invalid-request, user",
    "users=x, unknown-field, users",
    "metadata.=x, unknown-field, metadata.",
    "metadata=x, unknown-field, metadata",
    "user=%00, invalid-request, user",
    "user=%FF, invalid-request, user"
  })
  default void badListsAreRefused(String query, String code, String field) {
    String path = "/v1/sessions?" + (query.startsWith("user") ? "" : "user=u&") + query;
    http().get(path).problem(400, code, field);
  }

  @Test
  default void aCursorOfAnotherSessionIsRefused() {
    create();
    String mine =
        http().post(messages(), MESSAGE).is(201).json().path("data").get(0).path("id").asString();
    http().put(session() + "-b", "{'messages':[" + MESSAGE + "," + MESSAGE + "]}").is(201);
    String other = session() + "-b/messages";
    http().get(other + "?after=" + mine).problem(400, "invalid-cursor", "after");
    http().get(other + "?before=" + mine).problem(400, "invalid-cursor", "before");
    http().get(messages() + "?after=" + mine).is(200);
  }
}
