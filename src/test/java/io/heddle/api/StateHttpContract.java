package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.api.Http.Reply;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** State documents and their checkpoints. */
interface StateHttpContract extends HttpCalls {

  @Test
  default void stateIsSavedMergedAndRestored() {
    create();
    String state = session() + "/state";
    Reply none = http().get(state).is(200);
    assertThat(none.body()).isEqualTo("{}");
    assertThat(none.header("Heddle-Checkpoint")).isNull();
    http().get(session() + "/checkpoints/latest").problem(404, "checkpoint-not-found", null);

    Reply first = http().put(state, "{'a':1.0,'b':{'c':[]}}").is(200);
    assertThat(first.body()).isEqualTo("{\"a\":1.0,\"b\":{\"c\":[]}}");
    String checkpoint = first.header("Heddle-Checkpoint");
    assertThat(checkpoint).isEqualTo("cp_" + first.position());
    Reply second =
        http()
            .patch(
                state, "{'a':null,'b':{'d':true}}", "Content-Type", "application/merge-patch+json")
            .is(200);
    assertThat(second.body()).isEqualTo("{\"b\":{\"c\":[],\"d\":true}}");
    assertThat(http().get(state).body()).isEqualTo(second.body());
    assertThat(http().get(state).position()).isEqualTo(second.position());

    JsonNode history = http().get(session() + "/checkpoints?limit=1").is(200).json();
    assertThat(history.path("data").get(0).path("id").asString())
        .isEqualTo(second.header("Heddle-Checkpoint"));
    assertThat(history.path("hasMore").asBoolean()).isTrue();
    assertThat(history.path("position").asString()).isEqualTo(second.position());
    JsonNode older =
        http().get(session() + "/checkpoints?before=" + second.header("Heddle-Checkpoint")).json();
    assertThat(older.path("data").size()).isEqualTo(1);
    assertThat(older.path("data").get(0).path("bytes").asInt()).isEqualTo(first.body().length());
    assertThat(http().get(session() + "/checkpoints/" + checkpoint).is(200).body())
        .isEqualTo(first.body());
    assertThat(http().get(session() + "/checkpoints/latest").is(200).body())
        .isEqualTo(second.body());

    Reply restored =
        http().post(session() + "/checkpoints/" + checkpoint + "/restore", null).is(200);
    assertThat(restored.body()).isEqualTo(first.body());
    assertThat(restored.header("Heddle-Checkpoint")).isEqualTo("cp_" + restored.position());
    assertThat(http().get(state).body()).isEqualTo(first.body());
    assertThat(http().get(session() + "/checkpoints").json().path("data").size()).isEqualTo(3);
    http()
        .post(session() + "/checkpoints/cp_9-abcdefgh/restore", null)
        .problem(404, "checkpoint-not-found", null);
  }
}
