package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.api.Http.Reply;
import io.heddle.base.Caller;
import io.heddle.base.Tenant;
import io.heddle.limit.TokenLimits;
import io.heddle.limit.TokenReservation;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.HttpMethod;
import tools.jackson.databind.JsonNode;

/**
 * Every call and header of the native API, against a running server; each engine's test says how to
 * start one. Every test has sessions and users of its own, so the servers are shared.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class HttpContract {

  private static final String MESSAGE = "{'role':'user','content':'hi'}";

  /** A running server. */
  interface Server extends AutoCloseable {
    int port();

    <T> T bean(Class<T> type);

    @Override
    void close();
  }

  /** Starts a server on a free port with these properties beside the engine's own. */
  abstract Server start(Map<String, String> properties);

  private final Map<Map<String, String>, Server> servers = new LinkedHashMap<>();
  private Http http;
  private String id;
  private String user;

  @BeforeEach
  void names(TestInfo test) {
    http = http(Map.of("heddle.limits.enabled", "false"));
    String unique = UUID.randomUUID().toString();
    id = "t-" + unique;
    user = "user " + unique;
  }

  @AfterAll
  void stop() {
    servers.values().forEach(Server::close);
  }

  private Http http(Map<String, String> properties) {
    return new Http(servers.computeIfAbsent(properties, this::start).port());
  }

  private String session() {
    return "/v1/sessions/" + id;
  }

  private String messages() {
    return session() + "/messages";
  }

  private Reply create() {
    return http.post("/v1/sessions", "{'id':'" + id + "'}").is(201);
  }

  /** Creates the session with messages "1" to "n", client ids m1 to mn, one version each. */
  private void thread(int n) {
    create();
    for (int i = 1; i <= n; i++) {
      http.post(messages(), "{'id':'m" + i + "','role':'user','content':'" + i + "'}").is(201);
    }
  }

  private List<String> contents(Reply page) {
    return page.is(200)
        .json()
        .path("data")
        .valueStream()
        .map(m -> m.path("content").asString())
        .toList();
  }

  private String positionNow() {
    return http.get(session()).is(200).position();
  }

  // ---- sessions

  @Test
  void createAnswersTheSession() {
    Reply made =
        http.post(
                "/v1/sessions",
                "{'id':'"
                    + id
                    + "','user':'"
                    + user
                    + "','title':'T','metadata':{'k':'v','n':1.0},'systemPrompt':'S','model':'M',"
                    + "'ttlSeconds':600,'messages':["
                    + MESSAGE
                    + ","
                    + MESSAGE
                    + "]}")
            .is(201);
    assertThat(made.header("Location")).isEqualTo(session());
    assertThat(made.header("Content-Type")).isEqualTo("application/json");
    JsonNode json = made.json();
    assertThat(json.path("id").asString()).isEqualTo(id);
    assertThat(json.path("user").asString()).isEqualTo(user);
    assertThat(json.path("title").asString()).isEqualTo("T");
    assertThat(json.path("status").asString()).isEqualTo("active");
    assertThat(made.body()).contains("\"metadata\":{\"k\":\"v\",\"n\":1.0}");
    assertThat(json.path("systemPrompt").asString()).isEqualTo("S");
    assertThat(json.path("model").asString()).isEqualTo("M");
    assertThat(json.path("position").asString()).isEqualTo(made.position());
    assertThat(json.path("version").asInt()).isEqualTo(1);
    assertThat(json.path("messageCount").asInt()).isEqualTo(2);
    assertThat(json.path("bytes").asLong()).isPositive();
    assertThat(json.path("ttlSeconds").asInt()).isEqualTo(600);
    assertThat(json.path("activeTurn").isNull()).isTrue();
    Instant created = Instant.parse(json.path("createdAt").asString());
    Instant expires = Instant.parse(json.path("expiresAt").asString());
    assertThat(Duration.between(created, expires)).isEqualTo(Duration.ofMinutes(10));

    Reply read = http.get(session()).is(200);
    assertThat(read.body()).isEqualTo(made.body());
    assertThat(read.header("Heddle-Cache")).isIn("hit", "miss", "bypass");
  }

  @Test
  void whatWasReadIsServedAgainUntilItChanges() {
    thread(3);
    String path = messages() + "?limit=2";
    Reply hit = hit(path);
    assertThat(contents(hit)).containsExactly("2", "3");
    assertThat(hit(session()).json().path("messageCount").asInt()).isEqualTo(3);
    assertThat(hit(session() + "?messages=1").json().path("messages").size()).isEqualTo(1);

    Reply same = http.get(path, "If-None-Match", hit.header("ETag"));
    assertThat(same.is(304).header("Heddle-Cache")).isEqualTo("hit");
    assertThat(same.body()).isEmpty();
    assertThat(same.header("ETag")).isEqualTo(hit.header("ETag"));
    Reply atLeast = http.get(path, "Heddle-Min-Position", hit.position()).is(200);
    assertThat(atLeast.header("Heddle-Cache")).isEqualTo("hit");
    assertThat(atLeast.body()).isEqualTo(hit.body());
    http.get(path, "Heddle-User", "somebody-else").problem(404, "session-not-found", null);
    Reply cursor = http.get(path + "&after=" + hit.json().at("/data/0/id").asString());
    assertThat(cursor.is(200).header("Heddle-Cache")).isEqualTo("bypass");

    // Whoever writes and reads again, here and at once, reads what was written.
    for (int i = 4; i <= 40; i++) {
      Reply appended = http.post(messages(), "{'role':'user','content':'" + i + "'}").is(201);
      Reply read = http.get(path).is(200);
      assertThat(read.position()).isEqualTo(appended.position());
      assertThat(contents(read)).containsExactly(Integer.toString(i - 1), Integer.toString(i));
    }
    hit(path);
    http.delete(session()).is(204);
    http.get(path).problem(410, "session-deleted", null);
  }

  /** Reads until the near cache answers; a replica that has just started trusts nothing yet. */
  private Reply hit(String path) {
    return Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> http.get(path).is(200), reply -> "hit".equals(reply.header("Heddle-Cache")));
  }

  @Test
  void heddleNamesSessionsThatNobodyNames() {
    Reply made = http.post("/v1/sessions", "{}").is(201);
    assertThat(made.text("id")).matches("ses_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    assertThat(made.json().path("user").isNull()).isTrue();
    http.get("/v1/sessions/" + made.text("id")).is(200);
    assertThat(http.post("/v1/sessions", "{}").is(201).text("id")).isNotEqualTo(made.text("id"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"cli_20251108_145739", "a.b", "...", "a:b@c-D_9", "-"})
  void clientsNameSessionsAsTheyLike(String name) {
    String named = name.equals("-") ? "x".repeat(128) : name;
    http.delete("/v1/sessions/" + named);
    assertThat(http.post("/v1/sessions", "{'id':'" + named + "'}").is(201).text("id"))
        .isEqualTo(named);
    http.get("/v1/sessions/" + named).is(200);
  }

  @Test
  void anIdIsTakenOnce() {
    Reply first = create();
    http.post("/v1/sessions", "{'id':'" + id + "','title':'other'}")
        .problem(409, "session-exists", null);
    assertThat(http.get(session()).body()).isEqualTo(first.body());
  }

  @Test
  void putCreatesOrAnswersWhatIsThere() {
    Reply made = http.put(session(), "{'title':'first'}").is(201);
    assertThat(made.header("Location")).isEqualTo(session());
    Reply found = http.put(session(), "{'title':'second','messages':[" + MESSAGE + "]}").is(200);
    assertThat(found.body()).isEqualTo(made.body());
    assertThat(found.position()).isEqualTo(made.position());
    http.put(session(), "{'id':'" + id + "'}").is(200);
    http.put(session(), "{'id':'another'}").problem(400, "invalid-request", "id");
    http.put(session(), "{'resume':true}").problem(400, "invalid-request", "resume");
  }

  @Test
  void resumeAnswersTheUsersCurrentSession() {
    String body = "{'user':'" + user + "','resume':true}";
    Reply first = http.post("/v1/sessions", body).is(201);
    Reply again = http.post("/v1/sessions", body).is(200);
    assertThat(again.text("id")).isEqualTo(first.text("id"));

    // A session that the user makes by hand becomes the current one.
    http.post("/v1/sessions", "{'id':'" + id + "','user':'" + user + "'}").is(201);
    assertThat(http.post("/v1/sessions", body).is(200).text("id")).isEqualTo(id);

    http.patch(session(), "{'status':'complete'}").is(200);
    Reply next = http.post("/v1/sessions", body).is(201);
    assertThat(next.text("id")).isNotIn(id, first.text("id"));

    http.post("/v1/sessions", "{'resume':true}").problem(400, "invalid-request", "user");
  }

  @Test
  void oneCallLoadsAThread() {
    thread(5);
    assertThat(http.get(session()).is(200).json().has("messages")).isFalse();
    JsonNode two = http.get(session() + "?messages=2").is(200).json();
    assertThat(two.path("messages").valueStream().map(m -> m.path("content").asString()))
        .containsExactly("4", "5");
    assertThat(two.path("messageCount").asInt()).isEqualTo(5);
    assertThat(http.get(session() + "?messages=50").json().path("messages").size()).isEqualTo(5);
    assertThat(http.get(session() + "?messages=0").json().path("messages").size()).isZero();
  }

  @Test
  void whatIsNotThereIsNotFound() {
    http.get(session()).problem(404, "session-not-found", null);
    http.get(messages()).problem(404, "session-not-found", null);
    http.get(messages() + "/m1").problem(404, "session-not-found", null);
    http.get(session() + "/state").problem(404, "session-not-found", null);
    http.get(session() + "/checkpoints").problem(404, "session-not-found", null);
    http.get(session() + "/checkpoints/latest").problem(404, "session-not-found", null);
    http.get(session() + "/lock").problem(404, "session-not-found", null);
    http.patch(session(), "{'title':'x'}").problem(404, "session-not-found", null);
    http.delete(session()).problem(404, "session-not-found", null);
    http.post(messages(), MESSAGE).problem(404, "session-not-found", null);
    http.delete(messages()).problem(404, "session-not-found", null);
    http.delete(messages() + "/m1").problem(404, "session-not-found", null);
    http.post(session() + "/fork", "{}").problem(404, "session-not-found", null);
    http.put(session() + "/state", "{}").problem(404, "session-not-found", null);
    http.post(session() + "/lock", "{'ttlSeconds':5}").problem(404, "session-not-found", null);
    http.get(session()).problem(404, "session-not-found", null);
  }

  @Test
  void patchMergesWhatItNames() {
    http.post(
            "/v1/sessions",
            "{'id':'" + id + "','title':'T','metadata':{'a':1,'b':{'c':1}},'model':'M'}")
        .is(201);
    Reply patched =
        http.patch(
                session(),
                "{'title':null,'metadata':{'a':null,'b':{'d':2.50}},'systemPrompt':'S',"
                    + "'ttlSeconds':60}",
                "Content-Type",
                "application/merge-patch+json")
            .is(200);
    assertThat(patched.json().path("title").isNull()).isTrue();
    assertThat(patched.body()).contains("\"metadata\":{\"b\":{\"c\":1,\"d\":2.50}}");
    assertThat(patched.text("systemPrompt")).isEqualTo("S");
    assertThat(patched.text("model")).isEqualTo("M");
    assertThat(patched.json().path("ttlSeconds").asInt()).isEqualTo(60);
    assertThat(patched.json().path("version").asInt()).isEqualTo(2);
    assertThat(http.get(session()).body()).isEqualTo(patched.body());
    assertThat(http.patch(session(), "{'metadata':null,'model':null}").is(200).body())
        .contains("\"metadata\":{}")
        .doesNotContain("\"model\"");
  }

  @Test
  void aCompleteSessionTakesNoMessages() {
    thread(1);
    assertThat(http.patch(session(), "{'status':'complete'}").is(200).text("status"))
        .isEqualTo("complete");
    http.post(messages(), MESSAGE).problem(409, "session-complete", null);
    http.patch(session(), "{'status':'active'}").is(200);
    http.post(messages(), MESSAGE).is(201);
  }

  @Test
  void deletedIsToldAndTheIdStartsAnew() {
    thread(2);
    Reply gone = http.delete(session()).is(204);
    assertThat(gone.body()).isEmpty();
    http.delete(session()).is(204);
    http.get(session()).problem(410, "session-deleted", null);
    http.post(messages(), MESSAGE).problem(410, "session-deleted", null);
    http.post(messages() + "?create=true", MESSAGE).problem(410, "session-deleted", null);
    http.patch(session(), "{'title':'x'}").problem(410, "session-deleted", null);
    http.put(session() + "/state", "{}").problem(410, "session-deleted", null);
    JsonNode anew = create().json();
    assertThat(anew.path("messageCount").asInt()).isZero();
    assertThat(anew.path("version").asInt()).isGreaterThan(4);
  }

  @Test
  void sessionsExpire() {
    http.post("/v1/sessions", "{'id':'" + id + "','ttlSeconds':1}").is(201);
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> http.get(session()).status() == 410);
    http.get(session()).problem(410, "session-expired", null);
    http.post(messages(), MESSAGE).problem(410, "session-expired", null);
    http.delete(session()).problem(410, "session-expired", null);
    create();
  }

  @Test
  void sessionsAreListedByUser() {
    List<String> made = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      String status =
          "{'user':'" + user + "','metadata':{'n':" + i + ",'even':" + (i % 2 == 0) + "}}";
      made.addFirst(http.post("/v1/sessions", status).is(201).text("id"));
    }
    String list = "/v1/sessions?user=" + user.replace(" ", "%20");
    assertThat(ids(http.get(list))).containsExactlyElementsOf(made);
    assertThat(ids(http.get(list.replace("%20", "+")))).hasSize(5);
    assertThat(ids(http.get(list + "&metadata.even=true"))).hasSize(3);
    assertThat(ids(http.get(list + "&metadata.even=true&metadata.n=2")))
        .containsExactly(made.get(2));
    http.patch("/v1/sessions/" + made.get(1), "{'status':'complete'}").is(200);
    assertThat(ids(http.get(list + "&status=complete"))).containsExactly(made.get(1));
    assertThat(ids(http.get(list + "&status=active"))).hasSize(4);

    List<String> paged = new ArrayList<>();
    String cursor = null;
    do {
      Reply page =
          http.get(list + "&limit=2" + (cursor == null ? "" : "&cursor=" + cursor)).is(200);
      assertThat(ids(page).size()).isLessThanOrEqualTo(2);
      paged.addAll(ids(page));
      JsonNode next = page.json().path("next");
      cursor = next.isNull() ? null : next.asString();
    } while (cursor != null);
    assertThat(paged).containsExactlyInAnyOrderElementsOf(made);
    assertThat(ids(http.get("/v1/sessions?user=nobody-" + id))).isEmpty();
  }

  @Test
  void onlyAnAdminListsWithoutAUser() {
    create();
    assertThat(http.get("/v1/sessions?limit=1").is(200).json().path("data").size())
        .isLessThanOrEqualTo(1);
  }

  private List<String> ids(Reply list) {
    return list.is(200)
        .json()
        .path("data")
        .valueStream()
        .map(s -> s.path("id").asString())
        .toList();
  }

  // ---- threads

  @Test
  void appendAnswersTheMessages() {
    create();
    Reply one = http.post(messages(), MESSAGE).is(201);
    JsonNode json = one.json();
    assertThat(json.path("position").asString()).isEqualTo(one.position());
    JsonNode message = json.path("data").get(0);
    assertThat(message.path("id").asString()).startsWith("msg_2-0_");
    assertThat(message.path("seq").asInt()).isEqualTo(1);
    assertThat(message.path("role").asString()).isEqualTo("user");
    assertThat(message.path("content").asString()).isEqualTo("hi");
    assertThat(message.path("status").asString()).isEqualTo("completed");
    assertThat(Instant.parse(message.path("createdAt").asString()))
        .isBefore(Instant.now().plusSeconds(60));

    Reply more =
        http.post(
                messages(),
                "{'messages':[{'role':'assistant','content':'a'},{'id':'own','role':'user','content':'b'}]}")
            .is(201);
    assertThat(more.json().path("data").valueStream().map(m -> m.path("seq").asInt()))
        .containsExactly(2, 3);
    assertThat(more.json().path("data").get(1).path("id").asString()).isEqualTo("own");
    assertThat(http.get(session()).json().path("version").asInt()).isEqualTo(3);
    assertThat(http.get(messages()).json().path("data").get(0).toString())
        .isEqualTo(message.toString());
  }

  @Test
  void contentIsKeptAsItCame() {
    create();
    String parts =
        "[{'type':'text','text':'é 😀 \\\" \\\\ \\n \\u2028'},{'type':'image','data':[],"
            + "'n':1.0,'big':12345678901234567890123,'e':1E+400,'o':{},'nul':null,'t':true}]";
    Reply sent =
        http.post(
                messages(),
                "{'role':'assistant','name':'bob','content':"
                    + parts
                    + ",'status':'incomplete','toolCalls':[{'id':'c','x':1.50}],'toolCallId':'c',"
                    + "'metadata':{'a':[1.0]}}")
            .is(201);
    String expected =
        ("'role':'assistant','content':"
                + parts
                + ",'name':'bob','status':'incomplete',"
                + "'toolCalls':[{'id':'c','x':1.50}],'toolCallId':'c','metadata':{'a':[1.0]}")
            .replace('\'', '"')
            .replace("\\u2028", "\u2028");
    assertThat(sent.body()).contains(expected);
    assertThat(http.get(messages()).body()).contains(expected);
    assertThat(http.get(session() + "?messages=1").body()).contains(expected);
  }

  @Test
  void appendMakesTheSessionWhenAsked() {
    http.post(messages() + "?create=false", MESSAGE).problem(404, "session-not-found", null);
    Reply made = http.post(messages() + "?create=true", MESSAGE, "Heddle-User", user).is(201);
    assertThat(made.position()).startsWith("1-");
    Reply session = http.get(session()).is(200);
    assertThat(session.text("user")).isEqualTo(user);
    assertThat(session.json().path("messageCount").asInt()).isEqualTo(1);
    http.post(messages() + "?create=true", MESSAGE).is(201);
    assertThat(contents(http.get(messages()))).hasSize(2);
  }

  @Test
  void pagesGoBothWays() {
    thread(7);
    Reply all = http.get(messages()).is(200);
    assertThat(contents(all)).containsExactly("1", "2", "3", "4", "5", "6", "7");
    assertThat(all.text("session")).isEqualTo(id);
    assertThat(all.text("position")).isEqualTo(all.position());
    assertThat(all.json().path("hasMore").asBoolean()).isFalse();
    assertThat(all.header("Heddle-Cache")).isIn("hit", "miss", "bypass");

    page("limit=3", true, "5", "6", "7");
    page("limit=3&order=asc", true, "1", "2", "3");
    page("limit=3&order=desc", true, "7", "6", "5");
    page("limit=3&after=m3", true, "4", "5", "6");
    page("limit=3&after=m4", false, "5", "6", "7");
    page("limit=3&order=asc&after=m6", false, "7");
    page("limit=3&after=m7", false);
    page("limit=3&before=m4", false, "1", "2", "3");
    page("limit=2&before=m4", true, "2", "3");
    page("limit=2&order=desc&before=m4", true, "3", "2");
    page("limit=3&order=desc&before=m1", false);
    page("limit=2&order=asc&after=m2&before=m6", true, "3", "4");
    page("limit=9&after=m2&before=m4", false, "3");
    page("limit=1000", false, "1", "2", "3", "4", "5", "6", "7");
  }

  private void page(String query, boolean more, String... expected) {
    Reply page = http.get(messages() + "?" + query);
    assertThat(contents(page)).as(query).containsExactly(expected);
    assertThat(page.json().path("hasMore").asBoolean()).as(query).isEqualTo(more);
  }

  @Test
  void oneMessageIsReadAndDeleted() {
    thread(3);
    Reply one = http.get(messages() + "/m2").is(200);
    assertThat(one.text("content")).isEqualTo("2");
    assertThat(one.position()).isEqualTo(positionNow());
    Reply deleted = http.delete(messages() + "/m2").is(204);
    assertThat(deleted.position()).isEqualTo(positionNow()).startsWith("5-");
    http.get(messages() + "/m2").problem(404, "message-not-found", null);
    http.delete(messages() + "/m2").problem(404, "message-not-found", null);
    JsonNode left = http.get(messages()).json().path("data");
    assertThat(left.valueStream().map(m -> m.path("seq").asInt())).containsExactly(1, 3);
    // A cursor whose message is gone goes on from its place.
    page("after=m2", false, "3");
    page("before=m2", false, "1");
  }

  @Test
  void threadsAreCutAndCleared() {
    thread(4);
    assertThat(http.delete(messages() + "?after=m2").is(204).position()).startsWith("6-");
    assertThat(contents(http.get(messages()))).containsExactly("1", "2");
    http.delete(messages() + "?after=nobody").problem(404, "message-not-found", null);
    assertThat(http.delete(messages()).is(204).position()).startsWith("7-");
    assertThat(contents(http.get(messages()))).isEmpty();
    assertThat(
            http.post(messages(), MESSAGE).is(201).json().path("data").get(0).path("seq").asInt())
        .isEqualTo(5);
  }

  @Test
  void clientIdsAreUniqueInASession() {
    thread(1);
    String before = positionNow();
    http.post(messages(), "{'id':'m1','role':'user','content':'x'}")
        .problem(409, "message-exists", null);
    http.post(
            messages(),
            "{'messages':[{'id':'n','role':'user','content':'x'},{'id':'n','role':'user','content':'y'}]}")
        .problem(409, "message-exists", null);
    assertThat(positionNow()).isEqualTo(before);
  }

  @Test
  void forksTakeTheThreadUpToAMessage() {
    thread(3);
    http.patch(session(), "{'title':'T','metadata':{'k':1}}").is(200);
    String target = id + "-fork";
    Reply fork = http.post(session() + "/fork", "{'id':'" + target + "','after':'m2'}").is(201);
    assertThat(fork.header("Location")).isEqualTo("/v1/sessions/" + target);
    assertThat(fork.text("title")).isEqualTo("T");
    assertThat(fork.json().path("messageCount").asInt()).isEqualTo(2);
    assertThat(contents(http.get("/v1/sessions/" + target + "/messages")))
        .containsExactly("1", "2");
    http.post(session() + "/fork", "{'id':'" + target + "'}").problem(409, "session-exists", null);
    http.post(session() + "/fork", "{'id':'" + id + "'}").problem(400, "invalid-request", "id");
    Reply whole = http.post(session() + "/fork", null).is(201);
    assertThat(whole.text("id")).startsWith("ses_");
    assertThat(whole.json().path("messageCount").asInt()).isEqualTo(3);
    assertThat(contents(http.get(messages()))).hasSize(3);
  }

  // ---- state

  @Test
  void stateIsSavedMergedAndRestored() {
    create();
    String state = session() + "/state";
    Reply none = http.get(state).is(200);
    assertThat(none.body()).isEqualTo("{}");
    assertThat(none.header("Heddle-Checkpoint")).isNull();
    http.get(session() + "/checkpoints/latest").problem(404, "checkpoint-not-found", null);

    Reply first = http.put(state, "{'a':1.0,'b':{'c':[]}}").is(200);
    assertThat(first.body()).isEqualTo("{\"a\":1.0,\"b\":{\"c\":[]}}");
    String checkpoint = first.header("Heddle-Checkpoint");
    assertThat(checkpoint).isEqualTo("cp_" + first.position());
    Reply second =
        http.patch(
                state, "{'a':null,'b':{'d':true}}", "Content-Type", "application/merge-patch+json")
            .is(200);
    assertThat(second.body()).isEqualTo("{\"b\":{\"c\":[],\"d\":true}}");
    assertThat(http.get(state).body()).isEqualTo(second.body());
    assertThat(http.get(state).position()).isEqualTo(second.position());

    JsonNode history = http.get(session() + "/checkpoints?limit=1").is(200).json();
    assertThat(history.path("data").get(0).path("id").asString())
        .isEqualTo(second.header("Heddle-Checkpoint"));
    assertThat(history.path("hasMore").asBoolean()).isTrue();
    assertThat(history.path("position").asString()).isEqualTo(second.position());
    JsonNode older =
        http.get(session() + "/checkpoints?before=" + second.header("Heddle-Checkpoint")).json();
    assertThat(older.path("data").size()).isEqualTo(1);
    assertThat(older.path("data").get(0).path("bytes").asInt()).isEqualTo(first.body().length());
    assertThat(http.get(session() + "/checkpoints/" + checkpoint).is(200).body())
        .isEqualTo(first.body());
    assertThat(http.get(session() + "/checkpoints/latest").is(200).body()).isEqualTo(second.body());

    Reply restored = http.post(session() + "/checkpoints/" + checkpoint + "/restore", null).is(200);
    assertThat(restored.body()).isEqualTo(first.body());
    assertThat(restored.header("Heddle-Checkpoint")).isEqualTo("cp_" + restored.position());
    assertThat(http.get(state).body()).isEqualTo(first.body());
    assertThat(http.get(session() + "/checkpoints").json().path("data").size()).isEqualTo(3);
    http.post(session() + "/checkpoints/cp_9-abcdefgh/restore", null)
        .problem(404, "checkpoint-not-found", null);
  }

  // ---- locks

  /** A lost answer left a lock that nobody could give back. */
  @Test
  void aLockAskedForTwiceUnderOneKeyIsOneLock() {
    create();
    String lock = session() + "/lock";
    String body = "{'ttlSeconds':30,'waitSeconds':0}";
    Reply taken = http.post(lock, body, "Idempotency-Key", "lock-1").is(200);
    Reply again = http.post(lock, body, "Idempotency-Key", "lock-1").is(200);
    assertThat(again.body()).isEqualTo(taken.body());
    assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
    http.post(lock, "{'ttlSeconds':31,'waitSeconds':0}", "Idempotency-Key", "lock-1")
        .problem(422, "key-reused", null);
    String token = taken.text("lock");
    http.delete(lock, "Heddle-Lock", token, "Idempotency-Key", "end-1").is(204);
    Reply ended = http.delete(lock, "Heddle-Lock", token, "Idempotency-Key", "end-1").is(204);
    assertThat(ended.header("Idempotency-Replayed")).isEqualTo("true");
    assertThat(http.get(lock).is(200).body()).isEqualTo("{\"held\":false}");
  }

  @Test
  void aLockKeepsOthersOut() {
    create();
    String lock = session() + "/lock";
    assertThat(http.get(lock).is(200).body()).isEqualTo("{\"held\":false}");
    Reply taken = http.post(lock, "{'ttlSeconds':30,'waitSeconds':0,'label':'me'}").is(200);
    String token = taken.text("lock");
    assertThat(token).isNotBlank();
    assertThat(taken.json().path("fence").asLong()).isPositive();
    assertThat(Instant.parse(taken.text("expiresAt"))).isAfter(Instant.now().plusSeconds(10));

    Reply shown = http.get(lock).is(200);
    assertThat(shown.json().path("held").asBoolean()).isTrue();
    assertThat(shown.text("by")).isEqualTo("client");
    assertThat(shown.text("label")).isEqualTo("me");
    assertThat(shown.body()).doesNotContain(token);

    Reply refused = http.post(lock, "{'ttlSeconds':30,'waitSeconds':0}");
    refused.problem(423, "session-locked", null);
    assertThat(Long.parseLong(refused.header("Retry-After"))).isPositive();
    assertThat(Instant.parse(refused.text("expiresAt"))).isAfter(Instant.now());
    String before = positionNow();
    http.post(messages(), MESSAGE, "Heddle-Wait", "0").problem(423, "session-locked", null);
    http.patch(session(), "{'title':'x'}", "Heddle-Wait", "0").problem(423, "session-locked", null);
    http.put(session() + "/state", "{}", "Heddle-Wait", "0").problem(423, "session-locked", null);
    http.post(messages(), MESSAGE, "Heddle-Lock", "1-wrong").problem(412, "stale-fence", null);
    assertThat(positionNow()).isEqualTo(before);

    http.post(messages(), MESSAGE, "Heddle-Lock", token).is(201);
    http.patch(session(), "{'title':'x'}", "Heddle-Lock", token).is(200);
    http.put(session() + "/state", "{}", "Heddle-Lock", token).is(200);

    Reply renewed = http.put(lock, "{'ttlSeconds':60}", "Heddle-Lock", token).is(200);
    assertThat(renewed.json().path("fence")).isEqualTo(taken.json().path("fence"));
    http.put(lock, "{'ttlSeconds':60}", "Heddle-Lock", "1-wrong").problem(412, "stale-fence", null);
    http.put(lock, "{'ttlSeconds':60}").problem(400, "invalid-request", "Heddle-Lock");
    http.delete(lock, "Heddle-Lock", "1-wrong").problem(412, "stale-fence", null);
    http.delete(lock).problem(400, "invalid-request", "Heddle-Lock");
    http.delete(lock, "Heddle-Lock", token).is(204);
    http.delete(lock, "Heddle-Lock", token).problem(412, "stale-fence", null);
    http.post(messages(), MESSAGE, "Heddle-Lock", token).problem(412, "stale-fence", null);
    http.post(messages(), MESSAGE).is(201);
  }

  @Test
  void aLockIsWaitedFor() {
    create();
    http.post(session() + "/lock", "{'ttlSeconds':1}").is(200);
    http.post(messages(), MESSAGE, "Heddle-Wait", "20").is(201);
    http.post(session() + "/lock", "{'ttlSeconds':1}").is(200);
    http.post(session() + "/lock", "{'ttlSeconds':1,'waitSeconds':20}").is(200);
  }

  @Test
  void anAdminEndsALock() {
    http.post("/v1/sessions", "{'id':'" + id + "','user':'" + user + "'}").is(201);
    http.post(session() + "/lock", "{'ttlSeconds':60}").is(200);
    http.delete(session() + "/lock?force=true", "Heddle-User", user)
        .problem(403, "forbidden", null);
    http.delete(session() + "/lock?force=true").is(204);
    assertThat(http.get(session() + "/lock").json().path("held").asBoolean()).isFalse();
  }

  // ---- headers

  @Test
  void unchangedReadsHaveNoBody() {
    thread(1);
    for (String path :
        List.of(
            session(),
            messages(),
            messages() + "/m1",
            session() + "/state",
            session() + "/checkpoints")) {
      String position = http.get(path).is(200).position();
      for (String tag :
          List.of(quoted(position), "W/" + quoted(position), "\"x\", " + quoted(position), "*")) {
        Reply same = http.get(path, "If-None-Match", tag).is(304);
        assertThat(same.body()).isEmpty();
        assertThat(same.position()).isEqualTo(position);
      }
      http.get(path, "If-None-Match", "garbage").is(200);
      http.get(path, "If-None-Match", "\"1-aaaaaaaa\"").is(200);
    }
    String old = positionNow();
    http.post(messages(), MESSAGE).is(201);
    http.get(messages(), "If-None-Match", quoted(old)).is(200);
  }

  @Test
  void writesAreConditional() {
    Reply made = create();
    String first = made.position();
    String second = http.post(messages(), MESSAGE, "If-Match", quoted(first)).is(201).position();
    Reply conflict = http.post(messages(), MESSAGE, "If-Match", quoted(first));
    conflict.problem(412, "version-conflict", null);
    assertThat(conflict.text("position")).isEqualTo(second);
    http.patch(session(), "{'title':'x'}", "If-Match", quoted(first))
        .problem(412, "version-conflict", null);
    http.put(session() + "/state", "{}", "If-Match", quoted(first))
        .problem(412, "version-conflict", null);
    http.delete(messages(), "If-Match", quoted(first)).problem(412, "version-conflict", null);
    http.delete(session(), "If-Match", quoted(first)).problem(412, "version-conflict", null);
    assertThat(positionNow()).isEqualTo(second);
    String third =
        http.post(messages(), MESSAGE, "If-Match", quoted(first) + ", W/" + quoted(second))
            .is(201)
            .position();
    http.patch(session(), "{'title':'x'}", "If-Match", "*").is(200);
    http.patch(session(), "{'title':'y'}", "If-Match", quoted(third))
        .problem(412, "version-conflict", null);
    http.delete(session(), "If-Match", quoted(positionNow())).is(204);
  }

  @Test
  void readsServeAtLeastAPosition() {
    String first = create().position();
    String second = http.post(messages(), MESSAGE).is(201).position();
    for (String path :
        List.of(session(), messages(), session() + "/state", session() + "/checkpoints")) {
      http.get(path, "Heddle-Min-Position", first).is(200);
      http.get(path, "Heddle-Min-Position", quoted(second)).is(200);
      http.get(path, "Heddle-Min-Position", "99-aaaaaaaa").problem(409, "position-lost", null);
      http.get(path, "Heddle-Min-Position", "2-aaaaaaaa").problem(409, "position-lost", null);
      http.get(path, "Heddle-Min-Position", "2")
          .problem(400, "invalid-request", "Heddle-Min-Position");
    }
  }

  @Test
  void aRepetitionIsAnsweredLikeTheFirst() {
    create();
    String key = "key " + id;
    Reply first = http.post(messages(), MESSAGE, "Idempotency-Key", key).is(201);
    assertThat(first.header("Idempotency-Replayed")).isNull();
    http.post(messages(), "{'role':'user','content':'between'}").is(201);
    Reply again = http.post(messages(), MESSAGE, "Idempotency-Key", key).is(201);
    assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
    assertThat(again.position()).isEqualTo(first.position());
    assertThat(again.body()).isEqualTo(first.body());
    assertThat(contents(http.get(messages()))).hasSize(2);

    String other = "{'role':'user','content':'other'}";
    http.post(messages(), other, "Idempotency-Key", key).problem(422, "key-reused", null);
    http.post(messages() + "?create=true", MESSAGE, "Idempotency-Key", key)
        .problem(422, "key-reused", null);
    assertThat(contents(http.get(messages()))).hasSize(2);
    // The key of another call is another key.
    http.patch(session(), "{'title':'x'}", "Idempotency-Key", key).is(200);

    http.delete(messages() + "/" + first.json().path("data").get(0).path("id").asString()).is(204);
    Reply gone = http.post(messages(), MESSAGE, "Idempotency-Key", key).is(201);
    assertThat(gone.json().path("data").get(0).path("deleted").asBoolean()).isTrue();
  }

  @Test
  void everyWriteCanBeRepeated() {
    String key = "k-" + id;
    Reply made = http.post("/v1/sessions", "{'id':'" + id + "'}", "Idempotency-Key", key).is(201);
    Reply again = http.post("/v1/sessions", "{'id':'" + id + "'}", "Idempotency-Key", key).is(201);
    assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
    assertThat(again.position()).isEqualTo(made.position());
    assertThat(again.header("Location")).isEqualTo(session());
    http.post(messages(), "{'id':'m1','role':'user','content':'1'}").is(201);
    http.post(messages(), "{'id':'m2','role':'user','content':'2'}").is(201);
    http.post(messages(), "{'id':'m3','role':'user','content':'3'}").is(201);

    repeated(HttpMethod.PATCH, session(), "{'title':'x'}", 200);
    repeated(HttpMethod.PUT, session() + "/state", "{'a':1}", 200);
    repeated(HttpMethod.PATCH, session() + "/state", "{'b':1}", 200);
    repeated(HttpMethod.POST, session() + "/checkpoints/latest/restore", null, 200);
    repeated(HttpMethod.DELETE, messages() + "/m2", null, 204);
    repeated(HttpMethod.DELETE, messages() + "?after=m1", null, 204);
    repeated(HttpMethod.DELETE, messages(), null, 204);
    repeated(HttpMethod.POST, session() + "/fork", "{'id':'" + id + "-f'}", 201);
    repeated(HttpMethod.PUT, session() + "-put", "{}", 201);
  }

  private void repeated(HttpMethod method, String path, @Nullable String body, int status) {
    String key = "k-" + UUID.randomUUID();
    Reply first = http.send(method, path, body, "Idempotency-Key", key).is(status);
    Reply again = http.send(method, path, body, "Idempotency-Key", key).is(status);
    assertThat(first.header("Idempotency-Replayed")).as(method + " " + path).isNull();
    assertThat(again.header("Idempotency-Replayed")).as(method + " " + path).isEqualTo("true");
    assertThat(again.position()).as(method + " " + path).isEqualTo(first.position());
    assertThat(again.body()).as(method + " " + path).isEqualTo(first.body());
  }

  @Test
  void aSessionWithoutANameIsMadeOnceAKey() {
    String key = "k-" + id;
    Reply first = http.post("/v1/sessions", "{'title':'x'}", "Idempotency-Key", key).is(201);
    Reply again = http.post("/v1/sessions", "{'title':'x'}", "Idempotency-Key", key).is(201);
    assertThat(again.text("id"))
        .isEqualTo(first.text("id"))
        .matches("ses_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
    http.post("/v1/sessions", "{'title':'y'}", "Idempotency-Key", key)
        .problem(422, "key-reused", null);
    // Another caller's key is another key.
    Reply others =
        http.post("/v1/sessions", "{'title':'x'}", "Idempotency-Key", key, "Heddle-User", user)
            .is(201);
    assertThat(others.text("id")).isNotEqualTo(first.text("id"));
    String fork = "/v1/sessions/" + first.text("id") + "/fork";
    Reply forked = http.post(fork, "{}", "Idempotency-Key", key).is(201);
    assertThat(http.post(fork, "{}", "Idempotency-Key", key).is(201).text("id"))
        .isEqualTo(forked.text("id"));
  }

  @Test
  void aUserSeesOnlyTheirOwn() {
    Http mine = http.with("Heddle-User", user);
    Http others = http.with("Heddle-User", "other " + user);
    assertThat(mine.post("/v1/sessions", "{'id':'" + id + "'}").is(201).text("user"))
        .isEqualTo(user);
    mine.get(session()).is(200);
    http.get(session()).is(200);
    others.get(session()).problem(404, "session-not-found", null);
    others.get(messages()).problem(404, "session-not-found", null);
    others.post(messages(), MESSAGE).problem(404, "session-not-found", null);
    others.patch(session(), "{'title':'x'}").problem(404, "session-not-found", null);
    others.delete(session()).problem(404, "session-not-found", null);
    others.get(session() + "/state").problem(404, "session-not-found", null);
    others.post(session() + "/lock", "{'ttlSeconds':5}").problem(404, "session-not-found", null);
    others.post(session() + "/fork", "{}").problem(404, "session-not-found", null);
    others.post("/v1/sessions", "{'id':'" + id + "'}").problem(409, "session-exists", null);
    others.get("/v1/sessions?user=" + user.replace(" ", "%20")).problem(403, "forbidden", "user");
    others.post("/v1/sessions", "{'user':'" + user + "'}").problem(403, "forbidden", "user");
    assertThat(ids(mine.get("/v1/sessions?user=" + user.replace(" ", "%20")))).containsExactly(id);
    mine.post(messages(), MESSAGE).is(201);
    mine.delete(session()).is(204);
    mine.get(session()).problem(410, "session-deleted", null);
    others.get(session()).problem(404, "session-not-found", null);
  }

  @Test
  void usersMayHaveAnyLetters() {
    String name = "Jürgen-" + id;
    String wire = new String(name.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    assertThat(
            http.post("/v1/sessions", "{'user':'" + name + "'}", "Heddle-User", wire)
                .is(201)
                .text("user"))
        .isEqualTo(name);
  }

  @Test
  void headAnswersLikeGetWithoutABody() {
    create();
    Reply get = http.get(session()).is(200);
    Reply head = http.send(HttpMethod.HEAD, session(), null).is(200);
    assertThat(head.body()).isEmpty();
    assertThat(head.position()).isEqualTo(get.position());
    http.send(HttpMethod.HEAD, session() + "x", null).is(404);
  }

  // ---- limits

  @Test
  void limitsAreToldAndKept() {
    Http limited =
        http(
            Map.of(
                "heddle.limits.rules.requests.kind", "requests",
                "heddle.limits.rules.requests.limit", "12",
                "heddle.limits.rules.writes.kind", "writes",
                "heddle.limits.rules.writes.limit", "3"));
    Http mine = limited.with("Heddle-User", user);
    Reply made = mine.post("/v1/sessions", "{'id':'" + id + "'}").is(201);
    assertThat(made.header("RateLimit")).contains("\"requests\";r=11;t=", "\"writes\";r=2;t=");
    assertThat(made.header("RateLimit-Policy"))
        .contains("\"requests\";q=12;w=60", "\"writes\";q=3;w=60");

    String key = "k-" + id;
    mine.post(messages(), MESSAGE, "Idempotency-Key", key).is(201);
    // A repetition is not counted.
    for (int i = 0; i < 3; i++) {
      mine.post(messages(), MESSAGE, "Idempotency-Key", key).is(201);
    }
    mine.post(messages(), MESSAGE).is(201);
    String before = mine.get(session()).is(200).position();
    Reply refused = mine.post(messages(), MESSAGE);
    refused.problem(429, "rate-limited", null);
    assertThat(Long.parseLong(refused.header("Retry-After"))).isBetween(1L, 60L);
    assertThat(refused.json().path("retryAfter").asLong()).isBetween(1L, 60L);
    assertThat(refused.header("RateLimit")).contains("\"writes\";r=0;t=");
    mine.post(messages(), MESSAGE, "Idempotency-Key", key + "2").problem(429, "rate-limited", null);
    // Though the limit is used up, what was done before is answered again.
    assertThat(
            mine.post(messages(), MESSAGE, "Idempotency-Key", key)
                .is(201)
                .header("Idempotency-Replayed"))
        .isEqualTo("true");
    mine.post(messages(), "{'role':'user','content':'other'}", "Idempotency-Key", key)
        .problem(422, "key-reused", null);
    mine.post(session() + "/lock", "{'ttlSeconds':5}").problem(429, "rate-limited", null);
    Reply told = mine.get("/v1/limits").is(200);
    assertThat(told.text("subject")).isEqualTo("user:" + user);
    JsonNode requests = told.json().path("limits").get(0);
    assertThat(requests.path("name").asString()).isEqualTo("requests");
    assertThat(requests.path("limit").asInt()).isEqualTo(12);
    assertThat(requests.path("remaining").asInt()).isBetween(0, 11);
    assertThat(requests.path("resetSeconds").asInt()).isBetween(1, 60);
    JsonNode writes = told.json().path("limits").get(1);
    assertThat(writes.path("kind").asString()).isEqualTo("writes");
    assertThat(writes.path("limit").asInt()).isEqualTo(3);
    assertThat(mine.get(session()).is(200).position()).isEqualTo(before);

    // Another user has their own.
    limited.with("Heddle-User", "other " + user).get("/v1/limits").is(200);
    for (int i = 0; i < 12; i++) {
      mine.get(session());
    }
    mine.get(session()).problem(429, "rate-limited", null);
  }

  @Test
  void limitsOfTokensAreTold() {
    Map<String, String> rules =
        Map.of(
            "heddle.limits.rules.requests.kind", "requests",
            "heddle.limits.rules.requests.limit", "1000",
            "heddle.limits.rules.tokens.kind", "tokens",
            "heddle.limits.rules.tokens.limit", "5000");
    Http limited = http(rules).with("Heddle-User", user);
    TokenLimits tokens = servers.get(rules).bean(TokenLimits.class);
    Caller caller = new Caller(Tenant.DEFAULT, user, user, false);
    TokenReservation held = tokens.reserve(caller, 1200).block();
    for (int i = 0; i < 2; i++) {
      Reply told = limited.get("/v1/limits").is(200);
      JsonNode rule =
          told.json()
              .path("limits")
              .valueStream()
              .filter(one -> one.path("name").asString().equals("tokens"))
              .findFirst()
              .orElseThrow();
      assertThat(rule.path("kind").asString()).isEqualTo("tokens");
      assertThat(rule.path("limit").asInt()).isEqualTo(5000);
      assertThat(rule.path("remaining").asInt()).isEqualTo(3800);
      assertThat(rule.path("resetSeconds").asInt()).isBetween(1, 60);
      assertThat(told.header("RateLimit")).contains("requests").doesNotContain("tokens");
    }
    tokens.settle(held, 200).block();
    assertThat(limited.get("/v1/limits").is(200).body()).contains("\"remaining\":4800");
  }

  // ---- paths

  @Test
  void pathsWithoutACallAreNotFound() {
    for (String path :
        List.of(
            "/v1",
            "/v1/",
            "/v1/nothing",
            "/v1/sessions/",
            "/v1/cache",
            "/v1/cache/",
            "/v1/cache/k/x",
            "/v1/stats",
            "/nothing",
            session() + "/export",
            messages() + "/m1/x",
            session() + "/")) {
      http.get(path).problem(404, "not-found", null);
    }
  }

  @Test
  void otherMethodsAreToldWhichAreTaken() {
    Reply refused = http.send(HttpMethod.PUT, messages(), "{}");
    refused.problem(405, "method-not-allowed", null);
    assertThat(refused.header("Allow")).isEqualTo("DELETE, GET, HEAD, POST");
    http.delete("/v1/sessions").problem(405, "method-not-allowed", null);
    http.post("/v1/limits", "{}").problem(405, "method-not-allowed", null);
  }

  @TestFactory
  List<DynamicTest> badIdsInPaths() {
    List<DynamicTest> tests = new ArrayList<>();
    for (String bad :
        List.of(
            "a%7Bb%7D",
            "a%20b",
            "a+b",
            "a%2Fb",
            "a%2fb",
            "%2E",
            "%2e%2e",
            "..%2f..",
            "x".repeat(129),
            "a;b",
            "a%3Bb",
            "%00",
            "a%0Ab",
            "%C3%A9",
            "a%25b",
            "a,b",
            "a=b",
            "~",
            "%F0%9F%98%80",
            "%FF")) {
      for (String call :
          List.of(
              "GET ",
              "PUT ",
              "PATCH ",
              "DELETE ",
              "GET /messages",
              "POST /messages",
              "DELETE /messages",
              "POST /fork",
              "GET /state",
              "PUT /state",
              "POST /lock")) {
        String path = "/v1/sessions/" + bad + call.substring(call.indexOf(' ') + 1);
        HttpMethod method = HttpMethod.valueOf(call.substring(0, call.indexOf(' ')));
        tests.add(
            DynamicTest.dynamicTest(
                method + " " + path,
                () -> {
                  boolean body =
                      method == HttpMethod.POST
                          || method == HttpMethod.PUT
                          || method == HttpMethod.PATCH;
                  http.send(method, path, body ? "{}" : null).problem(400, "invalid-request", "id");
                }));
      }
    }
    return tests;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      textBlock =
          """
          GET /v1/sessions/..                 ~ 400 ~ id
          GET /v1/sessions/.                  ~ 400 ~ id
          GET /v1/sessions/../messages        ~ 400 ~ id
          GET /v1/sessions//messages          ~ 400 ~ id
          GET /v1/sessions/a{b}               ~ 400 ~ id
          GET /v1/sessions/a|b                ~ 400 ~ id
          GET /v1/sessions/a\\b               ~ 400 ~ id
          GET /v1/sessions/a%zzb              ~ 400 ~ id
          GET /v1/sessions/a%                 ~ 400 ~ id
          GET /v1/sessions/a"b                ~ 400 ~ id
          GET /v1/sessions/x/messages/a{b}    ~ 400 ~ messageId
          GET /v1/sessions/x/messages/..      ~ 400 ~ messageId
          GET /v1/sessions/x/checkpoints/..   ~ 400 ~ checkpointId
          GET /v1/sessions?user={x}&user=y    ~ 400 ~ user
          GET /v1/sessions?user=%zz           ~ 200 ~
          GET /v1/sessions?status=[x]         ~ 400 ~ status
          """)
  void pathsThatNoUriMayHave(String line, int status, @Nullable String field) throws IOException {
    String answer = http.raw(line + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 1);
    assertThat(answer).startsWith("HTTP/1.1 " + status + " ");
    if (field != null) {
      assertThat(answer)
          .contains("application/problem+json")
          .contains("\"code\":\"invalid-request\"")
          .contains("\"field\":\"" + field + "\"");
    }
  }

  @Test
  void brokenRequestLinesAndHeadersGetAProblem() throws IOException {
    for (String request :
        List.of(
            "GET /v1/sessions/a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /v1/" + "x".repeat(20_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n")) {
      assertThat(http.raw(request, 1))
          .startsWith("HTTP/1.1 4")
          .contains("application/problem+json", "\"code\":\"");
    }
  }

  // ---- bad input writes nothing

  @TestFactory
  List<DynamicTest> badBodies() {
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
                id = "t-" + UUID.randomUUID();
                String before = create().position();
                http.send(method, session() + rest, cells[1].strip())
                    .problem(400, cells[2].strip(), field.isEmpty() ? null : field);
                assertThat(positionNow()).isEqualTo(before);
                assertThat(http.get(session() + "/lock").json().path("held").asBoolean()).isFalse();
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
  void badSessionsAreNotMade(String body, String code, @Nullable String field) {
    String text = body.replace("ID", id);
    http.post("/v1/sessions", text).problem(400, code, field);
    http.put(session(), text).problem(400, code, field);
    http.get(session()).problem(404, "session-not-found", null);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a{b}", "a b", "a/b", "", ".", "..", "é", "a\\u0000", "LONG"})
  void badIdsInBodies(String bad) {
    String value = bad.equals("LONG") ? "x".repeat(129) : bad;
    http.post("/v1/sessions", "{'id':'" + value + "'}").problem(400, "invalid-request", "id");
  }

  @Test
  void metadataIsBounded() {
    create();
    String before = positionNow();
    StringBuilder many = new StringBuilder("'k':0");
    for (int i = 0; i < 64; i++) {
      many.append(",'k").append(i).append("':0");
    }
    for (String metadata : List.of("{'k':'" + "v".repeat(17_000) + "'}", "{" + many + "}")) {
      http.patch(session(), "{'metadata':" + metadata + "}")
          .problem(400, "invalid-request", "metadata");
      http.post(messages(), "{'role':'user','content':'x','metadata':" + metadata + "}")
          .problem(400, "invalid-request", "metadata");
      http.put(session() + "x", "{'metadata':" + metadata + "}")
          .problem(400, "invalid-request", "metadata");
    }
    assertThat(positionNow()).isEqualTo(before);
    http.get(session() + "x").is(404);
  }

  @Test
  void deepNestingIsRefused() {
    create();
    String before = positionNow();
    String deep = "[".repeat(5000) + "]".repeat(5000);
    http.post(messages(), "{'role':'user','content':[{'type':'x','d':" + deep + "}]}")
        .problem(400, "invalid-json", null);
    http.put(session() + "/state", "{'a':" + deep + "}").problem(400, "invalid-json", null);
    assertThat(positionNow()).isEqualTo(before);
  }

  @Test
  void bytesThatAreNoUtf8AreRefused() {
    create();
    String before = positionNow();
    byte[] body = "{\"role\":\"user\",\"content\":\"x\"}".getBytes(StandardCharsets.UTF_8);
    body[26] = (byte) 0xff;
    http.bytes(HttpMethod.POST, messages(), body).problem(400, "invalid-request", "content");
    assertThat(positionNow()).isEqualTo(before);
  }

  @Test
  void sizesAreBounded() {
    create();
    String before = positionNow();
    String big = "{'role':'user','content':'" + "x".repeat(1 << 20) + "'}";
    Reply message = http.post(messages(), big);
    message.problem(413, "message-too-large", "content");
    assertThat(message.json().path("limit").asInt()).isEqualTo(1 << 20);
    http.post(messages(), "{'messages':[" + MESSAGE + "," + big + "]}")
        .problem(413, "message-too-large", "messages[1]");
    assertThat(positionNow()).isEqualTo(before);

    String whole = "{'role':'user','content':'" + "y".repeat(1_040_000) + "'}";
    String three = "{'messages':[" + whole + "," + whole + "," + whole + "]}";
    for (int i = 0; i < 5; i++) {
      http.post(messages(), three).is(201);
    }
    before = positionNow();
    http.post(messages(), three).problem(413, "session-too-large", null);
    assertThat(positionNow()).isEqualTo(before);
    http.delete(session()).is(204);
  }

  @Test
  void hugeBodiesAreRefused() throws IOException {
    create();
    String before = positionNow();
    // Declared too large: refused before it is read.
    String answer =
        http.raw(
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
        http.raw(
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
    http.post(messages(), "{'role':'user','content':'" + "x".repeat(20 << 20) + "'}")
        .problem(413, "body-too-large", null);
    assertThat(positionNow()).isEqualTo(before);
  }

  @Test
  void aSlowBodyIsGivenUp() throws IOException {
    Http server =
        http(Map.of("heddle.limits.enabled", "false", "heddle.session.body-timeout", "700ms"));
    server.post("/v1/sessions", "{'id':'" + id + "'}").is(201);
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
  void otherContentTypesAreNotRead(String type) {
    create();
    String before = positionNow();
    http.post(messages(), MESSAGE, "Content-Type", type)
        .problem(415, "unsupported-media-type", "Content-Type");
    http.patch(session(), "{'title':'x'}", "Content-Type", type)
        .problem(415, "unsupported-media-type", "Content-Type");
    http.put(session() + "/state", "{}", "Content-Type", type)
        .problem(415, "unsupported-media-type", "Content-Type");
    assertThat(positionNow()).isEqualTo(before);
  }

  @Test
  void noContentTypeIsNoJson() throws IOException {
    create();
    assertThat(
            http.raw(
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
  void jsonByOtherNamesIsRead(String type) {
    create();
    http.post(messages(), MESSAGE, "Content-Type", type).is(201);
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
  void badHeadersAreRefused(String name, String value) {
    create();
    String before = positionNow();
    String sent = value.equals("LONG") ? "x".repeat(256) : value;
    http.post(messages(), MESSAGE, name, sent).problem(400, "invalid-request", name);
    http.delete(messages(), name, sent).problem(400, "invalid-request", name);
    http.patch(session(), "{'title':'x'}", name, sent).problem(400, "invalid-request", name);
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
  void writesObeyTheirPreconditions(String name, String value, int absent, int there) {
    String none = session() + "-none";
    http.put(none, "{}", name, value.replace("POSITION", "\"1-aaaaaaaa\"")).is(absent);
    for (String call : List.of("/messages?create=true", "/turns?create=true")) {
      String body = call.startsWith("/m") ? MESSAGE : "{'content':'x'}";
      String fresh = session() + call.charAt(1) + call;
      Reply reply = http.post(fresh, body, name, value.replace("POSITION", "\"1-aaaaaaaa\""));
      assertThat(reply.status())
          .as(call + reply.body())
          .isIn(absent == 201 ? List.of(200, 201) : List.of(412));
    }
    create();
    String at = value.replace("POSITION", quoted(positionNow()));
    http.put(session(), "{}", name, at).is(there == 201 ? 200 : there);
    http.put(session() + "/state", "{}", name, at).is(there == 201 ? 200 : there);
    at = value.replace("POSITION", quoted(positionNow()));
    http.patch(session(), "{'title':'x'}", name, at).is(there == 201 ? 200 : there);
    at = value.replace("POSITION", quoted(positionNow()));
    http.post(messages(), MESSAGE, name, at).is(there);
    if (name.equals("If-Match")) {
      at = value.replace("POSITION", quoted(positionNow()));
      http.get(session(), name, at).is(there == 201 ? 200 : there);
    }
    at = value.replace("POSITION", quoted(positionNow()));
    http.delete(session(), name, at).is(there == 201 ? 204 : there);
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
  void bothPreconditionsMustHold(String match, String none, int absent, int there) {
    http.put(session() + "-none", "{}", "If-Match", match, "If-None-Match", none)
        .is(match.equals("POSITION") ? 400 : absent);
    create();
    String at = quoted(positionNow());
    http.post(
            messages(),
            MESSAGE,
            "If-Match",
            match.replace("POSITION", at),
            "If-None-Match",
            none.replace("POSITION", at))
        .is(there);
  }

  @Test
  void headersThatAreThereTwiceAreRefused() {
    create();
    for (String name : List.of("Idempotency-Key", "Heddle-Lock", "Heddle-Wait", "Heddle-User")) {
      http.post(messages(), MESSAGE, name, "1", name, "2").problem(400, "invalid-request", name);
    }
    http.get(session(), "Heddle-User", "").problem(400, "invalid-request", "Heddle-User");
    http.get(session(), "Heddle-User", "x".repeat(257))
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
  void badQueriesAreRefused(String query, String code, String field) {
    create();
    // A lone percent sign is not a URI for the client either.
    http.get(session() + query.replace("%2", "%25")).is(400).problem(400, code, field);
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
  void badListsAreRefused(String query, String code, String field) {
    String path = "/v1/sessions?" + (query.startsWith("user") ? "" : "user=u&") + query;
    http.get(path).problem(400, code, field);
  }

  @Test
  void aCursorOfAnotherSessionIsRefused() {
    create();
    String mine =
        http.post(messages(), MESSAGE).is(201).json().path("data").get(0).path("id").asString();
    http.put(session() + "-b", "{'messages':[" + MESSAGE + "," + MESSAGE + "]}").is(201);
    String other = session() + "-b/messages";
    http.get(other + "?after=" + mine).problem(400, "invalid-cursor", "after");
    http.get(other + "?before=" + mine).problem(400, "invalid-cursor", "before");
    http.get(messages() + "?after=" + mine).is(200);
  }

  // ---- the document

  @Test
  void theDocumentIsServed() {
    Reply document = http.get("/v1/openapi.json").is(200);
    assertThat(document.header("Content-Type")).isEqualTo("application/json");
    assertThat(document.text("openapi")).startsWith("3.1");
  }

  private static String quoted(String position) {
    return "\"" + position + "\"";
  }
}
