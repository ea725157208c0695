package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.api.Http.Reply;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Sessions: made, read, listed, patched, deleted, expired. */
interface SessionHttpContract extends HttpCalls {

  @Test
  default void createAnswersTheSession() {
    Reply made =
        http()
            .post(
                "/v1/sessions",
                "{'id':'"
                    + id()
                    + "','user':'"
                    + user()
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
    assertThat(json.path("id").asString()).isEqualTo(id());
    assertThat(json.path("user").asString()).isEqualTo(user());
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

    Reply read = http().get(session()).is(200);
    assertThat(read.body()).isEqualTo(made.body());
    assertThat(read.header("Heddle-Cache")).isIn("hit", "miss", "bypass");
  }

  @Test
  default void whatWasReadIsServedAgainUntilItChanges() {
    thread(3);
    String path = messages() + "?limit=2";
    Reply hit = hit(path);
    assertThat(contents(hit)).containsExactly("2", "3");
    assertThat(hit(session()).json().path("messageCount").asInt()).isEqualTo(3);
    assertThat(hit(session() + "?messages=1").json().path("messages").size()).isEqualTo(1);

    Reply same = http().get(path, "If-None-Match", hit.header("ETag"));
    assertThat(same.is(304).header("Heddle-Cache")).isEqualTo("hit");
    assertThat(same.body()).isEmpty();
    assertThat(same.header("ETag")).isEqualTo(hit.header("ETag"));
    Reply atLeast = http().get(path, "Heddle-Min-Position", hit.position()).is(200);
    assertThat(atLeast.header("Heddle-Cache")).isEqualTo("hit");
    assertThat(atLeast.body()).isEqualTo(hit.body());
    http().get(path, "Heddle-User", "somebody-else").problem(404, "session-not-found", null);
    Reply cursor = http().get(path + "&after=" + hit.json().at("/data/0/id").asString());
    assertThat(cursor.is(200).header("Heddle-Cache")).isEqualTo("bypass");

    // Whoever writes and reads again, here and at once, reads what was written.
    for (int i = 4; i <= 40; i++) {
      Reply appended = http().post(messages(), "{'role':'user','content':'" + i + "'}").is(201);
      Reply read = http().get(path).is(200);
      assertThat(read.position()).isEqualTo(appended.position());
      assertThat(contents(read)).containsExactly(Integer.toString(i - 1), Integer.toString(i));
    }
    hit(path);
    http().delete(session()).is(204);
    http().get(path).problem(410, "session-deleted", null);
  }

  /** Reads until the near cache answers; a replica that has just started trusts nothing yet. */
  private Reply hit(String path) {
    return Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> http().get(path).is(200), reply -> "hit".equals(reply.header("Heddle-Cache")));
  }

