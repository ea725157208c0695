package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.json.Json;
import io.heddle.session.Message;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BoundaryTest {

  /**
   * A letter a message: u a user's, a an answer, A a longer one, 1 to 9 a call of that id, and the
   * same in brackets its output.
   */
  private static List<Message> thread(String form) {
    List<Message> thread = new ArrayList<>();
    for (int i = 0; i < form.length(); i++) {
      char c = form.charAt(i);
      String body;
      switch (c) {
        case 'u' -> body = "{\"role\":\"user\",\"content\":\"u\"}";
        case 'a' -> body = "{\"role\":\"assistant\",\"content\":\"a\"}";
        case 'A' -> body = "{\"role\":\"assistant\",\"content\":\"" + "A".repeat(20_000) + "\"}";
        case '(' -> {
          body =
              "{\"role\":\"tool\",\"content\":\"\",\"toolCallId\":\"" + form.charAt(i + 1) + "\"}";
          i += 2;
        }
        default ->
            body =
                "{\"role\":\"assistant\",\"content\":null,\"toolCalls\":[{\"id\":\""
                    + c
                    + "\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}";
      }
      thread.add(new Message("m" + thread.size(), thread.size() + 1, Instant.EPOCH, Json.of(body)));
    }
    return thread;
  }

  @ParameterizedTest
  @CsvSource({
    // The last exchange is kept, or nothing.
    "uaua,4,4",
    "uaua,2,2",
    "uaua,0,0",
    // Not an answer without its near question.
    "uaua,3,2",
    "uAuA,3,2",
    "ua,1,0",
    // A loop is not divided between a call and its outputs, and keeps its question.
    "uau1(1)a,5,2",
    "uau1(1)a,4,2",
    "uau12(1)(2),5,2",
    "uau1(1)2(2),5,2",
    // Where the question is far, at a step of the loop.
    "uauA1(1)2(2),7,6",
    // A call that is still to be answered is kept; one that nobody will answer is not.
    "uau1,4,2",
    "uau1u,5,5",
    "uau12(1),5,2",
    // Models that number calls from 0 in each answer.
    "u1(1)au1(1)a,8,8",
    "u1(1)au1(1)a,6,4",
    // Outputs before their call.
    "uaua(1)u1a,6,2",
    // Instructions only.
    "'',0,0"
  })
  void itIsDividedWhereNothingIsTorn(String form, int most, int before) {
    assertThat(new Boundary(thread(form)).before(most, 0)).isEqualTo(before);
  }

  @Test
  void whatFitsBeforeItIsKeptToo() {
    List<Message> thread = thread("uauauA");
    assertThat(new Boundary(thread).before(6, 0)).isEqualTo(6);
    assertThat(new Boundary(thread).before(4, 20)).isEqualTo(4);
    assertThat(new Boundary(thread).before(4, 80)).isEqualTo(2);
    assertThat(new Boundary(thread).before(4, 1000)).isEqualTo(0);
  }

  @Test
  void noOutputIsTornFromItsCall() {
    Random random = new Random(7);
    for (int n = 0; n < 3000; n++) {
      StringBuilder form = new StringBuilder();
      String[] bits = {"u", "a", "A", "1", "2", "(1)", "(2)", "1(1)", "12(2)(1)"};
      for (int i = random.nextInt(12); i >= 0; i--) {
        form.append(bits[random.nextInt(bits.length)]);
      }
      List<Message> thread = thread(form.toString());
      int most = random.nextInt(thread.size() + 1);
      int at = new Boundary(thread).before(most, random.nextInt(2000));
      assertThat(at).as("%s", form).isBetween(0, most);
      Set<String> before = new HashSet<>();
      for (Message message : thread.subList(0, at)) {
        MessageShape shape = MessageShape.of(message.body());
        before.addAll(shape.calls());
        if (shape.answers() != null) {
          before.remove(shape.answers());
        }
      }
      Set<String> called = new HashSet<>();
      for (Message message : thread.subList(at, thread.size())) {
        MessageShape shape = MessageShape.of(message.body());
        called.addAll(shape.calls());
        if (shape.answers() != null && !called.contains(shape.answers())) {
          assertThat(before).as("%s at %d", form, at).doesNotContain(shape.answers());
        }
      }
    }
  }
}
