package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.live.Frame;
import io.heddle.session.Message;
import io.heddle.session.Turn;
import io.heddle.turn.ModelEvent;
import io.heddle.turn.TurnEvent;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TurnAnswersTest {

  private static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "s");
  private static final String ID = "trn_0123456789abcdef_s";
  private static final Instant AT = Instant.parse("2026-11-25T16:00:00Z");
  private static final Message MESSAGE =
      new Message("msg_1", 2, AT, Json.of("{\"role\":\"assistant\",\"content\":\"hi\"}"));
  private static final String MESSAGE_JSON =
      "{'id':'msg_1','seq':2,'role':'assistant','content':'hi',"
          + "'createdAt':'2026-11-25T16:00:00.000Z'}";

  static Turn turn(Turn.Status status, Turn.Cancel cancel, @Nullable String end, int position) {
    boolean started = status != Turn.Status.QUEUED;
    return new Turn(
        KEY,
        ID,
        status,
        started ? 1 : 0,
        "asked",
        AT,
        started ? AT : null,
        status.isEnd() ? AT : null,
        null,
        cancel,
        started ? List.of("msg_0") : List.of(),
        status.isEnd() ? List.of("msg_1") : List.of(),
        Json.EMPTY_OBJECT,
        end == null ? null : Json.of(end.replace('\'', '"')),
        position);
  }

  private static String text(byte[] json) {
    return new String(json, StandardCharsets.UTF_8).replace('"', '\'');
  }

  private static String frame(TurnEvent event, String type, @Nullable String id) {
    Frame frame = TurnAnswers.frame(KEY, ID, event, 7);
    assertThat(frame.type()).isEqualTo(type);
    assertThat(frame.eventId()).isEqualTo(id);
    String text = text(frame.utf8());
    String head = "{'type':'" + type + "','session':'s','turn':'" + ID + "'";
    assertThat(text).startsWith(head);
    return text.substring(head.length());
  }

  // ---- objects

  @Test
  void aWaitingTurn() {
    assertThat(text(TurnAnswers.one(turn(Turn.Status.QUEUED, Turn.Cancel.NONE, null, 3))))
        .isEqualTo(
            "{'id':'"
                + ID
                + "','session':'s','status':'queued','model':'asked',"
                + "'createdAt':'2026-11-25T16:00:00.000Z','input':[],'output':[],"
                + "'queuePosition':3}");
  }

  /** The model is told once: two members of one name are two different answers to two clients. */
  @Test
  void anEndedTurnHasTheMembersOfItsEnd() {
    Turn ended =
        turn(
            Turn.Status.COMPLETED,
            Turn.Cancel.NONE,
            "{'usage':{'totalTokens':3},'finishReason':'stop','model':'real'}",
            0);
    assertThat(text(TurnAnswers.ended(new TurnEvent.Ended(ended, List.of(MESSAGE)))))
        .isEqualTo(
            "{'id':'"
                + ID
                + "','session':'s','status':'completed',"
                + "'createdAt':'2026-11-25T16:00:00.000Z','startedAt':'2026-11-25T16:00:00.000Z',"
                + "'endedAt':'2026-11-25T16:00:00.000Z','input':['msg_0'],'output':['msg_1'],"
                + "'usage':{'totalTokens':3},'finishReason':'stop','model':'real','messages':["
                + MESSAGE_JSON
                + "]}");
  }

  @Test
  void anEndWithoutAModelLeavesTheOneThatWasAskedFor() {
    String json =
        text(
            TurnAnswers.one(
                turn(
                    Turn.Status.FAILED,
                    Turn.Cancel.NONE,
                    "{'error':{'code':'model-timeout','detail':'late'}}",
                    0)));
    assertThat(json).contains("'model':'asked'").endsWith("'detail':'late'}}");
  }

  @Test
  void aListOfTurns() {
    assertThat(text(TurnAnswers.list(List.of()))).isEqualTo("{'data':[]}");
    Turn one = turn(Turn.Status.RUNNING, Turn.Cancel.NONE, null, 0);
    assertThat(text(TurnAnswers.list(List.of(one, one))))
        .startsWith("{'data':[{'id':'" + ID)
        .contains("]},{'id':'")
        .endsWith("]}]}");
  }

  // ---- events

  @Test
  void whatIsNotInTheLogHasNoId() {
    assertThat(frame(new TurnEvent.Queued(2), "turn.queued", null))
        .isEqualTo(",'queuePosition':2}");
    assertThat(
            frame(
                new TurnEvent.Started(turn(Turn.Status.RUNNING, Turn.Cancel.NONE, null, 0)),
                "turn.started",
                null))
        .isEqualTo(",'model':'asked','input':['msg_0']}");
  }

  @Test
  void bitsHaveTheirSeqAsId() {
    assertThat(frame(new TurnEvent.Delta(7, new ModelEvent.Text("a\n")), "turn.delta", "7"))
        .isEqualTo(",'seq':7,'text':'a\\n'}");
    assertThat(frame(new TurnEvent.Delta(8, new ModelEvent.Reasoning("hm")), "turn.reasoning", "8"))
        .isEqualTo(",'seq':8,'text':'hm'}");
    assertThat(frame(new TurnEvent.Delta(9, new ModelEvent.Refusal("no")), "turn.refusal", "9"))
        .isEqualTo(",'seq':9,'text':'no'}");
    assertThat(
            frame(
                new TurnEvent.Delta(10, new ModelEvent.ToolCall(1, "call_1", "f", "{")),
                "turn.toolCall",
                "10"))
        .isEqualTo(",'seq':10,'index':1,'id':'call_1','name':'f','arguments':'{'}");
    assertThat(
            frame(
                new TurnEvent.Delta(11, new ModelEvent.ToolCall(1, null, null, "}")),
                "turn.toolCall",
                "11"))
        .isEqualTo(",'seq':11,'index':1,'arguments':'}'}");
  }

  @Test
  void whatWasSaidSoFar() {
    assertThat(
            frame(
                new TurnEvent.SoFar(5, new TurnEvent.Said("so far", "", "", List.of())),
                "turn.text",
                "5"))
        .isEqualTo(",'seq':5,'text':'so far'}");
    assertThat(
            frame(
                new TurnEvent.SoFar(
                    6,
                    new TurnEvent.Said(
                        "", "hm", "no", List.of(new ModelEvent.ToolCall(0, "c", "f", "{}")))),
                "turn.text",
                "6"))
        .isEqualTo(
            ",'seq':6,'text':'','reasoning':'hm','refusal':'no',"
                + "'toolCalls':[{'index':0,'id':'c','name':'f','arguments':'{}'}]}");
  }

  @Test
  void theEndHasWhatItSavedAndRemoved() {
    Turn ended = turn(Turn.Status.INCOMPLETE, Turn.Cancel.NONE, "{'finishReason':'length'}", 0);
    assertThat(frame(new TurnEvent.Ended(ended, List.of(MESSAGE)), "turn.incomplete", "8"))
        .isEqualTo(",'removed':[],'finishReason':'length','messages':[" + MESSAGE_JSON + "]}");
  }

  @Test
  void aTurnThatWasRolledBackHasRemovedItsInput() {
    Turn ended = turn(Turn.Status.CANCELLED, Turn.Cancel.NONE, "{'finishReason':'rolled_back'}", 0);
    assertThat(frame(new TurnEvent.Ended(ended, List.of()), "turn.cancelled", "8"))
        .isEqualTo(",'removed':['msg_0'],'finishReason':'rolled_back','messages':[]}");
  }

  // ---- ids

  @ParameterizedTest
  @ValueSource(
      strings = {
        "trn_0123456789abcdef_other",
        "trn_0123456789abcdef_",
        "trn_0123456789abcde_s",
        "trn_0123456789ABCDEF_s",
        "msg_1-0_k3jd82ma0000",
        "s",
        "ü"
      })
  void aTurnOfNoOrAnotherSessionIsNotFound(String id) {
    ProblemException refusal =
        catchThrowableOfType(ProblemException.class, () -> TurnAnswers.check(KEY, id));
    assertThat(refusal.problem().code()).isEqualTo(ProblemCode.TURN_NOT_FOUND);
  }

  @Test
  void aTurnOfTheSessionIsLookedFor() {
    assertThatCode(() -> TurnAnswers.check(KEY, ID)).doesNotThrowAnyException();
  }
}
