package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.session.OnBusy;
import io.heddle.web.RequestHeaders;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.HttpHeaders;

/** What asks for a turn, over HTTP and over a socket. */
class TurnBodyTest {

  private final RequestBodies bodies = new RequestBodies(RequestBodiesTest.properties());

  private TurnBody turn(String body) {
    return bodies.turn(utf8(body));
  }

  private static byte[] utf8(String text) {
    return json(text).getBytes(StandardCharsets.UTF_8);
  }

  private static String json(String text) {
    return text.replace('\'', '"');
  }

  private Problem refused(String body) {
    return catchThrowableOfType(ProblemException.class, () -> turn(body)).problem();
  }

  // ---- what is taken

  @Test
  void contentIsOneMessageOfTheUser() {
    TurnBody read = turn("{'content':'hi'}");
    assertThat(read.input()).hasSize(1);
    assertThat(read.input().getFirst().id()).isNull();
    assertThat(read.input().getFirst().body())
        .hasToString(json("{'role':'user','content':'hi','status':'completed'}"));
    assertThat(read.onBusy()).isEqualTo(OnBusy.ENQUEUE);
    assertThat(read.stream()).isFalse();
    assertThat(read.model()).isNull();
    assertThat(read.parameters()).hasToString("{}");
  }

  @Test
  void contentMayBeParts() {
    assertThat(turn("{'content':[{'text':'t','type':'text'}]}").input().getFirst().body())
        .hasToString(
            json("{'role':'user','content':[{'text':'t','type':'text'}],'status':'completed'}"));
  }

  @Test
  void messagesAreTakenAsAnAppendTakesThem() {
    TurnBody read =
        turn(
            "{'messages':[{'id':'a','role':'system','content':'s'},{'role':'tool','content':'4',"
                + "'toolCallId':'c'}]}");
    assertThat(read.input()).hasSize(2);
    assertThat(read.input().getFirst().id()).isEqualTo("a");
    assertThat(read.input().getLast().body())
        .hasToString(json("{'role':'tool','content':'4','status':'completed','toolCallId':'c'}"));
  }

  @Test
  void noMessagesAskForAnAnswerToTheThreadAsItIs() {
    assertThat(turn("{'messages':[]}").input()).isEmpty();
  }

  @Test
  void parametersStayAsTheyWereWritten() {
    TurnBody read =
        turn(
            "{'content':'x','model':'m','stream':true,'onBusy':'interrupt','parameters':"
                + "{ 'temperature' : 1.0, 'big':12345678901234567890, 'tools':[{'model':'x'}],"
                + " 'stop':[] }}");
    assertThat(read.parameters())
        .hasToString(
            json(
                "{'temperature':1.0,'big':12345678901234567890,'tools':[{'model':'x'}],'stop':[]}"));
    assertThat(read.model()).isEqualTo("m");
    assertThat(read.stream()).isTrue();
    assertThat(read.onBusy()).isEqualTo(OnBusy.INTERRUPT);
  }

  @Test
  void nullIsTheSameAsNotThere() {
    TurnBody read = turn("{'content':'x','model':null,'parameters':null,'onBusy':null}");
    assertThat(read.model()).isNull();
    assertThat(read.parameters()).hasToString("{}");
    assertThat(read.onBusy()).isEqualTo(OnBusy.ENQUEUE);
  }

