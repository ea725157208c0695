package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ByteBudget;
import io.heddle.base.ProblemCode;
import io.heddle.json.Utf8;
import io.heddle.testing.RecordedStream;
import io.heddle.turn.ModelEvent;
import io.heddle.upstream.Calls.Ended;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;

/**
 * A model server that sends anything at all: never an exception that nobody meant, never more
 * memory than the limits say, never a whole answer out of one that was cut. {@code
 * -Dheddle.it.fuzz.rounds} and {@code -Dheddle.it.fuzz.seed} look further.
 */
class StreamFuzzTest {

  private static final int ROUNDS = Integer.getInteger("heddle.it.fuzz.rounds", 4000);
  private static final long SEED = Long.getLong("heddle.it.fuzz.seed", 20261130);
  private static final int MAX_ANSWER = 64 << 10;

  private static final List<RecordedStream> STREAMS = RecordedStream.all();
  private static final Pattern REASON =
      Pattern.compile("\"(finish|stop)_reason\": ?(\\{\"type\": ?)?(\"[^\"]+\"|true)");

  private static final List<byte[]> WORDS =
      List.of(
              "data: [DONE]\n\n",
              "data: ",
              "\n\n",
              "\r",
              "event: error\n",
              "{",
              "}",
              "[",
              "]",
              "\"",
              "\\",
              "\\ud83e",
              "null",
              "true",
              "-1",
              "1e999",
              "99999999999999999999999999",
              "\"index\":0,",
              "\"id\":\"a\",",
              "\"name\":\"f\",",
              "\"arguments\":\"{}\",",
              "\"message\":{\"content\":\"a\"},",
              "\"delta\":{\"content\":[]},",
              "\"error\":{\"message\":\"x\"},",
              "\"finish_reason\":\"length\",",
              "\"finish_reason\":{},",
              "\"usage\":{\"prompt_tokens\":-1},",
              "{\"error\":",
              "event: message_stop\n",
              "data: {\"type\":\"message_stop\"}\n\n",
              "\"stop_reason\":\"max_tokens\",",
              "\"content_block\":{\"type\":\"tool_use\",\"name\":\"f\",\"input\":[]},",
              "\"type\":\"thinking\",",
              "\"signature\":{},",
              "\"type\":\"response.completed\",",
              "\"output_index\":0,",
              "\"item_id\":\"a\",",
              "\"item\":{\"type\":\"function_call\"},",
              "\"status\":\"completed\",",
              "[".repeat(600),
              "{\"a\":".repeat(600),
              "\ufeff",
              "\0")
          .stream()
          .map(word -> word.getBytes(StandardCharsets.UTF_8))
          .toList();

  @Test
  void whateverIsSentHasATrueEnd() {
    for (int round = 0; round < ROUNDS; round++) {
      Random random = new Random(SEED + round);
      RecordedStream stream = STREAMS.get(random.nextInt(STREAMS.size()));
      byte[] body = stream.body();
      for (int i = random.nextInt(4); i >= 0; i--) {
        body = mutated(body, random);
      }
      int status = random.nextInt(20) == 0 ? 400 : stream.status();
      List<byte[]> parts = RecordedStreamsTest.parts(body, 1 + random.nextInt(1 + body.length));
      try {
        check(StreamReading.read(stream, status, parts, random.nextInt(8) == 0));
      } catch (Exception | AssertionError e) {
        throw new AssertionError(
            "round %d, seed %d, %s: %s"
                .formatted(round, SEED + round, stream, new String(body, StandardCharsets.UTF_8)),
            e);
      }
    }
  }

