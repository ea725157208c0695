package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.api.Http.Reply;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Threads: appended to, paged, cut, forked. */
interface ThreadHttpContract extends HttpCalls {

  @Test
  default void appendAnswersTheMessages() {
    create();
    Reply one = http().post(messages(), MESSAGE).is(201);
    JsonNode json = one.json();
    assertThat(json.path("position").asString()).isEqualTo(one.position());
    JsonNode message = json.path("data").get(0);
    assertThat(message.path("id").asString()).startsWith("msg_2-0_");
    assertThat(message.path("seq").asInt()).isEqualTo(1);
    assertThat(message.path("role").asString()).isEqualTo("user");
    assertThat(message.path("content").asString()).isEqualTo("hi");
    assertThat(message.path("status").asString()).isEqualTo("completed");
    assertThat(Instant.parse(message.path("createdAt").asString()))
        .isBefore(Instant.now().plusSeconds(60));

    Reply more =
        http()
            .post(
                messages(),
                "{'messages':[{'role':'assistant','content':'a'},{'id':'own','role':'user','content':'b'}]}")
            .is(201);
    assertThat(more.json().path("data").valueStream().map(m -> m.path("seq").asInt()))
        .containsExactly(2, 3);
    assertThat(more.json().path("data").get(1).path("id").asString()).isEqualTo("own");
    assertThat(http().get(session()).json().path("version").asInt()).isEqualTo(3);
    assertThat(http().get(messages()).json().path("data").get(0).toString())
        .isEqualTo(message.toString());
  }

  @Test
  default void contentIsKeptAsItCame() {
    create();
    String parts =
        "[{'type':'text','text':'é 😀 \\\" \\\\ \\n \\u2028'},{'type':'image','data':[],"
            + "'n':1.0,'big':12345678901234567890123,'e':1E+400,'o':{},'nul':null,'t':true}]";
    Reply sent =
        http()
            .post(
                messages(),
                "{'role':'assistant','name':'bob','content':"
                    + parts
                    + ",'status':'incomplete','toolCalls':[{'id':'c','x':1.50}],'toolCallId':'c',"
                    + "'metadata':{'a':[1.0]}}")
            .is(201);
    String expected =
        ("'role':'assistant','content':"
                + parts
                + ",'name':'bob','status':'incomplete',"
                + "'toolCalls':[{'id':'c','x':1.50}],'toolCallId':'c','metadata':{'a':[1.0]}")
            .replace('\'', '"')
            .replace("\\u2028", "\u2028");
    assertThat(sent.body()).contains(expected);
    assertThat(http().get(messages()).body()).contains(expected);
    assertThat(http().get(session() + "?messages=1").body()).contains(expected);
  }

  @Test
  default void appendMakesTheSessionWhenAsked() {
    http().post(messages() + "?create=false", MESSAGE).problem(404, "session-not-found", null);
    Reply made = http().post(messages() + "?create=true", MESSAGE, "Heddle-User", user()).is(201);
    assertThat(made.position()).startsWith("1-");
    Reply session = http().get(session()).is(200);
    assertThat(session.text("user")).isEqualTo(user());
    assertThat(session.json().path("messageCount").asInt()).isEqualTo(1);
    http().post(messages() + "?create=true", MESSAGE).is(201);
    assertThat(contents(http().get(messages()))).hasSize(2);
  }

  @Test
  default void pagesGoBothWays() {
    thread(7);
    Reply all = http().get(messages()).is(200);
    assertThat(contents(all)).containsExactly("1", "2", "3", "4", "5", "6", "7");
    assertThat(all.text("session")).isEqualTo(id());
    assertThat(all.text("position")).isEqualTo(all.position());
    assertThat(all.json().path("hasMore").asBoolean()).isFalse();
    assertThat(all.header("Heddle-Cache")).isIn("hit", "miss", "bypass");

    page("limit=3", true, "5", "6", "7");
    page("limit=3&order=asc", true, "1", "2", "3");
    page("limit=3&order=desc", true, "7", "6", "5");
    page("limit=3&after=m3", true, "4", "5", "6");
    page("limit=3&after=m4", false, "5", "6", "7");
    page("limit=3&order=asc&after=m6", false, "7");
    page("limit=3&after=m7", false);
    page("limit=3&before=m4", false, "1", "2", "3");
    page("limit=2&before=m4", true, "2", "3");
    page("limit=2&order=desc&before=m4", true, "3", "2");
    page("limit=3&order=desc&before=m1", false);
    page("limit=2&order=asc&after=m2&before=m6", true, "3", "4");
    page("limit=9&after=m2&before=m4", false, "3");
    page("limit=1000", false, "1", "2", "3", "4", "5", "6", "7");
  }

