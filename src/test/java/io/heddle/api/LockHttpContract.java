package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.api.Http.Reply;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** Locks that clients hold. */
interface LockHttpContract extends HttpCalls {

  /** A lost answer left a lock that nobody could give back. */
  @Test
  default void aLockAskedForTwiceUnderOneKeyIsOneLock() {
    create();
    String lock = session() + "/lock";
    String body = "{'ttlSeconds':30,'waitSeconds':0}";
    Reply taken = http().post(lock, body, "Idempotency-Key", "lock-1").is(200);
    Reply again = http().post(lock, body, "Idempotency-Key", "lock-1").is(200);
    assertThat(again.body()).isEqualTo(taken.body());
    assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
    http()
        .post(lock, "{'ttlSeconds':31,'waitSeconds':0}", "Idempotency-Key", "lock-1")
        .problem(422, "key-reused", null);
    String token = taken.text("lock");
    http().delete(lock, "Heddle-Lock", token, "Idempotency-Key", "end-1").is(204);
    Reply ended = http().delete(lock, "Heddle-Lock", token, "Idempotency-Key", "end-1").is(204);
    assertThat(ended.header("Idempotency-Replayed")).isEqualTo("true");
    assertThat(http().get(lock).is(200).body()).isEqualTo("{\"held\":false}");
  }

  @Test
  default void aLockKeepsOthersOut() {
    create();
    String lock = session() + "/lock";
    assertThat(http().get(lock).is(200).body()).isEqualTo("{\"held\":false}");
    Reply taken = http().post(lock, "{'ttlSeconds':30,'waitSeconds':0,'label':'me'}").is(200);
    String token = taken.text("lock");
    assertThat(token).isNotBlank();
    assertThat(taken.json().path("fence").asLong()).isPositive();
    assertThat(Instant.parse(taken.text("expiresAt"))).isAfter(Instant.now().plusSeconds(10));

    Reply shown = http().get(lock).is(200);
    assertThat(shown.json().path("held").asBoolean()).isTrue();
    assertThat(shown.text("by")).isEqualTo("client");
    assertThat(shown.text("label")).isEqualTo("me");
    assertThat(shown.body()).doesNotContain(token);

    Reply refused = http().post(lock, "{'ttlSeconds':30,'waitSeconds':0}");
    refused.problem(423, "session-locked", null);
    assertThat(Long.parseLong(refused.header("Retry-After"))).isPositive();
    assertThat(Instant.parse(refused.text("expiresAt"))).isAfter(Instant.now());
    String before = positionNow();
    http().post(messages(), MESSAGE, "Heddle-Wait", "0").problem(423, "session-locked", null);
    http()
        .patch(session(), "{'title':'x'}", "Heddle-Wait", "0")
        .problem(423, "session-locked", null);
    http().put(session() + "/state", "{}", "Heddle-Wait", "0").problem(423, "session-locked", null);
    http().post(messages(), MESSAGE, "Heddle-Lock", "1-wrong").problem(412, "stale-fence", null);
    assertThat(positionNow()).isEqualTo(before);

    http().post(messages(), MESSAGE, "Heddle-Lock", token).is(201);
    http().patch(session(), "{'title':'x'}", "Heddle-Lock", token).is(200);
    http().put(session() + "/state", "{}", "Heddle-Lock", token).is(200);

    Reply renewed = http().put(lock, "{'ttlSeconds':60}", "Heddle-Lock", token).is(200);
    assertThat(renewed.json().path("fence")).isEqualTo(taken.json().path("fence"));
    http()
        .put(lock, "{'ttlSeconds':60}", "Heddle-Lock", "1-wrong")
        .problem(412, "stale-fence", null);
    http().put(lock, "{'ttlSeconds':60}").problem(400, "invalid-request", "Heddle-Lock");
    http().delete(lock, "Heddle-Lock", "1-wrong").problem(412, "stale-fence", null);
    http().delete(lock).problem(400, "invalid-request", "Heddle-Lock");
    http().delete(lock, "Heddle-Lock", token).is(204);
    http().delete(lock, "Heddle-Lock", token).problem(412, "stale-fence", null);
    http().post(messages(), MESSAGE, "Heddle-Lock", token).problem(412, "stale-fence", null);
    http().post(messages(), MESSAGE).is(201);
  }

  @Test
  default void aLockIsWaitedFor() {
    create();
    http().post(session() + "/lock", "{'ttlSeconds':1}").is(200);
    http().post(messages(), MESSAGE, "Heddle-Wait", "20").is(201);
    http().post(session() + "/lock", "{'ttlSeconds':1}").is(200);
    http().post(session() + "/lock", "{'ttlSeconds':1,'waitSeconds':20}").is(200);
  }

  @Test
  default void anAdminEndsALock() {
    http().post("/v1/sessions", "{'id':'" + id() + "','user':'" + user() + "'}").is(201);
    http().post(session() + "/lock", "{'ttlSeconds':60}").is(200);
    http()
        .delete(session() + "/lock?force=true", "Heddle-User", user())
        .problem(403, "forbidden", null);
    http().delete(session() + "/lock?force=true").is(204);
    assertThat(http().get(session() + "/lock").json().path("held").asBoolean()).isFalse();
  }
}
