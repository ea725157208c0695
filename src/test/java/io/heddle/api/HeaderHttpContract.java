package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.api.Http.Reply;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.http.HttpMethod;

/** Headers: conditions, positions, repetitions, users. */
interface HeaderHttpContract extends HttpCalls {

  @Test
  default void unchangedReadsHaveNoBody() {
    thread(1);
    for (String path :
        List.of(
            session(),
            messages(),
            messages() + "/m1",
            session() + "/state",
            session() + "/checkpoints")) {
      String position = http().get(path).is(200).position();
      for (String tag :
          List.of(
              HttpCalls.quoted(position),
              "W/" + HttpCalls.quoted(position),
              "\"x\", " + HttpCalls.quoted(position),
              "*")) {
        Reply same = http().get(path, "If-None-Match", tag).is(304);
        assertThat(same.body()).isEmpty();
        assertThat(same.position()).isEqualTo(position);
      }
      http().get(path, "If-None-Match", "garbage").is(200);
      http().get(path, "If-None-Match", "\"1-aaaaaaaa\"").is(200);
    }
    String old = positionNow();
    http().post(messages(), MESSAGE).is(201);
    http().get(messages(), "If-None-Match", HttpCalls.quoted(old)).is(200);
  }

  @Test
  default void writesAreConditional() {
    Reply made = create();
    String first = made.position();
    String second =
        http().post(messages(), MESSAGE, "If-Match", HttpCalls.quoted(first)).is(201).position();
    Reply conflict = http().post(messages(), MESSAGE, "If-Match", HttpCalls.quoted(first));
    conflict.problem(412, "version-conflict", null);
    assertThat(conflict.text("position")).isEqualTo(second);
    http()
        .patch(session(), "{'title':'x'}", "If-Match", HttpCalls.quoted(first))
        .problem(412, "version-conflict", null);
    http()
        .put(session() + "/state", "{}", "If-Match", HttpCalls.quoted(first))
        .problem(412, "version-conflict", null);
    http()
        .delete(messages(), "If-Match", HttpCalls.quoted(first))
        .problem(412, "version-conflict", null);
    http()
        .delete(session(), "If-Match", HttpCalls.quoted(first))
        .problem(412, "version-conflict", null);
    assertThat(positionNow()).isEqualTo(second);
    String third =
        http()
            .post(
                messages(),
                MESSAGE,
                "If-Match",
                HttpCalls.quoted(first) + ", W/" + HttpCalls.quoted(second))
            .is(201)
            .position();
    http().patch(session(), "{'title':'x'}", "If-Match", "*").is(200);
    http()
        .patch(session(), "{'title':'y'}", "If-Match", HttpCalls.quoted(third))
        .problem(412, "version-conflict", null);
    http().delete(session(), "If-Match", HttpCalls.quoted(positionNow())).is(204);
  }

  @Test
  default void readsServeAtLeastAPosition() {
    String first = create().position();
    String second = http().post(messages(), MESSAGE).is(201).position();
    for (String path :
        List.of(session(), messages(), session() + "/state", session() + "/checkpoints")) {
      http().get(path, "Heddle-Min-Position", first).is(200);
      http().get(path, "Heddle-Min-Position", HttpCalls.quoted(second)).is(200);
      http().get(path, "Heddle-Min-Position", "99-aaaaaaaa").problem(409, "position-lost", null);
      http().get(path, "Heddle-Min-Position", "2-aaaaaaaa").problem(409, "position-lost", null);
      http()
          .get(path, "Heddle-Min-Position", "2")
          .problem(400, "invalid-request", "Heddle-Min-Position");
    }
  }

  @Test
  default void aRepetitionIsAnsweredLikeTheFirst() {
    create();
    String key = "key " + id();
    Reply first = http().post(messages(), MESSAGE, "Idempotency-Key", key).is(201);
    assertThat(first.header("Idempotency-Replayed")).isNull();
    http().post(messages(), "{'role':'user','content':'between'}").is(201);
    Reply again = http().post(messages(), MESSAGE, "Idempotency-Key", key).is(201);
    assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
    assertThat(again.position()).isEqualTo(first.position());
    assertThat(again.body()).isEqualTo(first.body());
    assertThat(contents(http().get(messages()))).hasSize(2);

    String other = "{'role':'user','content':'other'}";
    http().post(messages(), other, "Idempotency-Key", key).problem(422, "key-reused", null);
    http()
        .post(messages() + "?create=true", MESSAGE, "Idempotency-Key", key)
        .problem(422, "key-reused", null);
    assertThat(contents(http().get(messages()))).hasSize(2);
    // The key of another call is another key.
    http().patch(session(), "{'title':'x'}", "Idempotency-Key", key).is(200);

    http()
        .delete(messages() + "/" + first.json().path("data").get(0).path("id").asString())
        .is(204);
    Reply gone = http().post(messages(), MESSAGE, "Idempotency-Key", key).is(201);
    assertThat(gone.json().path("data").get(0).path("deleted").asBoolean()).isTrue();
  }

