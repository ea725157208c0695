package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import io.heddle.testing.RecordedStream;
import io.heddle.turn.ModelCall;
import io.heddle.turn.ModelEvent;
import io.heddle.upstream.Calls.Ended;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What model servers send, however the network cuts it, is one and the same answer. */
class RecordedStreamsTest {

  private static final ModelCall CALL =
      new ModelCall("m", null, List.of(), Json.of("{\"temperature\":1}"), "trn_1");

  private static final int[] SIZES = {1, 2, 3, 7, 61, 1021, Integer.MAX_VALUE};

  static Stream<RecordedStream> streams() {
    return RecordedStream.all().stream();
  }

  @ParameterizedTest
  @MethodSource("streams")
  void isReadAsExpected(RecordedStream stream) {
    for (int size : SIZES) {
      Ended ended =
          StreamReading.read(stream, stream.status(), parts(stream.body(), size), stream.isCut());
      check(stream, ended);
    }
  }

  static List<byte[]> parts(byte[] body, int size) {
    List<byte[]> parts = new ArrayList<>();
    for (int from = 0; from < body.length; from += Math.min(size, body.length)) {
      parts.add(Arrays.copyOfRange(body, from, (int) Math.min(body.length, (long) from + size)));
    }
    return parts;
  }

  private static void check(RecordedStream stream, Ended ended) {
    StringBuilder text = new StringBuilder();
    StringBuilder reasoning = new StringBuilder();
    StringBuilder refusal = new StringBuilder();
    List<RecordedStream.Call> calls = new ArrayList<>();
    ModelEvent.Finish finish = null;
    for (ModelEvent piece : ended.pieces()) {
      assertThat(finish).as("nothing behind the end").isNull();
      switch (piece) {
        case ModelEvent.Text(String more) -> text.append(more);
        case ModelEvent.Reasoning(String more) -> reasoning.append(more);
        case ModelEvent.Refusal(String more) -> refusal.append(more);
        case ModelEvent.ToolCall call -> put(calls, call);
        case ModelEvent.Compaction _ -> throw new AssertionError("no server says that");
        case ModelEvent.Finish end -> finish = end;
      }
    }
    assertThat(text).hasToString(stream.text());
    assertThat(reasoning).hasToString(stream.reasoning());
    assertThat(refusal).hasToString(stream.refusal());
    checkCalls(calls, stream.calls());
    if (stream.finish() == null) {
      assertThat(finish).isNull();
      assertThat(ended.problem()).isNotNull();
      assertThat(ended.problem().code().code()).isEqualTo(stream.problem().path("code").asString());
      assertThat(ended.problem().detail()).contains(stream.problem().path("detail").asString());
      assertThat(ended.problem().members().get("upstreamCode"))
          .isEqualTo(stream.problem().path("upstreamCode").asString(null));
      assertThat(RefusedParameter.named(ended.problem(), CALL).members().get("upstreamParam"))
          .isEqualTo(stream.problem().path("upstreamParam").asString(null));
    } else {
      assertThat(ended.problem()).isNull();
      assertThat(finish).isNotNull();
      assertThat(finish.reason()).isEqualTo(stream.finish());
      assertThat(usage(finish)).isEqualTo(stream.usage());
      if (stream.expected().has("model")) {
        assertThat(finish.model()).isEqualTo(stream.expected().path("model").asString());
      }
    }
  }

  /** Clients take a call's place in the answer from its index. */
  private static void put(List<RecordedStream.Call> calls, ModelEvent.ToolCall bit) {
    if (bit.id() != null) {
      assertThat(bit.index()).isEqualTo(calls.size());
      assertThat(bit.name()).isNotBlank();
      calls.add(new RecordedStream.Call(bit.id(), bit.name(), bit.arguments()));
    } else {
      assertThat(bit.index()).isBetween(0, calls.size() - 1);
      RecordedStream.Call call = calls.get(bit.index());
      calls.set(
          bit.index(),
          new RecordedStream.Call(call.id(), call.name(), call.arguments() + bit.arguments()));
    }
  }

  private static void checkCalls(
      List<RecordedStream.Call> calls, List<RecordedStream.Call> expected) {
    List<RecordedStream.Call> shown = new ArrayList<>();
    Set<String> ids = new HashSet<>();
    for (int i = 0; i < calls.size(); i++) {
      RecordedStream.Call call = calls.get(i);
      assertThat(ids.add(call.id())).as("an id of its own").isTrue();
      boolean made = i < expected.size() && expected.get(i).id().equals("*");
      if (made) {
        assertThat(call.id()).matches("call_[0-9a-f]{24}");
      }
      shown.add(new RecordedStream.Call(made ? "*" : call.id(), call.name(), call.arguments()));
    }
    assertThat(shown).isEqualTo(expected);
  }

  private static List<Long> usage(ModelEvent.Finish finish) {
    return finish.usage() == null
        ? null
        : List.of(
            finish.usage().input(),
            finish.usage().output(),
            finish.usage().cached(),
            finish.usage().reasoning());
  }
}
