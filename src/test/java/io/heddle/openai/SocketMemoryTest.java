package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ByteBudget;
import io.heddle.json.Json;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.Summary;
import java.util.List;
import org.junit.jupiter.api.Test;

class SocketMemoryTest {

  private static final int MOST = 40_000;
  private static final ByteBudget.Holder SOMEBODY = new ByteBudget.Holder("a/b", "10.0.0.1");

  private final ByteBudget all = new ByteBudget(1_600_000, 800_000, 800_000);
  private final SocketMemory.Shared shared = SocketMemory.Shared.of(all);
  private final SocketMemory memory = new SocketMemory(shared, SOMEBODY, MOST);

  private static void keep(SocketMemory memory, String lane, String id, int bytes) {
    memory
        .recall(lane, null)
        .listener(id, List.of(Json.of("\"" + "x".repeat(bytes) + "\"")), List.of())
        .end();
  }

  private SocketMemory.Past past(String id) {
    return memory.recall("", id).past();
  }

  @Test
  void theLastOfEachLaneIsThere() {
    keep(memory, "", "1", 10);
    keep(memory, "a", "2", 10);
    keep(memory, "a", "3", 10);
    assertThat(past("1")).isNotNull();
    assertThat(past("2")).isNull();
    assertThat(past("3")).isNotNull();
    assertThat(past(null)).isNull();
  }

  @Test
  void anAnswerIsRememberedBehindItsThread() {
    SocketMemory.Listener listener =
        memory.recall("", null).listener("1", List.of(Json.of("{\"role\":\"user\"}")), List.of());
    listener.hear(new ModelEvent.Text("He"));
    listener.hear(new ModelEvent.Text("llo"));
    listener.hear(new ModelEvent.Finish("stop", null, null));
    listener.end(true, List.of("msg_1"));
    SocketMemory.Past past = past("1");
    assertThat(past.thread()).hasSize(2);
    assertThat(past.thread().getLast().toString()).contains("\"content\":\"Hello\"");
    assertThat(past.items()).containsExactly("msg_1");
    // A stored thread's turns are its own.
    assertThat(past.stored(List.of()).getLast().body().toString()).doesNotContain("\"turn\"");
    SocketMemory.Listener next = memory.recall("", "1").listener("2", past.thread(), List.of());
    next.end(true, List.of("msg_2"));
    assertThat(past("2").items()).containsExactlyInAnyOrder("msg_1", "msg_2");
  }

  @Test
  void aSummaryIsRememberedBeforeItsAnswer() {
    SocketMemory.Listener listener =
        memory.recall("", null).listener("1", List.of(Json.of("{\"role\":\"user\"}")), List.of());
    Json summary = new Summary(1, 0).body("short");
    listener.hear(new ModelEvent.Compaction("cmp_1", summary));
    listener.hear(new ModelEvent.Text("Hello"));
    listener.hear(new ModelEvent.Finish("stop", null, null));
    listener.end(true, List.of("cmp_1", "msg_1"));
    SocketMemory.Past past = past("1");
    assertThat(past.thread()).hasSize(3);
    assertThat(past.thread().get(1)).isEqualTo(summary);
    assertThat(past.stored(List.of()).get(1).body()).isEqualTo(summary);
  }

  @Test
  void whatThereIsNoRoomForIsForgottenTheOldestFirst() {
    keep(memory, "a", "1", 15_000);
    keep(memory, "b", "2", 15_000);
    keep(memory, "c", "3", 15_000);
    assertThat(past("1")).isNull();
    assertThat(past("2")).isNotNull();
    keep(memory, "d", "4", MOST);
    assertThat(past("4")).as("larger than all").isNull();
    assertThat(all.used()).as("and whatever made room for it is gone").isZero();
  }

  @Test
  void allSocketsTogetherTakeAPartOfTheReplicasBytesOnly() {
    SocketMemory[] sockets = new SocketMemory[100];
    for (int i = 0; i < sockets.length; i++) {
      sockets[i] = new SocketMemory(shared, new ByteBudget.Holder("a/" + i, "10.0.0." + i), MOST);
      keep(sockets[i], "", "1", 30_000);
      assertThat(all.used()).isLessThanOrEqualTo(all.total() / 4);
    }
    assertThat(sockets[0].recall("", "1").past()).isNotNull();
    assertThat(sockets[99].recall("", "1").past()).as("there is no room").isNull();
    for (SocketMemory socket : sockets) {
      socket.close();
    }
    assertThat(all.used()).isZero();
    assertThat(shared.remembered().used()).isZero();
  }

  @Test
  void oneCallersSocketsTakeAShareOnly() {
    for (int i = 0; i < 100; i++) {
      keep(new SocketMemory(shared, SOMEBODY, MOST), "", "1", 30_000);
    }
    assertThat(all.used()).isLessThanOrEqualTo(all.total() / 16);
  }

  @Test
  void whatFailedIsForgottenOnItsOwnLaneOnly() {
    keep(memory, "a", "1", 10);
    memory.forget("b", "1");
    memory.forget("a", "2");
    memory.forget("a", null);
    assertThat(past("1")).isNotNull();
    memory.forget("a", "1");
    assertThat(past("1")).isNull();
    assertThat(all.used()).isZero();
  }

  @Test
  void nothingIsRememberedAfterTheEnd() {
    keep(memory, "a", "1", 10);
    memory.close();
    assertThat(past("1")).isNull();
    keep(memory, "a", "2", 10);
    assertThat(past("2")).isNull();
    assertThat(all.used()).isZero();
  }
}