  private void page(String query, boolean more, String... expected) {
    Reply page = http().get(messages() + "?" + query);
    assertThat(contents(page)).as(query).containsExactly(expected);
    assertThat(page.json().path("hasMore").asBoolean()).as(query).isEqualTo(more);
  }

  @Test
  default void oneMessageIsReadAndDeleted() {
    thread(3);
    Reply one = http().get(messages() + "/m2").is(200);
    assertThat(one.text("content")).isEqualTo("2");
    assertThat(one.position()).isEqualTo(positionNow());
    Reply deleted = http().delete(messages() + "/m2").is(204);
    assertThat(deleted.position()).isEqualTo(positionNow()).startsWith("5-");
    http().get(messages() + "/m2").problem(404, "message-not-found", null);
    http().delete(messages() + "/m2").problem(404, "message-not-found", null);
    JsonNode left = http().get(messages()).json().path("data");
    assertThat(left.valueStream().map(m -> m.path("seq").asInt())).containsExactly(1, 3);
    // A cursor whose message is gone goes on from its place.
    page("after=m2", false, "3");
    page("before=m2", false, "1");
  }

  @Test
  default void threadsAreCutAndCleared() {
    thread(4);
    assertThat(http().delete(messages() + "?after=m2").is(204).position()).startsWith("6-");
    assertThat(contents(http().get(messages()))).containsExactly("1", "2");
    http().delete(messages() + "?after=nobody").problem(404, "message-not-found", null);
    assertThat(http().delete(messages()).is(204).position()).startsWith("7-");
    assertThat(contents(http().get(messages()))).isEmpty();
    assertThat(
            http().post(messages(), MESSAGE).is(201).json().path("data").get(0).path("seq").asInt())
        .isEqualTo(5);
  }

  @Test
  default void clientIdsAreUniqueInASession() {
    thread(1);
    String before = positionNow();
    http()
        .post(messages(), "{'id':'m1','role':'user','content':'x'}")
        .problem(409, "message-exists", null);
    http()
        .post(
            messages(),
            "{'messages':[{'id':'n','role':'user','content':'x'},{'id':'n','role':'user','content':'y'}]}")
        .problem(409, "message-exists", null);
    assertThat(positionNow()).isEqualTo(before);
  }

  @Test
  default void forksTakeTheThreadUpToAMessage() {
    thread(3);
    http().patch(session(), "{'title':'T','metadata':{'k':1}}").is(200);
    String target = id() + "-fork";
    Reply fork = http().post(session() + "/fork", "{'id':'" + target + "','after':'m2'}").is(201);
    assertThat(fork.header("Location")).isEqualTo("/v1/sessions/" + target);
    assertThat(fork.text("title")).isEqualTo("T");
    assertThat(fork.json().path("messageCount").asInt()).isEqualTo(2);
    assertThat(contents(http().get("/v1/sessions/" + target + "/messages")))
        .containsExactly("1", "2");
    http()
        .post(session() + "/fork", "{'id':'" + target + "'}")
        .problem(409, "session-exists", null);
    http().post(session() + "/fork", "{'id':'" + id() + "'}").problem(400, "invalid-request", "id");
    Reply whole = http().post(session() + "/fork", null).is(201);
    assertThat(whole.text("id")).startsWith("ses_");
    assertThat(whole.json().path("messageCount").asInt()).isEqualTo(3);
    assertThat(contents(http().get(messages()))).hasSize(3);
  }
}