  @Test
  default void heddleNamesSessionsThatNobodyNames() {
    Reply made = http().post("/v1/sessions", "{}").is(201);
    assertThat(made.text("id")).matches("ses_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    assertThat(made.json().path("user").isNull()).isTrue();
    http().get("/v1/sessions/" + made.text("id")).is(200);
    assertThat(http().post("/v1/sessions", "{}").is(201).text("id")).isNotEqualTo(made.text("id"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"cli_20251108_145739", "a.b", "...", "a:b@c-D_9", "-"})
  default void clientsNameSessionsAsTheyLike(String name) {
    String named = name.equals("-") ? "x".repeat(128) : name;
    http().delete("/v1/sessions/" + named);
    assertThat(http().post("/v1/sessions", "{'id':'" + named + "'}").is(201).text("id"))
        .isEqualTo(named);
    http().get("/v1/sessions/" + named).is(200);
  }

  @Test
  default void anIdIsTakenOnce() {
    Reply first = create();
    http()
        .post("/v1/sessions", "{'id':'" + id() + "','title':'other'}")
        .problem(409, "session-exists", null);
    assertThat(http().get(session()).body()).isEqualTo(first.body());
  }

  @Test
  default void putCreatesOrAnswersWhatIsThere() {
    Reply made = http().put(session(), "{'title':'first'}").is(201);
    assertThat(made.header("Location")).isEqualTo(session());
    Reply found = http().put(session(), "{'title':'second','messages':[" + MESSAGE + "]}").is(200);
    assertThat(found.body()).isEqualTo(made.body());
    assertThat(found.position()).isEqualTo(made.position());
    http().put(session(), "{'id':'" + id() + "'}").is(200);
    http().put(session(), "{'id':'another'}").problem(400, "invalid-request", "id");
    http().put(session(), "{'resume':true}").problem(400, "invalid-request", "resume");
  }

  @Test
  default void resumeAnswersTheUsersCurrentSession() {
    String body = "{'user':'" + user() + "','resume':true}";
    Reply first = http().post("/v1/sessions", body).is(201);
    Reply again = http().post("/v1/sessions", body).is(200);
    assertThat(again.text("id")).isEqualTo(first.text("id"));

    // A session that the user makes by hand becomes the current one.
    http().post("/v1/sessions", "{'id':'" + id() + "','user':'" + user() + "'}").is(201);
    assertThat(http().post("/v1/sessions", body).is(200).text("id")).isEqualTo(id());

    http().patch(session(), "{'status':'complete'}").is(200);
    Reply next = http().post("/v1/sessions", body).is(201);
    assertThat(next.text("id")).isNotIn(id(), first.text("id"));

    http().post("/v1/sessions", "{'resume':true}").problem(400, "invalid-request", "user");
  }

  @Test
  default void oneCallLoadsAThread() {
    thread(5);
    assertThat(http().get(session()).is(200).json().has("messages")).isFalse();
    JsonNode two = http().get(session() + "?messages=2").is(200).json();
    assertThat(two.path("messages").valueStream().map(m -> m.path("content").asString()))
        .containsExactly("4", "5");
    assertThat(two.path("messageCount").asInt()).isEqualTo(5);
    assertThat(http().get(session() + "?messages=50").json().path("messages").size()).isEqualTo(5);
    assertThat(http().get(session() + "?messages=0").json().path("messages").size()).isZero();
  }

  @Test
  default void whatIsNotThereIsNotFound() {
    http().get(session()).problem(404, "session-not-found", null);
    http().get(messages()).problem(404, "session-not-found", null);
    http().get(messages() + "/m1").problem(404, "session-not-found", null);
    http().get(session() + "/state").problem(404, "session-not-found", null);
    http().get(session() + "/checkpoints").problem(404, "session-not-found", null);
    http().get(session() + "/checkpoints/latest").problem(404, "session-not-found", null);
    http().get(session() + "/lock").problem(404, "session-not-found", null);
    http().patch(session(), "{'title':'x'}").problem(404, "session-not-found", null);
    http().delete(session()).problem(404, "session-not-found", null);
    http().post(messages(), MESSAGE).problem(404, "session-not-found", null);
    http().delete(messages()).problem(404, "session-not-found", null);
    http().delete(messages() + "/m1").problem(404, "session-not-found", null);
    http().post(session() + "/fork", "{}").problem(404, "session-not-found", null);
    http().put(session() + "/state", "{}").problem(404, "session-not-found", null);
    http().post(session() + "/lock", "{'ttlSeconds':5}").problem(404, "session-not-found", null);
    http().get(session()).problem(404, "session-not-found", null);
  }

  @Test
  default void patchMergesWhatItNames() {
    http()
        .post(
            "/v1/sessions",
            "{'id':'" + id() + "','title':'T','metadata':{'a':1,'b':{'c':1}},'model':'M'}")
        .is(201);
    Reply patched =
        http()
            .patch(
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
    assertThat(http().get(session()).body()).isEqualTo(patched.body());
    assertThat(http().patch(session(), "{'metadata':null,'model':null}").is(200).body())
        .contains("\"metadata\":{}")
        .doesNotContain("\"model\"");
  }

  @Test
  default void aCompleteSessionTakesNoMessages() {
    thread(1);
    assertThat(http().patch(session(), "{'status':'complete'}").is(200).text("status"))
        .isEqualTo("complete");
    http().post(messages(), MESSAGE).problem(409, "session-complete", null);
    http().patch(session(), "{'status':'active'}").is(200);
    http().post(messages(), MESSAGE).is(201);
  }

  @Test
  default void deletedIsToldAndTheIdStartsAnew() {
    thread(2);
    Reply gone = http().delete(session()).is(204);
    assertThat(gone.body()).isEmpty();
    http().delete(session()).is(204);
    http().get(session()).problem(410, "session-deleted", null);
    http().post(messages(), MESSAGE).problem(410, "session-deleted", null);
    http().post(messages() + "?create=true", MESSAGE).problem(410, "session-deleted", null);
    http().patch(session(), "{'title':'x'}").problem(410, "session-deleted", null);
    http().put(session() + "/state", "{}").problem(410, "session-deleted", null);
    JsonNode anew = create().json();
    assertThat(anew.path("messageCount").asInt()).isZero();
    assertThat(anew.path("version").asInt()).isGreaterThan(4);
  }

  @Test
  default void sessionsExpire() {
    http().post("/v1/sessions", "{'id':'" + id() + "','ttlSeconds':1}").is(201);
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> http().get(session()).status() == 410);
    http().get(session()).problem(410, "session-expired", null);
    http().post(messages(), MESSAGE).problem(410, "session-expired", null);
    http().delete(session()).problem(410, "session-expired", null);
    create();
  }

  @Test
  default void sessionsAreListedByUser() {
    List<String> made = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      String status =
          "{'user':'" + user() + "','metadata':{'n':" + i + ",'even':" + (i % 2 == 0) + "}}";
      made.addFirst(http().post("/v1/sessions", status).is(201).text("id"));
      // Sessions of one millisecond stand in the order of their ids, which are drawn.
      long then = System.currentTimeMillis();
      Awaitility.await()
          .pollInterval(Duration.ofMillis(1))
          .until(() -> System.currentTimeMillis() > then);
    }
    String list = "/v1/sessions?user=" + user().replace(" ", "%20");
    assertThat(ids(http().get(list))).containsExactlyElementsOf(made);
    assertThat(ids(http().get(list.replace("%20", "+")))).hasSize(5);
    assertThat(ids(http().get(list + "&metadata.even=true"))).hasSize(3);
    assertThat(ids(http().get(list + "&metadata.even=true&metadata.n=2")))
        .containsExactly(made.get(2));
    http().patch("/v1/sessions/" + made.get(1), "{'status':'complete'}").is(200);
    assertThat(ids(http().get(list + "&status=complete"))).containsExactly(made.get(1));
    assertThat(ids(http().get(list + "&status=active"))).hasSize(4);

    List<String> paged = new ArrayList<>();
    String cursor = null;
    do {
      Reply page =
          http().get(list + "&limit=2" + (cursor == null ? "" : "&cursor=" + cursor)).is(200);
      assertThat(ids(page).size()).isLessThanOrEqualTo(2);
      paged.addAll(ids(page));
      JsonNode next = page.json().path("next");
      cursor = next.isNull() ? null : next.asString();
    } while (cursor != null);
    assertThat(paged).containsExactlyInAnyOrderElementsOf(made);
    assertThat(ids(http().get("/v1/sessions?user=nobody-" + id()))).isEmpty();
  }

  @Test
  default void onlyAnAdminListsWithoutAUser() {
    create();
    assertThat(http().get("/v1/sessions?limit=1").is(200).json().path("data").size())
        .isLessThanOrEqualTo(1);
  }
}
