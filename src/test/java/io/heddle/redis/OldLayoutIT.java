package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionLocks;
import io.heddle.session.StoreLimits;
import io.heddle.session.ThreadPage;
import io.heddle.session.Turn;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.testing.RedisProcess;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The keys that an earlier Heddle wrote, as commands that write them again: {@code s1} with
 * messages of both kinds of id, one of them called {@code -}, one that was deleted and is
 * remembered, a state, a turn that ended; {@code s2}, deleted; {@code s3}, a fork of {@code s1}.
 */
class OldLayoutIT {

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final SessionKey FIRST = new SessionKey(Tenant.DEFAULT, "s1");
  private static final SessionKey SECOND = new SessionKey(Tenant.DEFAULT, "s2");
  private static final SessionKey THIRD = new SessionKey(Tenant.DEFAULT, "s3");

  private EngineFixture fixture;

  private static void fill(String uri) throws Exception {
    RedisClient client = RedisClient.create(uri);
    try (client;
        StatefulRedisConnection<String, String> connection = client.connect();
        BufferedReader lines =
            new BufferedReader(
                new InputStreamReader(
                    OldLayoutIT.class.getResourceAsStream("/layouts/redis-1.jsonl"),
                    StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        JsonNode words = JsonMapper.shared().readTree(line);
        String[] command = new String[words.size()];
        for (int i = 0; i < command.length; i++) {
          command[i] = words.get(i).asString();
        }
        connection
            .sync()
            .eval(
                "redis.call(unpack(ARGV)) return 1",
                ScriptOutputType.INTEGER,
                new String[0],
                command);
      }
    }
  }

  @Test
  void everyReadAndWriteGoesOn() throws Exception {
    try (RedisProcess redis = RedisProcess.start()) {
      fill(redis.uri());
      fixture = EngineFixture.standalone(redis.uri(), StoreLimits.DEFAULT);
      try {
        check();
      } finally {
        fixture.close();
      }
    }
  }

  private void check() {
    ThreadPage page = load(FIRST, PageRequest.forward(100, null));
    assertThat(page.messages()).extracting(Message::seq).containsExactly(1L, 2L, 3L, 4L, 6L, 7L);
    assertThat(page.messages()).extracting(Message::id).contains("first", "-", "mine");
    assertThat(load(FIRST, PageRequest.forward(100, "gone")).messages())
        .as("its place is remembered as it was then")
        .hasSize(2);
    assertThat(load(THIRD, PageRequest.forward(100, null)).messages()).hasSize(6);
    assertThat(
            fixture
                .engine()
                .reader()
                .state(FIRST, ReadContext.ANY)
                .block(PATIENCE)
                .checkpoint()
                .document())
        .isEqualTo(Json.of("{\"step\":2}"));
    List<Turn> turns = fixture.engine().turnLog().list(FIRST, null).block(PATIENCE);
    assertThat(turns).extracting(Turn::status).containsExactly(Turn.Status.COMPLETED);

    NewMessage again = new NewMessage("gone", Json.of("{\"role\":\"user\",\"content\":\"x\"}"));
    for (Write write :
        List.of(
            new Write.Append(List.of(again)),
            new Write.DeleteMessage("mine"),
            new Write.DeleteMessage("-"),
            new Write.SaveState(Json.of("{\"step\":3}")),
            new Write.RestoreState("latest"),
            new Write.Update(page.session().description()),
            new Write.TruncateThread("first"))) {
      assertThat(write(FIRST, write)).as(write.toString()).isInstanceOf(Outcome.Applied.class);
    }
    assertThat(load(FIRST, PageRequest.forward(100, "mine")).messages()).isEmpty();
    assertThat(load(FIRST, PageRequest.forward(100, null)).messages())
        .extracting(Message::id)
        .containsExactly("first");
    SessionLocks.Call take = new SessionLocks.Call.Take(Duration.ofSeconds(5), "label");
    assertThat(fixture.engine().locks().apply(THIRD, null, take, null).block(PATIENCE).held())
        .isNotNull();
    assertThat(write(FIRST, new Write.TruncateThread(null))).isInstanceOf(Outcome.Applied.class);
    assertThat(load(FIRST, PageRequest.NONE).session().head().bytes()).isZero();
    assertThat(write(SECOND, new Write.Create(page.session().description(), List.of(again))))
        .isInstanceOf(Outcome.Applied.class);
    assertThat(write(FIRST, new Write.Delete())).isInstanceOf(Outcome.Applied.class);
  }

  private Outcome write(SessionKey key, Write write) {
    return fixture.engine().writer().apply(key, write, WritePreconditions.NONE).block(PATIENCE);
  }

  private ThreadPage load(SessionKey key, PageRequest page) {
    return fixture.engine().reader().load(key, ReadContext.ANY, page).block(PATIENCE);
  }
}