  // ---- what is refused

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}|content",
        "{'stream':true}|content",
        "{'content':null}|content",
        "{'content':7}|content",
        "{'content':[]}|content",
        "{'content':[{}]}|content[0].type",
        "{'content':'a','messages':[]}|messages",
        "{'messages':[],'content':'a'}|content",
        "{'messages':{}}|messages",
        "{'messages':[{}]}|messages[0].role",
        "{'messages':[{'role':'user'}]}|messages[0].content",
        "{'content':'a','content':'b'}|content",
        "{'content':'a','model':''}|model",
        "{'content':'a','model':7}|model",
        "{'content':'a','stream':'yes'}|stream",
        "{'content':'a','stream':null}|stream",
        "{'content':'a','onBusy':'wait'}|onBusy",
        "{'content':'a','onBusy':1}|onBusy",
        "{'content':'a','parameters':[]}|parameters",
        "{'content':'a','parameters':{'x':1,'x':2}}|parameters.x",
        "{'content':'a','parameters':{'model':'m'}}|parameters.model",
        "{'content':'a','parameters':{'messages':[]}}|parameters.messages",
        "{'content':'a','parameters':{'stream':true}}|parameters.stream",
        "{'content':'a','parameters':{'stream_options':{}}}|parameters.stream_options",
        "{'content':'a','parameters':{'n':2}}|parameters.n"
      })
  void whatIsWrongIsNamed(String body, String field) {
    Problem problem = refused(body);
    assertThat(problem.code()).isEqualTo(ProblemCode.INVALID_REQUEST);
    assertThat(problem.members()).containsEntry("field", field);
  }

  @ParameterizedTest
  @ValueSource(strings = {"temperature", "messages2", "instructions", "id", "role"})
  void unknownFieldsAreRefusedByName(String name) {
    Problem problem = refused("{'content':'a','" + name + "':1}");
    assertThat(problem.code()).isEqualTo(ProblemCode.UNKNOWN_FIELD);
    assertThat(problem.members()).containsEntry("field", name);
  }

  @Test
  void parametersAreBoundInTheirNesting() {
    String deep = "[".repeat(100) + "]".repeat(100);
    assertThat(refused("{'content':'a','parameters':{'x':" + deep + "}}").code())
        .isEqualTo(ProblemCode.INVALID_JSON);
  }

  @Test
  void contentThatIsTooLargeIsNamed() {
    Problem problem = refused("{'content':'" + "x".repeat(1 << 20) + "'}");
    assertThat(problem.code()).isEqualTo(ProblemCode.MESSAGE_TOO_LARGE);
    assertThat(problem.members()).containsEntry("field", "content");
  }

  // ---- headers

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "max-age=60|60",
        "Max-Age=60, foo=bar|60",
        "private , max-age=5|5",
        "max-age=99999999999999999999|2147483647",
        "max-age=0|",
        "no-cache|",
        "max-age=60, no-store|",
        "no-cache, max-age=60|",
        "stale-if-error=3|",
        "max-age=\"60\"|60",
        "MAX-AGE = 60|60",
        "max-age=\"6\\0\"|60",
        "private=\"a, max-age=5\", max-age=7|7",
        "x=\"no-store\", max-age=7|7",
        ",, max-age=7,|7",
        "max-age=007|7",
        "no-cache=\"Set-Cookie\", max-age=60|",
        "max-age=60, NO-STORE|",
        "|"
      })
  void cacheControlSaysHowOldAnAnswerMayBe(String value, Long seconds) {
    HttpHeaders headers = new HttpHeaders();
    if (value != null) {
      headers.add(HttpHeaders.CACHE_CONTROL, value);
    }
    assertThat(RequestHeaders.maxAge(headers))
        .isEqualTo(seconds == null ? null : Duration.ofSeconds(seconds));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "max-age=",
        "max-age=x",
        "max-age=-1",
        "max-age=1.5",
        "max-age",
        "max-age=\"\"",
        "max-age=\"60",
        "max-age=1, max-age=2",
        "max-age=1, Max-Age=1",
        "max-age=6 0",
        "no-store, max-age=x"
      })
  void anAgeThatIsNoneIsRefused(String value) {
    HttpHeaders headers = new HttpHeaders();
    headers.add(HttpHeaders.CACHE_CONTROL, value);
    ProblemException refusal =
        catchThrowableOfType(ProblemException.class, () -> RequestHeaders.maxAge(headers));
    assertThat(refusal.problem().members()).containsEntry("field", "Cache-Control");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "respond-async|true",
        "Respond-Async|true",
        "wait=10, respond-async|true",
        "return=minimal|false",
        "respond-asynchronously|false"
      })
  void respondAsyncIsAPreferenceAmongOthers(String value, boolean async) {
    HttpHeaders headers = new HttpHeaders();
    headers.add("Prefer", value);
    assertThat(RequestHeaders.prefersAsync(headers)).isEqualTo(async);
  }

  // ---- over a socket

  private SocketRequest socket(String text) {
    return bodies.socketRequest(utf8(text));
  }

  @Test
  void aTurnOverASocket() {
    SocketRequest.Turn turn =
        (SocketRequest.Turn)
            socket(
                "{'type':'turn','session':'s','ref':'1','content':'hi','model':'m','onBusy':"
                    + "'reject','parameters':{'temperature':0},'key':'k','ifMatch':'7-k3jd82ma',"
                    + "'lock':'l','create':true,'wait':3}");
    assertThat(turn.session()).isEqualTo("s");
    assertThat(turn.ref()).isEqualTo("1");
    assertThat(turn.input()).hasSize(1);
    assertThat(turn.model()).isEqualTo("m");
    assertThat(turn.onBusy()).isEqualTo(OnBusy.REJECT);
    assertThat(turn.parameters()).hasToString(json("{'temperature':0}"));
    assertThat(turn.on().key()).isEqualTo("k");
    assertThat(turn.on().lock()).isEqualTo("l");
    assertThat(turn.on().ifMatch()).hasSize(1);
    assertThat(turn.on().create()).isTrue();
    assertThat(turn.on().waitFor()).isEqualTo(Duration.ofSeconds(3));
    assertThat(socket("{'type':'turn','session':'s','messages':[]}"))
        .isInstanceOf(SocketRequest.Turn.class);
  }

  @Test
  void aCancelOverASocket() {
    assertThat(socket("{'type':'cancel','session':'s','turn':'trn_x'}"))
        .isEqualTo(new SocketRequest.Cancel("s", null, "trn_x"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'type':'turn','session':'s'}|content",
        "{'type':'turn','content':'x'}|session",
        "{'type':'turn','session':'s','content':'x','messages':[]}|messages",
        "{'type':'turn','session':'s','content':'x','stream':true}|stream",
        "{'type':'turn','session':'s','content':'x','turn':'trn_x'}|turn",
        "{'type':'turn','session':'s','message':{'role':'user','content':'x'}}|message",
        "{'type':'cancel','session':'s'}|turn",
        "{'type':'cancel','session':'s','turn':'trn_x','key':'k'}|key",
        "{'type':'append','session':'s','content':'x'}|content",
        "{'type':'append','session':'s','messages':[]}|messages",
        "{'type':'append','session':'s'}|messages",
        "{'type':'watch','session':'s','model':'m'}|model"
      })
  void whatDoesNotBelongToARequestOverASocketIsNamed(String text, String field) {
    ProblemException refusal = catchThrowableOfType(ProblemException.class, () -> socket(text));
    assertThat(refusal.problem().members()).containsEntry("field", field);
  }
}
