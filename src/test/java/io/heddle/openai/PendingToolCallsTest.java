package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Head;
import io.heddle.session.Message;
import io.heddle.session.NewMessage;
import io.heddle.session.Session;
import io.heddle.session.SessionAttributes;
import io.heddle.session.ThreadPage;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PendingToolCallsTest {

  private static final String ASK = "{'role':'user','content':'x'}";
  private static final String CALL =
      "{'role':'assistant','content':null,'toolCalls':[{'id':'a','type':'function','function':{}},"
          + "{'id':'b','type':'function','function':{}}]}";
  private static final String OUTPUT_A = "{'role':'tool','content':'1','toolCallId':'a'}";
  private static final String OUTPUT_B = "{'role':'tool','content':'2','toolCallId':'b'}";
  private static final String ITEM =
      "{'role':'assistant','content':[{'type':'openai.item','item':{'type':'reasoning'}}]}";

  @Test
  void everyCallIsAnsweredBeforeTheNextMessage() {
    assertSound(List.of(ASK, CALL), List.of(OUTPUT_B, OUTPUT_A));
    assertSound(List.of(ASK, CALL, OUTPUT_A), List.of(OUTPUT_B, ASK));
    assertSound(List.of(), List.of(ASK, CALL, OUTPUT_A, OUTPUT_B, ASK));
    // What no model is told of stands in nobody's way.
    assertSound(List.of(ASK, CALL), List.of(ITEM, OUTPUT_A, OUTPUT_B));
    assertThat(refused(List.of(ASK, CALL), List.of(ASK), false))
        .isEqualTo("No tool output found for function call a.");
    assertThat(refused(List.of(ASK, CALL), List.of(OUTPUT_A), false))
        .isEqualTo("No tool output found for function call b.");
  }

  /** Clients with a conversation send the user's message again before what their tools said. */
  @Test
  void whereAnAnswerStandsDoesNotMatter() {
    // It is the question that the calls are for: no second one.
    assertThat(
            bodies(
                PendingToolCalls.check(
                    page(List.of(ASK, CALL), false, null),
                    input(List.of(ASK, OUTPUT_A, OUTPUT_B)))))
        .isEqualTo(bodies(input(List.of(OUTPUT_A, OUTPUT_B))));
    List<NewMessage> after = input(List.of(OUTPUT_A, OUTPUT_B, ASK));
    assertThat(bodies(PendingToolCalls.check(page(List.of(ASK, CALL), false, null), after)))
        .isEqualTo(bodies(after));
    for (List<String> input :
        List.of(
            List.of(ASK, OUTPUT_A, OUTPUT_B),
            List.of(OUTPUT_A, ASK, OUTPUT_B),
            List.of(OUTPUT_B, ASK, ITEM, OUTPUT_A, ASK))) {
      assertSound(List.of(ASK, CALL), input);
      assertSound(List.of(ASK, CALL, ASK), input);
    }
    // In one input an output may stand before its call; it is put where a model is told of it.
    assertThat(bodies(PendingToolCalls.check(input(List.of(ASK, OUTPUT_B, CALL, OUTPUT_A)))))
        .isEqualTo(bodies(input(List.of(ASK, CALL, OUTPUT_B, OUTPUT_A))));
    assertThat(refused(List.of(ASK, CALL), List.of(ASK, OUTPUT_B), false))
        .isEqualTo("No tool output found for function call a.");
  }

  /**
   * A client that goes on from the last response sent the calls again beside what answers them.
   * They stood twice in the thread, the first time without an answer, and the model was told so.
   */
  @Test
  void callsThatAreThereAreNotAddedAgain() {
    String words = "{'role':'assistant','content':'Let me see.'}";
    String both = CALL.replace("null", "'Let me see.'");
    String parts =
        "{'role':'assistant','content':[{'type':'text','text':'Let me see.','annotations':[]}]}";
    String one =
        "{'role':'assistant','content':null,'status':'completed','toolCalls':[{'id':'%s',"
            + "'type':'function','function':{}}]}";
    String a = one.formatted("a");
    String b = one.formatted("b");
    String next = one.formatted("c");
    String output = OUTPUT_A.replace("'a'", "'c'");
    for (List<String> thread : List.of(List.of(ASK, both), List.of(ASK, words, a, b))) {
      for (List<String> again :
          List.of(List.of(ASK, parts, a, b), List.of(ASK, words, CALL), List.of(a, b))) {
        assertThat(added(thread, again, List.of(OUTPUT_A, OUTPUT_B)))
            .isEqualTo(bodies(input(List.of(OUTPUT_A, OUTPUT_B))));
        List<String> later = new ArrayList<>(thread);
        later.addAll(List.of(OUTPUT_A, OUTPUT_B, next));
        assertThat(added(later, again, List.of(OUTPUT_A, OUTPUT_B, next, output)))
            .isEqualTo(bodies(input(List.of(output))));
      }
    }
    // Others than those of the thread are added, and so is what is not only text.
    String other = a.replace("'function':{}", "'function':{'name':'f','arguments':'{}'}");
    assertThat(added(List.of(ASK, a), List.of(ITEM, other), List.of(OUTPUT_A)))
        .isEqualTo(bodies(input(List.of(ITEM, other, OUTPUT_A))));
    // Where no call is open nothing is a step of a loop.
    assertThat(added(List.of(ASK, words), List.of(ASK, words), List.of()))
        .isEqualTo(bodies(input(List.of(ASK, words))));
  }

  private static List<Json> added(List<String> thread, List<String> again, List<String> input) {
    List<String> all = new ArrayList<>(again);
    all.addAll(input);
    return bodies(PendingToolCalls.check(page(thread, false, null), input(all)));
  }

  @Test
  void anOutputThatIsThereIsNotAddedAgain() {
    List<String> thread = List.of(ASK, CALL, OUTPUT_A, OUTPUT_B);
    List<NewMessage> input = input(List.of(ASK, OUTPUT_A, OUTPUT_B));
    assertThat(bodies(PendingToolCalls.check(page(thread, false, null), input)))
        .isEqualTo(bodies(input(List.of(ASK))));
    // Another one takes its place, as after a turn that was cut short.
    String better = OUTPUT_B.replace("'2'", "'3'");
    assertThat(bodies(PendingToolCalls.check(page(thread, false, null), input(List.of(better)))))
        .isEqualTo(bodies(input(List.of(better))));
    // Releases escape control characters in different cases: a thread of one is read by another.
    String stored = OUTPUT_A.replace("'1'", "'\\u001B[31m'");
    String sent = OUTPUT_A.replace("'1'", "'\\u001b[31m'");
    assertThat(
            bodies(
                PendingToolCalls.check(
                    page(List.of(ASK, CALL, stored, OUTPUT_B), false, null),
                    input(List.of(ASK, sent, OUTPUT_B)))))
        .isEqualTo(bodies(input(List.of(ASK))));
    // Some models number their calls from 0 in each answer.
    assertThat(
            bodies(
                PendingToolCalls.check(
                    page(List.of(ASK, CALL, OUTPUT_A, OUTPUT_B, CALL), false, null), input)))
        .isEqualTo(bodies(input(List.of(OUTPUT_A, OUTPUT_B))));
    assertThat(refused(List.of(ASK, CALL, OUTPUT_A, OUTPUT_B, CALL), List.of(OUTPUT_A), false))
        .isEqualTo("No tool output found for function call b.");
  }

  /**
   * Items without an id that were sent twice: the model was told a call without an output, and then
   * another one of the same id, which strict servers refuse.
   */
  @Test
  void aCallThatIsSentTwiceIsOne() {
    String a = call("a", "f");
    String b = call("b", "f");
    String other = call("a", "g");
    assertAdded(List.of(ASK, a, a, OUTPUT_A), List.of(ASK, a, OUTPUT_A));
    assertAdded(
        List.of(ASK, a, b, a, b, OUTPUT_A, OUTPUT_B), List.of(ASK, a, b, OUTPUT_A, OUTPUT_B));
    assertAdded(List.of(ASK, a, a, OUTPUT_A, OUTPUT_A), List.of(ASK, a, OUTPUT_A));
    assertAdded(List.of(ASK, a, ITEM, a, OUTPUT_A), List.of(ASK, a, ITEM, OUTPUT_A));
    // Once it is answered, or when it is another one, it is made anew.
    for (List<String> all :
        List.of(
            List.of(ASK, a, OUTPUT_A, a, OUTPUT_A.replace("'1'", "'3'")),
            List.of(ASK, a, other, OUTPUT_A),
            List.of(ASK, a, a.replace("null", "'I look.'"), OUTPUT_A))) {
      assertAdded(all, all);
    }
  }

  private static String call(String id, String name) {
    return "{'role':'assistant','content':null,'toolCalls':[{'id':'%s','type':'function','function':{'name':'%s','arguments':'{}'}}]}"
        .formatted(id, name);
  }

  private static void assertAdded(List<String> input, List<String> added) {
    assertThat(bodies(PendingToolCalls.check(input(input)))).isEqualTo(bodies(input(added)));
  }

  @Test
  void everyOutputAnswersACall() {
    assertThat(refused(List.of(ASK), List.of(OUTPUT_A), false))
        .isEqualTo("No tool call found for function call output with call_id a.");
    // Its call may stand further up than the page goes.
    assertThatCode(
            () -> PendingToolCalls.check(page(List.of(ASK), true, null), input(List.of(OUTPUT_A))))
        .doesNotThrowAnyException();
  }

  @Test
  void whatARunningTurnWillSayIsNotKnown() {
    assertThatCode(() ->
            PendingToolCalls.check(page(List.of(ASK), false, "trn_1"), input(List.of(OUTPUT_A))))
        .doesNotThrowAnyException();
  }

  private static void assertSound(List<String> thread, List<String> input) {
    assertThatCode(() -> PendingToolCalls.check(page(thread, false, null), input(input)))
        .doesNotThrowAnyException();
  }

  private static String refused(List<String> thread, List<String> input, boolean more) {
    return catchThrowableOfType(
            WireException.class,
            () -> PendingToolCalls.check(page(thread, more, null), input(input)))
        .error()
        .message();
  }

  private static List<Json> bodies(List<NewMessage> messages) {
    return messages.stream().map(NewMessage::body).toList();
  }

  private static List<NewMessage> input(List<String> bodies) {
    return bodies.stream()
        .map(body -> new NewMessage(null, Json.of(body.replace('\'', '"'))))
        .toList();
  }

  private static ThreadPage page(List<String> bodies, boolean more, String activeTurn) {
    List<Message> messages = new ArrayList<>();
    for (String body : bodies) {
      messages.add(
          new Message(
              "m" + messages.size(),
              messages.size(),
              Instant.EPOCH,
              Json.of(body.replace('\'', '"'))));
    }
    SessionAttributes description =
        new SessionAttributes(
            null,
            null,
            Json.EMPTY_OBJECT,
            null,
            null,
            SessionAttributes.Status.ACTIVE,
            Duration.ofHours(1));
    Head head =
        new Head(
            new Position(1, "abcdefgh"),
            1,
            1,
            1,
            Instant.EPOCH,
            Instant.EPOCH,
            Instant.EPOCH,
            activeTurn);
    return new ThreadPage(
        new Session(new SessionKey(Tenant.DEFAULT, "s"), description, head), messages, more, 0);
  }
}
