package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.json.Json;
import io.heddle.session.NewMessage;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionProperties;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class RequestBodiesTest {

  private static final String OK = "'role':'user','content':'x'";

  private final RequestBodies bodies = new RequestBodies(properties());

  static SessionProperties properties() {
    return new Binder(new MapConfigurationPropertySource())
        .bindOrCreate("heddle.session", SessionProperties.class);
  }

  // ---- what is taken, and in what form

  @Test
  void aMessageIsWrittenOnOneLineInAFixedOrder() {
    assertThat(one("{ 'content' :\n 'hi' ,\t'role' : 'user' }"))
        .isEqualTo(json("{'role':'user','content':'hi','status':'completed'}"));
  }

  @Test
  void everyMemberHasItsPlace() {
    assertThat(
            one(
                "{'metadata':{'b':1,'a':[]},'toolCallId':'c1','toolCalls':[{'id':'c1'}],"
                    + "'status':'incomplete','name':'n','content':[{'text':'t','type':'text'}],"
                    + "'role':'assistant'}"))
        .isEqualTo(
            json(
                "{'role':'assistant','content':[{'text':'t','type':'text'}],'name':'n',"
                    + "'status':'incomplete','toolCalls':[{'id':'c1'}],'toolCallId':'c1',"
                    + "'metadata':{'b':1,'a':[]}}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "-0",
        "1.0",
        "1e2",
        "1E+400",
        "12345678901234567890123456789",
        "0.1000",
        "-1.5e-9"
      })
  void numbersStayAsTheyWereWritten(String number) {
    assertThat(one("{" + OK + ",'metadata':{'n':" + number + "}}"))
        .contains(json("'metadata':{'n':" + number + "}"));
  }

  @Test
  void emptyContainersAndLiteralsStay() {
    assertThat(one("{'role':'user','content':[{'type':'x','a':[],'b':{},'c':[null,true,false]}]}"))
        .contains(json("[{'type':'x','a':[],'b':{},'c':[null,true,false]}]"));
  }

  @Test
  void stringsKeepTheirCharacters() {
    String text = "\\u00e9 \\ud83d\\ude00 \\\" \\\\ \\/ \\n \\t \\u0001 é 😀";
    assertThat(one("{'role':'user','content':'" + text + "'}"))
        .contains("\"é 😀 \\\" \\\\ / \\n \\t \\u0001 é 😀\"");
  }

  @Test
  void aLongTextWithPairsAtEveryBorderOfTheCopyIsWhole() {
    for (int shift = 0; shift < 3; shift++) {
      String text = "a".repeat(1022 + shift) + "😀".repeat(2000) + "\\n";
      assertThat(one("{'role':'user','content':'" + text + "'}"))
          .isEqualTo(json("{'role':'user','content':'" + text + "','status':'completed'}"));
    }
  }

  @Test
  void contentMayBeMissingWithToolCalls() {
    assertThat(one("{'role':'assistant','toolCalls':[{'id':'a'}]}"))
        .isEqualTo(
            json(
                "{'role':'assistant','content':null,'status':'completed','toolCalls':[{'id':'a'}]}"));
    assertThat(one("{'role':'assistant','content':null,'toolCalls':[{}]}"))
        .startsWith(json("{'role':'assistant','content':null,"));
  }

  @Test
  void nullIsTheSameAsNotThere() {
    assertThat(one("{" + OK + ",'name':null,'metadata':null,'status':null,'id':null}"))
        .isEqualTo(json("{'role':'user','content':'x','status':'completed'}"));
  }

  @Test
  void severalMessagesKeepTheirOrderAndIds() {
    List<NewMessage> read =
        messages("{'messages':[{'id':'a1'," + OK + "},{" + OK + "},{" + OK + ",'id':'b:2@x'}]}");
    assertThat(read).extracting(NewMessage::id).containsExactly("a1", null, "b:2@x");
  }

  @Test
  void aSessionBodyIsRead() {
    SessionBody body =
        bodies.session(
            utf8(
                "{'id':'cli_20251108_145739','user':'u','title':'t','metadata':{'k':1.0},"
                    + "'systemPrompt':'s','model':'m','ttlSeconds':60,'messages':[{"
                    + OK
                    + "}],'resume':true}"));
    assertThat(body.id()).isEqualTo("cli_20251108_145739");
    assertThat(body.metadata()).isEqualTo(Json.of("{\"k\":1.0}"));
    assertThat(body.ttl()).isEqualTo(Duration.ofMinutes(1));
    assertThat(body.messages()).hasSize(1);
    assertThat(body.resume()).isTrue();
  }

  @Test
  void aPatchChangesWhatItNames() {
    SessionAttributes before =
        new SessionAttributes(
            "u",
            "t",
            Json.of("{\"a\":1,\"b\":{\"c\":1}}"),
            "s",
            "m",
            SessionAttributes.Status.ACTIVE,
            Duration.ofHours(1));
    SessionAttributes after =
        bodies
            .patch(
                utf8(
                    "{'title':null,'metadata':{'a':null,'b':{'d':2.50}},'status':'complete',"
                        + "'ttlSeconds':null}"))
            .apply(before);
    assertThat(after)
        .isEqualTo(
            new SessionAttributes(
                "u",
                null,
                Json.of("{\"b\":{\"c\":1,\"d\":2.50}}"),
                "s",
                "m",
                SessionAttributes.Status.COMPLETE,
                properties().defaultTtl()));
  }

  @Test
  void aPatchMayNotGrowMetadataOverItsBounds() {
    StringBuilder members = new StringBuilder("{");
    for (int i = 0; i < 64; i++) {
      members.append(i == 0 ? "" : ",").append("\"k").append(i).append("\":0");
    }
    SessionAttributes full =
        new SessionAttributes(
            null,
            null,
            Json.of(members + "}"),
            null,
            null,
            SessionAttributes.Status.ACTIVE,
            Duration.ofHours(1));
    Problem problem = refused(() -> bodies.patch(utf8("{'metadata':{'one more':1}}")).apply(full));
    assertThat(problem.code()).isEqualTo(ProblemCode.INVALID_REQUEST);
    assertThat(problem.members()).containsEntry("field", "metadata").containsEntry("limit", 64);
  }

  @Test
  void aDocumentIsCopiedExactly() {
    assertThat(bodies.document(utf8("{ 'a' : [ 1.0 , { } ] , 'b' : 'x' }")).toString())
        .isEqualTo(json("{'a':[1.0,{}],'b':'x'}"));
  }

  // ---- what is refused

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          {'content':'x'}                                        | invalid-request | role
          {'role':null,'content':'x'}                            | invalid-request | role
          {'role':'robot','content':'x'}                         | invalid-request | role
          {'role':7,'content':'x'}                               | invalid-request | role
          {'role':'user'}                                        | invalid-request | content
          {'role':'user','content':null}                         | invalid-request | content
          {'role':'user','content':7}                            | invalid-request | content
          {'role':'user','content':{'type':'text'}}              | invalid-request | content
          {'role':'user','content':[]}                           | invalid-request | content
          {'role':'user','content':['x']}                        | invalid-request | content[0]
          {'role':'user','content':[{'type':'t'},{'text':'x'}]}  | invalid-request | content[1].type
          {'role':'user','content':[{'type':7}]}                 | invalid-request | content[0].type
          {'role':'user','content':'x','status':'running'}       | invalid-request | status
          {'role':'user','content':'x','name':''}                | invalid-request | name
          {'role':'user','content':'x','name':7}                 | invalid-request | name
          {'role':'user','content':'x','toolCalls':[]}           | invalid-request | toolCalls
          {'role':'user','content':'x','toolCalls':[1]}          | invalid-request | toolCalls[0]
          {'role':'user','content':'x','toolCalls':{}}           | invalid-request | toolCalls
          {'role':'user','content':'x','toolCallId':[]}          | invalid-request | toolCallId
          {'role':'user','content':'x','metadata':[]}            | invalid-request | metadata
          {'role':'user','content':'x','metadata':{'':1}}        | invalid-request | metadata.
          {'role':'user','content':'x','metadata':{'a':1,'a':2}} | invalid-request | metadata.a
          {'role':'user','content':'x','id':'a b'}               | invalid-request | id
          {'role':'user','content':'x','id':'..'}                | invalid-request | id
          {'role':'user','content':'x','id':''}                  | invalid-request | id
          {'role':'user','content':'x','id':'msg_1-0_abcdefgh1234'} | invalid-request | id
          {'role':'user','content':'x','role':'user'}            | invalid-request | role
          {'role':'user','content':'x','seq':1}                  | unknown-field   | seq
          {'role':'user','content':'x','createdAt':'x'}          | unknown-field   | createdAt
          {'role':'user','content':'x','turn':'t'}               | unknown-field   | turn
          {'role':'user','content':'x','messages':[]}            | unknown-field   | messages
          {'messages':[{'role':'user','content':'x','x':1}]}     | unknown-field   | messages[0].x
          {'messages':[{'role':'user','content':'x'}],'x':1}     | unknown-field   | x
          {'messages':[{'role':'user','content':'x'}],'messages':[]} | invalid-request | messages
          {'messages':[]}                                        | invalid-request | messages
          {'messages':{}}                                        | invalid-request | messages
          {'messages':null}                                      | invalid-request | messages
          {'messages':[{'role':'user','content':'x'},{}]}        | invalid-request | messages[1].role
          {'messages':[{'role':'user','content':'x'},7]}         | invalid-request | messages[1]
          {'messages':[{'content':'x'}]}                         | invalid-request | messages[0].role
          {}                                                     | invalid-request | role
          []                                                     | invalid-request | ~~
          7                                                      | invalid-request | ~~
          null                                                   | invalid-request | ~~
          {'role':'user','content':'\\ud800'}                    | invalid-request | content
          {'role':'user','content':'\\udc00\\ud800'}             | invalid-request | content
          {'role':'user','content':'\\u0000'}                    | invalid-request | content
          {'role':'user','content':[{'type':'t','x':{'y':'\\ud800'}}]} | invalid-request | content[0].x.y
          {'role':'user','content':'x','metadata':{'k':'\\u0000'}}     | invalid-request | metadata.k
          {'role':'user','content':'x','name':'\\udfff'}         | invalid-request | name
          {'role':'user','content':'x'                           | invalid-json    | ~~
          {'role':'user','content':'x'}}                         | invalid-json    | ~~
          {'role':'user','content':'x'} {}                       | invalid-json    | ~~
          {'role':'user','content':'x',}                         | invalid-json    | ~~
          {'role':'user' 'content':'x'}                          | invalid-json    | ~~
          {role:'user'}                                          | invalid-json    | ~~
          {'role':'user','content':NaN}                          | invalid-json    | ~~
          {'role':'user','content':'x','metadata':{'n':01}}      | invalid-json    | ~~
          {'role':'user','content':'\\x'}                        | invalid-json    | ~~
          {'role':'user','content':'x'} // comment               | invalid-json    | ~~
          hello                                                  | invalid-json    | ~~
          """)
  void badMessages(String body, String code, String field) {
    assertRefused(() -> messages(body), code, field);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          {'id':'a{b}'}                          | invalid-request | id
          {'id':'a/b'}                           | invalid-request | id
          {'id':'a b'}                           | invalid-request | id
          {'id':''}                              | invalid-request | id
          {'id':'.'}                             | invalid-request | id
          {'id':'..'}                            | invalid-request | id
          {'id':7}                               | invalid-request | id
          {'id':'a','id':'b'}                    | invalid-request | id
          {'user':''}                            | invalid-request | user
          {'user':'a\\nb'}                       | invalid-request | user
          {'user':['u']}                         | invalid-request | user
          {'title':7}                            | invalid-request | title
          {'model':''}                           | invalid-request | model
          {'systemPrompt':{}}                    | invalid-request | systemPrompt
          {'metadata':'x'}                       | invalid-request | metadata
          {'ttlSeconds':0}                       | invalid-request | ttlSeconds
          {'ttlSeconds':-1}                      | invalid-request | ttlSeconds
          {'ttlSeconds':31536000000000}          | invalid-request | ttlSeconds
          {'ttlSeconds':99999999999999999999999} | invalid-request | ttlSeconds
          {'ttlSeconds':315360001}               | invalid-request | ttlSeconds
          {'ttlSeconds':1.5}                     | invalid-request | ttlSeconds
          {'ttlSeconds':1e-3}                     | invalid-request | ttlSeconds
          {'ttlSeconds':'60'}                    | invalid-request | ttlSeconds
          {'ttlSeconds':true}                    | invalid-request | ttlSeconds
          {'messages':{}}                        | invalid-request | messages
          {'messages':[{'role':'x'}]}            | invalid-request | messages[0].role
          {'resume':1}                           | invalid-request | resume
          {'status':'active'}                    | unknown-field   | status
          {'ttl':60}                             | unknown-field   | ttl
          {'title':'\\ud83d'}                    | invalid-request | title
          {'title':'a\\u0000'}                   | invalid-request | title
          []                                     | invalid-request | ~~
          """)
  void badSessions(String body, String code, String field) {
    assertRefused(() -> bodies.session(utf8(body)), code, field);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          {'status':'gone'}        | invalid-request | status
          {'status':null}          | invalid-request | status
          {'user':'other'}         | unknown-field   | user
          {'id':'other'}           | unknown-field   | id
          {'messages':[]}          | unknown-field   | messages
          {'ttlSeconds':0}         | invalid-request | ttlSeconds
          {'title':1}              | invalid-request | title
          {'metadata':[]}          | invalid-request | metadata
          {'title':'a','title':''} | invalid-request | title
          """)
  void badPatches(String body, String code, String field) {
    assertRefused(() -> bodies.patch(utf8(body)), code, field);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          {}                                 | invalid-request | ttlSeconds
          {'ttlSeconds':0}                   | invalid-request | ttlSeconds
          {'ttlSeconds':3601}                | invalid-request | ttlSeconds
          {'ttlSeconds':null}                | invalid-request | ttlSeconds
          {'ttlSeconds':5,'waitSeconds':61}  | invalid-request | waitSeconds
          {'ttlSeconds':5,'waitSeconds':-1}  | invalid-request | waitSeconds
          {'ttlSeconds':5,'label':7}         | invalid-request | label
          {'ttlSeconds':5,'lock':'x'}        | unknown-field   | lock
          """)
  void badLocks(String body, String code, String field) {
    assertRefused(() -> bodies.lock(utf8(body)), code, field);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          []              | invalid-request | ~~
          'x'             | invalid-request | ~~
          null            | invalid-request | ~~
          {'a':1,'a':2}   | invalid-request | a
          {'a':'\\ud800'} | invalid-request | a
          {'a':           | invalid-json    | ~~
          """)
  void badDocuments(String body, String code, String field) {
    assertRefused(() -> bodies.document(utf8(body)), code, field);
  }

  @Test
  void emptyBodies() {
    assertRefused(() -> bodies.messages(new byte[0]), "invalid-json", null);
    assertRefused(() -> bodies.messages(utf8("  \n ")), "invalid-json", null);
    assertThat(bodies.fork(new byte[0])).isEqualTo(ForkBody.NONE);
  }

  @Test
  void brokenJsonTellsThePlace() {
    Problem problem = refused(() -> messages("{'role':'user',\n  'content' 'x'}"));
    assertThat(problem.members()).containsEntry("line", 2).containsKey("column");
  }

  @Test
  void otherEncodingsAreRefused() {
    byte[] utf16 = "{\"role\":\"user\",\"content\":\"x\"}".getBytes(StandardCharsets.UTF_16LE);
    byte[] utf16Be = "{\"role\":\"user\",\"content\":\"x\"}".getBytes(StandardCharsets.UTF_16BE);
    assertRefused(() -> bodies.messages(utf16), "invalid-json", null);
    assertRefused(() -> bodies.messages(utf16Be), "invalid-json", null);
  }

  @Test
  void bytesThatAreNoUtf8AreRefusedByField() {
    byte[][] bad = {
      {(byte) 0xff},
      {(byte) 0xc0, (byte) 0x80},
      {(byte) 0xc1, (byte) 0x81},
      {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
      {(byte) 0xe2, (byte) 0x82},
      {(byte) 0xf5, (byte) 0x80, (byte) 0x80, (byte) 0x80},
      {(byte) 0x80}
    };
    for (byte[] bytes : bad) {
      assertRefused(
          () -> bodies.messages(around("{'role':'user','content':'", bytes, "'}")),
          "invalid-request",
          "content");
      assertRefused(
          () ->
              bodies.messages(
                  around("{'role':'user','content':'x','metadata':{'k':[1,'", bytes, "']}}")),
          "invalid-request",
          "metadata.k[1]");
    }
  }

  @Test
  void deepNestingIsRefused() {
    String deep = "{" + OK + ",'metadata':{'k':" + "[".repeat(62) + "]".repeat(62) + "}}";
    assertThat(messages(deep)).hasSize(1);
    String deeper = "{" + OK + ",'metadata':{'k':" + "[".repeat(63) + "]".repeat(63) + "}}";
    assertRefused(() -> messages(deeper), "invalid-json", null);
    assertThat(refused(() -> messages(deeper)).members()).containsEntry("limit", 64);
    assertRefused(() -> messages("[".repeat(100_000)), "invalid-request", null);
    assertRefused(() -> bodies.document(utf8("{'a':" + "[".repeat(100_000))), "invalid-json", null);
  }

  @Test
  void tooManyMessagesAreRefused() {
    String hundred = ("{" + OK + "},").repeat(99) + "{" + OK + "}";
    assertThat(messages("{'messages':[" + hundred + "]}")).hasSize(100);
    assertRefused(
        () -> messages("{'messages':[" + hundred + ",{" + OK + "}]}"),
        "invalid-request",
        "messages");
  }

  @Test
  void sizesAreBounded() {
    String limit = "x".repeat(1 << 20);
    Problem single = refused(() -> messages("{'role':'user','content':'" + limit + "'}"));
    assertThat(single.code()).isEqualTo(ProblemCode.MESSAGE_TOO_LARGE);
    assertThat(single.members()).containsEntry("field", "content").containsEntry("limit", 1 << 20);
    Problem listed =
        refused(() ->
            messages("{'messages':[{" + OK + "},{'role':'user','content':'" + limit + "'}]}"));
    assertThat(listed.code()).isEqualTo(ProblemCode.MESSAGE_TOO_LARGE);
    assertThat(listed.members()).containsEntry("field", "messages[1]");

    assertRefused(
        () -> messages("{" + OK + ",'name':'" + "n".repeat(257) + "'}"), "invalid-request", "name");
    assertRefused(
        () -> messages("{" + OK + ",'metadata':{'k':'" + "v".repeat(16 << 10) + "'}}"),
        "invalid-request",
        "metadata");
    assertRefused(
        () -> messages("{" + OK + ",'metadata':{'" + "k".repeat(129) + "':1}}"),
        "invalid-request",
        "metadata." + "k".repeat(129));
    assertRefused(
        () -> bodies.session(utf8("{'id':'" + "a".repeat(129) + "'}")), "invalid-request", "id");
    assertRefused(
        () -> bodies.session(utf8("{'user':'" + "a".repeat(257) + "'}")),
        "invalid-request",
        "user");
    assertRefused(
        () -> bodies.session(utf8("{'title':'" + "a".repeat(1025) + "'}")),
        "invalid-request",
        "title");
    assertRefused(
        () -> bodies.session(utf8("{'systemPrompt':'" + "a".repeat((64 << 10) + 1) + "'}")),
        "invalid-request",
        "systemPrompt");
  }

  @Test
  void metadataHasSixtyFourMembersAtMost() {
    StringBuilder members = new StringBuilder();
    for (int i = 0; i < 65; i++) {
      members.append(i == 0 ? "" : ",").append("'k").append(i).append("':0");
    }
    assertRefused(
        () -> messages("{" + OK + ",'metadata':{" + members + "}}"), "invalid-request", "metadata");
  }

  /** It said "metadata The field is there twice". */
  @Test
  void aFieldThatIsThereTwiceIsNamedOnce() {
    assertThat(refused(() -> messages("{" + OK + ",'metadata':{},'metadata':{}}")).detail())
        .isEqualTo("metadata is there twice");
  }

  // ---- helpers

  private String one(String body) {
    List<NewMessage> read = messages(body);
    assertThat(read).hasSize(1);
    return read.getFirst().body().toString();
  }

  private List<NewMessage> messages(String body) {
    return bodies.messages(utf8(body));
  }

  private static void assertRefused(ThrowingCallable read, String code, @Nullable String field) {
    Problem problem = refused(read);
    assertThat(problem.code().code()).as(problem.detail()).isEqualTo(code);
    if (field == null || field.isEmpty()) {
      assertThat(problem.members()).doesNotContainKey("field");
    } else {
      assertThat(problem.members()).containsEntry("field", field);
    }
  }

  private static Problem refused(ThrowingCallable read) {
    ProblemException thrown = catchThrowableOfType(ProblemException.class, read);
    assertThat(thrown).as("a refusal").isNotNull();
    return thrown.problem();
  }

  /** Single quotes stand for double ones. */
  private static String json(String text) {
    return text.replace('\'', '"');
  }

  private static byte[] utf8(String text) {
    return json(text).getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] around(String before, byte[] bytes, String after) {
    byte[] head = utf8(before);
    byte[] tail = utf8(after);
    byte[] all = new byte[head.length + bytes.length + tail.length];
    System.arraycopy(head, 0, all, 0, head.length);
    System.arraycopy(bytes, 0, all, head.length, bytes.length);
    System.arraycopy(tail, 0, all, head.length + bytes.length, tail.length);
    return all;
  }
}
