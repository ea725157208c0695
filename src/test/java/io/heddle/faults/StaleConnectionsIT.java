package io.heddle.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.TcpProxy.Direction;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Connections to Redis that stay open and do not serve any more. A replica of Heddle kept such a
 * connection for ever: it answered 503 until somebody restarted it, while its Redis was well.
 */
class StaleConnectionsIT {

  /**
   * A master was made the replica of another, as a managed Redis does with a name or an address
   * that stays the same. Nothing ends the connections then.
   */
  @Test
  void aMasterBecomesAReplica() throws Exception {
    try (RedisProcess old = RedisProcess.start();
        RedisProcess next = RedisProcess.start();
        RedisView atOld = new RedisView(old.uri());
        RedisView atNext = new RedisView(next.uri());
        Here replica = Here.start("demoted", old.uri())) {
      works(replica, "before");
      atNext.commands().replicaof("127.0.0.1", old.port());
      Pair.await("the same data at both")
          .until(() -> atNext.commands().dbsize().equals(atOld.commands().dbsize()));

      replica.proxy().leadTo("127.0.0.1", next.port());
      atNext.commands().replicaofNoOne();
      atOld.commands().replicaof("127.0.0.1", next.port());

      works(replica, "after");
      Pair.await("no script asks the replica any more")
          .until(() ->
              atOld
                  .commands()
                  .clientList()
                  .lines()
                  .noneMatch(line -> line.contains("cmd=evalsha")));
      Pair.await("changes come from the master").until(() -> replica.untrusted() == 0);
      Pair.await("health").until(() -> !replica.isRed());
    }
  }

  /** Something on the way has forgotten the connections: bytes go in and never come out. */
  @ParameterizedTest
  @EnumSource
  void aConnectionIsForgotten(Direction way) throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        Here replica = Here.start("forgotten", redis.uri())) {
      works(replica, "before");
      replica.proxy().swallow(way);
      assertThat(append(replica, "before").status()).isEqualTo(503);
      replica.proxy().deliver();

      works(replica, "after");
      works(replica, "again");
    }
  }

  /** A Redis that only stands still for a while keeps its connections, and loses nothing. */
  @Test
  void aRedisThatIsSlowKeepsItsConnections() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        Here replica = Here.start("slow", redis.uri())) {
      works(replica, "before");
      redis.pause();
      for (int i = 0; i < 3; i++) {
        assertThat(append(replica, "before").status()).isEqualTo(503);
      }
      redis.resume();
      works(replica, "after");
    }
  }

  /**
   * What Redis refuses for now makes health red although it answers; one that is full is told too.
   */
  @Test
  void whatRefusesWritesIsRed() throws Exception {
    try (RedisProcess master = RedisProcess.start();
        RedisProcess redis = RedisProcess.start();
        RedisView view = new RedisView(redis.uri());
        Here replica = Here.start("refusing", redis.uri())) {
      works(replica, "before");
      Pair.await("health").until(() -> !replica.isRed());
      int connections = replica.proxy().connections();
      for (String refusal : List.of("min-replicas-to-write", "replicaof")) {
        if (refusal.equals("replicaof")) {
          view.commands().replicaof("127.0.0.1", master.port());
        } else {
          view.commands().configSet(refusal, "1");
        }
        Pair.await(refusal).until(() -> append(replica, "before").status() == 503);
        Pair.await(refusal + " in health").until(replica::isRed);
        Pair.await(refusal + " as a meter").until(() -> replica.meter("heddle.store.up") == 0);
        if (refusal.equals("replicaof")) {
          view.commands().replicaofNoOne();
        } else {
          view.commands().configSet(refusal, "0");
        }
        Pair.await("after " + refusal).until(() -> create(replica, refusal).status() == 201);
        Pair.await("health after " + refusal).until(() -> !replica.isRed());
      }
      Pair.await("no connection is left over")
          .until(() -> replica.proxy().connections() <= connections);
    }
  }

  /**
   * Somebody changed what Redis lets Heddle's user do. Every request was refused, and health stayed
   * green, because the one command that it looks with was no part of the change.
   */
  @ParameterizedTest
  @ValueSource(strings = {"-eval -evalsha", "-@write", "resetkeys ~other:*"})
  void whatItsUserMayNotDoIsRed(String rules) throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        RedisView view = new RedisView(redis.uri());
        Here replica = Here.start("forbidden", redis.uri())) {
      works(replica, "before");
      Pair.await("health").until(() -> !replica.isRed());
      acl(view, rules);
      Pair.await(rules).until(() -> append(replica, "before").status() >= 500);
      Pair.await(rules + " in health").until(replica::isRed);
      Pair.await(rules + " as a meter").until(() -> replica.meter("heddle.store.up") == 0);
      acl(view, "~* +@all");
      works(replica, "after");
      Pair.await("health after " + rules).until(() -> !replica.isRed());
    }
  }

  private static void acl(RedisView view, String rules) {
    CommandArgs<String, String> args =
        new CommandArgs<>(StringCodec.UTF8).add("SETUSER").add("default");
    List.of(rules.split(" ")).forEach(args::add);
    view.commands().dispatch(CommandType.ACL, new StatusOutput<>(StringCodec.UTF8), args);
  }

  /** Soon, and reads each time: one of several connections must not be left behind. */
  private static void works(Here replica, String session) {
    long began = System.nanoTime();
    // One that was refused may have been done.
    Pair.await("created").until(() -> Set.of(201, 409).contains(create(replica, session).status()));
    Pair.await("appended").until(() -> append(replica, session).status() == 201);
    Pair.await("patched").until(() -> patch(replica, session).status() == 200);
    Pair.await("read")
        .until(() -> {
          for (int i = 0; i < 4; i++) {
            if (read(replica, session).status() != 200) {
              return false;
            }
          }
          return true;
        });
    System.out.printf(
        "StaleConnectionsIT: works after %d ms%n",
        Duration.ofNanos(System.nanoTime() - began).toMillis());
  }

  private static Answer create(Here replica, String session) throws IOException {
    return call(replica, "POST", "/v1/sessions", "{\"id\":\"" + session + "\"}");
  }

  private static Answer append(Here replica, String session) throws IOException {
    return call(
        replica,
        "POST",
        "/v1/sessions/" + session + "/messages",
        "{\"role\":\"user\",\"content\":\"hello\"}");
  }

  private static Answer patch(Here replica, String session) throws IOException {
    return call(replica, "PATCH", "/v1/sessions/" + session + "/state", "{\"a\":1}");
  }

  private static Answer read(Here replica, String session) throws IOException {
    return call(replica, "GET", "/v1/sessions/" + session + "/messages?limit=5", null);
  }

  private static Answer call(Here replica, String method, String path, @Nullable String body)
      throws IOException {
    try (HttpConnection connection = replica.connect()) {
      return connection.call(
          method,
          path,
          body,
          body == null
              ? Map.of()
              : Map.of(
                  "Content-Type",
                  method.equals("PATCH") ? "application/merge-patch+json" : "application/json"));
    }
  }
}