  @Test
  default void everyWriteCanBeRepeated() {
    String key = "k-" + id();
    Reply made =
        http().post("/v1/sessions", "{'id':'" + id() + "'}", "Idempotency-Key", key).is(201);
    Reply again =
        http().post("/v1/sessions", "{'id':'" + id() + "'}", "Idempotency-Key", key).is(201);
    assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
    assertThat(again.position()).isEqualTo(made.position());
    assertThat(again.header("Location")).isEqualTo(session());
    http().post(messages(), "{'id':'m1','role':'user','content':'1'}").is(201);
    http().post(messages(), "{'id':'m2','role':'user','content':'2'}").is(201);
    http().post(messages(), "{'id':'m3','role':'user','content':'3'}").is(201);

    repeated(HttpMethod.PATCH, session(), "{'title':'x'}", 200);
    repeated(HttpMethod.PUT, session() + "/state", "{'a':1}", 200);
    repeated(HttpMethod.PATCH, session() + "/state", "{'b':1}", 200);
    repeated(HttpMethod.POST, session() + "/checkpoints/latest/restore", null, 200);
    repeated(HttpMethod.DELETE, messages() + "/m2", null, 204);
    repeated(HttpMethod.DELETE, messages() + "?after=m1", null, 204);
    repeated(HttpMethod.DELETE, messages(), null, 204);
    repeated(HttpMethod.POST, session() + "/fork", "{'id':'" + id() + "-f'}", 201);
    repeated(HttpMethod.PUT, session() + "-put", "{}", 201);
  }

  private void repeated(HttpMethod method, String path, @Nullable String body, int status) {
    String key = "k-" + UUID.randomUUID();
    Reply first = http().send(method, path, body, "Idempotency-Key", key).is(status);
    Reply again = http().send(method, path, body, "Idempotency-Key", key).is(status);
    assertThat(first.header("Idempotency-Replayed")).as(method + " " + path).isNull();
    assertThat(again.header("Idempotency-Replayed")).as(method + " " + path).isEqualTo("true");
    assertThat(again.position()).as(method + " " + path).isEqualTo(first.position());
    assertThat(again.body()).as(method + " " + path).isEqualTo(first.body());
  }

  @Test
  default void aSessionWithoutANameIsMadeOnceAKey() {
    String key = "k-" + id();
    Reply first = http().post("/v1/sessions", "{'title':'x'}", "Idempotency-Key", key).is(201);
    Reply again = http().post("/v1/sessions", "{'title':'x'}", "Idempotency-Key", key).is(201);
    assertThat(again.text("id"))
        .isEqualTo(first.text("id"))
        .matches("ses_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
    http()
        .post("/v1/sessions", "{'title':'y'}", "Idempotency-Key", key)
        .problem(422, "key-reused", null);
    // Another caller's key is another key.
    Reply others =
        http()
            .post("/v1/sessions", "{'title':'x'}", "Idempotency-Key", key, "Heddle-User", user())
            .is(201);
    assertThat(others.text("id")).isNotEqualTo(first.text("id"));
    String fork = "/v1/sessions/" + first.text("id") + "/fork";
    Reply forked = http().post(fork, "{}", "Idempotency-Key", key).is(201);
    assertThat(http().post(fork, "{}", "Idempotency-Key", key).is(201).text("id"))
        .isEqualTo(forked.text("id"));
  }

  @Test
  default void aUserSeesOnlyTheirOwn() {
    Http mine = http().with("Heddle-User", user());
    Http others = http().with("Heddle-User", "other " + user());
    assertThat(mine.post("/v1/sessions", "{'id':'" + id() + "'}").is(201).text("user"))
        .isEqualTo(user());
    mine.get(session()).is(200);
    http().get(session()).is(200);
    others.get(session()).problem(404, "session-not-found", null);
    others.get(messages()).problem(404, "session-not-found", null);
    others.post(messages(), MESSAGE).problem(404, "session-not-found", null);
    others.patch(session(), "{'title':'x'}").problem(404, "session-not-found", null);
    others.delete(session()).problem(404, "session-not-found", null);
    others.get(session() + "/state").problem(404, "session-not-found", null);
    others.post(session() + "/lock", "{'ttlSeconds':5}").problem(404, "session-not-found", null);
    others.post(session() + "/fork", "{}").problem(404, "session-not-found", null);
    others.post("/v1/sessions", "{'id':'" + id() + "'}").problem(409, "session-exists", null);
    others.get("/v1/sessions?user=" + user().replace(" ", "%20")).problem(403, "forbidden", "user");
    others.post("/v1/sessions", "{'user':'" + user() + "'}").problem(403, "forbidden", "user");
    others
        .send(HttpMethod.PUT, session() + "-x", "{'user':'" + user() + "'}", "If-Match", "no tag")
        .problem(403, "forbidden", "user");
    assertThat(ids(mine.get("/v1/sessions?user=" + user().replace(" ", "%20"))))
        .containsExactly(id());
    mine.post(messages(), MESSAGE).is(201);
    mine.delete(session()).is(204);
    mine.get(session()).problem(410, "session-deleted", null);
    others.get(session()).problem(404, "session-not-found", null);
  }

  @Test
  default void usersMayHaveAnyLetters() {
    String name = "Jürgen-" + id();
    String wire = new String(name.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    assertThat(
            http()
                .post("/v1/sessions", "{'user':'" + name + "'}", "Heddle-User", wire)
                .is(201)
                .text("user"))
        .isEqualTo(name);
  }

  @Test
  default void headAnswersLikeGetWithoutABody() {
    create();
    Reply get = http().get(session()).is(200);
    Reply head = http().send(HttpMethod.HEAD, session(), null).is(200);
    assertThat(head.body()).isEmpty();
    assertThat(head.position()).isEqualTo(get.position());
    http().send(HttpMethod.HEAD, session() + "x", null).is(404);
  }
}