  private static byte[] mutated(byte[] body, Random random) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int from = random.nextInt(body.length + 1);
    int to = Math.min(body.length, from + random.nextInt(80));
    switch (random.nextInt(7)) {
      // Left out, said twice, changed, put in, cut, of another stream, in another order.
      case 0 -> {
        out.write(body, 0, from);
        out.write(body, to, body.length - to);
      }
      case 1 -> {
        out.write(body, 0, to);
        out.write(body, from, body.length - from);
      }
      case 2 -> {
        byte[] other = body.clone();
        for (int i = from; i < Math.min(to, from + 3); i++) {
          other[i] = (byte) random.nextInt(256);
        }
        out.writeBytes(other);
      }
      case 3 -> {
        out.write(body, 0, from);
        out.writeBytes(WORDS.get(random.nextInt(WORDS.size())));
        out.write(body, from, body.length - from);
      }
      case 4 -> out.write(body, 0, from);
      case 5 -> {
        byte[] other = STREAMS.get(random.nextInt(STREAMS.size())).body();
        int at = random.nextInt(other.length + 1);
        out.write(body, 0, from);
        out.write(other, at, other.length - at);
      }
      default -> {
        List<String> events =
            new ArrayList<>(
                Arrays.asList(new String(body, StandardCharsets.UTF_8).split("(?<=\n\n)")));
        Collections.shuffle(events, random);
        out.writeBytes(String.join("", events).getBytes(StandardCharsets.UTF_8));
      }
    }
    return out.toByteArray();
  }

  private static void check(Ended ended) {
    Set<String> ids = new HashSet<>();
    long length = 0;
    boolean finished = false;
    int calls = 0;
    for (ModelEvent piece : ended.pieces()) {
      assertThat(finished).as("nothing behind the end").isFalse();
      length += piece.length();
      switch (piece) {
        case ModelEvent.Text(String text) -> assertThat(Utf8.canEncode(text)).isTrue();
        case ModelEvent.Reasoning(String text) -> assertThat(Utf8.canEncode(text)).isTrue();
        case ModelEvent.Refusal(String text) -> assertThat(Utf8.canEncode(text)).isTrue();
        case ModelEvent.ToolCall call -> {
          assertThat(Utf8.canEncode(call.arguments())).isTrue();
          if (call.id() == null) {
            assertThat(call.index()).isBetween(0, calls - 1);
          } else {
            assertThat(call.index()).isEqualTo(calls++);
            assertThat(call.name()).isNotBlank();
            assertThat(Utf8.canEncode(call.id() + call.name())).isTrue();
            assertThat(ids.add(call.id())).isTrue();
          }
        }
        case ModelEvent.Compaction _ -> throw new AssertionError("no server says that");
        case ModelEvent.Finish finish -> {
          finished = true;
          assertThat(finish.reason()).isIn("stop", "tool_calls", "length", "content_filter");
        }
      }
    }
    assertThat(length).isLessThan(4 * MAX_ANSWER);
    assertThat(finished).isEqualTo(ended.problem() == null);
    if (ended.problem() != null) {
      assertThat(ended.problem().code()).isNotEqualTo(ProblemCode.INTERNAL);
      assertThat(ended.problem().detail()).doesNotContain("could not be understood");
      assertThat(Utf8.canEncode(ended.problem().detail())).isTrue();
    }
  }

  /** Wherever it is cut: without a reason of its end, or the mark of it, it is no whole answer. */
  @Test
  void anAnswerThatWasCutIsNeverWhole() {
    for (RecordedStream stream : STREAMS) {
      byte[] body = stream.body();
      int step = Math.max(1, body.length / 60);
      for (int end = 0; end < body.length; end += step) {
        byte[] cut = Arrays.copyOf(body, end);
        String text = new String(cut, StandardCharsets.UTF_8);
        boolean isOneObject =
            text.stripLeading().startsWith("{") && !stream.name().contains("lines");
        boolean isSaid = isSaid(stream, text, isOneObject);
        Ended ended = StreamReading.read(stream, stream.status(), List.of(cut), false);
        boolean whole =
            ended.pieces().stream()
                .anyMatch(piece ->
                    piece instanceof ModelEvent.Finish finish
                        && (finish.reason().equals("stop")
                            || finish.reason().equals("tool_calls")));
        boolean isLonger =
            new String(body, StandardCharsets.UTF_8).strip().length() > text.strip().length();
        assertThat(whole && (!isSaid || (isOneObject && isLonger)))
            .as("%s, cut at %d", stream, end)
            .isFalse();
      }
    }
  }

  private static boolean isSaid(RecordedStream stream, String text, boolean isOneObject) {
    if (stream.kind().equals("responses")) {
      return isOneObject || text.contains("response.completed");
    }
    return text.contains("[DONE]")
        || text.contains("message_stop")
        || REASON.matcher(text).results().anyMatch(reason -> !reason.group().contains("null"));
  }

  /** Servers that never come to an end. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "x",
        "data: x\n",
        ": comment\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"xxxxxxxx\"}}]}\n\n",
        "data: {\"choices\":[{\"message\":{\"content\":\"xyxxxxxx\"}}]}\n\n",
        "data:"
            + " {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"xx\"}}]}}]}\n\n",
        "data:"
            + " {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"xx\"}}]}}]}\n\n",
        "data:"
            + " {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}\n\n",
        "data:"
            + " {\"choices\":[{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"function_call\":{\"arguments\":\"x\"}}}]}\n\n",
        "data:"
            + " {\"choices\":[{\"delta\":{\"content\":\"x\",\"reasoning\":\"x\",\"refusal\":\"x\"}}]}\n\n",
        "data:"
            + " {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"x\"},\"z\":\"zz\"}]}}]}\n\n",
        "{\"choices\":[{\"delta\":{\"content\":\"xxxxxxxx\"}}]}\n",
        "data:"
            + " {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"text\":\"xxxxxxxx\"}}\n\n",
        "data:" + " {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\"}}\n\n",
        "data:"
            + " {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\"}}\n\n",
        "data:"
            + " {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"signature\":\"xx\"}}\n\n",
        "data: {\"type\":\"response.output_text.delta\",\"delta\":\"xxxxxxxx\"}\n\n",
        "data: {\"type\":\"response.output_item.added\",\"item\":{\"type\":\"message\"}}\n\n",
        "data:"
            + " {\"type\":\"response.function_call_arguments.delta\",\"delta\":\"xxxxxxxx\"}\n\n",
        "data: {\"type\":\"response.reasoning_summary_text.delta\",\"delta\":\"xxxxxxxx\"}\n\n"
      })
  void whatNeverEndsIsEnded(String again) {
    String kind =
        again.contains("\"type\":\"response.")
            ? "responses"
            : again.contains("content_block") ? "anthropic" : "chat";
    byte[] part = again.repeat(64).getBytes(StandardCharsets.UTF_8);
    long most = 64L << 20;
    AtomicLong sent = new AtomicLong();
    ByteBudget budget = new ByteBudget(1 << 20, 1 << 20, 1 << 20);
    Ended ended =
        StreamReading.read(
            kind,
            200,
            "text/event-stream",
            Flux.<byte[]>generate(sink -> {
              if (sent.addAndGet(part.length) > most) {
                sink.complete();
              } else {
                sink.next(part);
              }
            }),
            false,
            budget);
    // Nothing new is said by these, and no more is kept: the time of the whole answer ends them.
    if (!again.startsWith(":") && !again.contains("\"message\"")) {
      assertThat(sent.get()).as("bytes taken").isLessThan(most);
    }
    assertThat(ended.problem()).isNotNull();
    assertThat(ended.problem().detail()).doesNotContain("could not be understood");
    assertThat(budget.used()).isZero();
  }
}
