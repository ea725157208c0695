package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.Tenant;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Each script by itself: what it answers, what it leaves in Redis, and that a refusal leaves
 * nothing. One test a script, named after it; {@link #everyScriptHasItsTest} holds that.
 */
abstract class ScriptContract extends ScriptSuite {

  @Test
  void everyScriptHasItsTest() {
    List<String> tests =
        Stream.of(ScriptContract.class, TurnScriptContract.class)
            .flatMap(contract -> Arrays.stream(contract.getDeclaredMethods()))
            .filter(method -> method.isAnnotationPresent(Test.class))
            .map(method -> method.getName().toLowerCase(Locale.ROOT))
            .toList();
    // They are RedisRateLimiterIT's, RedisTokensIT's, RedisUsageIT's and RedisAnswersIT's.
    EnumSet<RedisScript> others =
        EnumSet.of(
            RedisScript.LIMIT,
            RedisScript.LIMIT_MANY,
            RedisScript.LIMIT_RETURN,
            RedisScript.LIMIT_RESERVE,
            RedisScript.LIMIT_SETTLE,
            RedisScript.USAGE,
            RedisScript.ANSWER,
            RedisScript.ANSWER_PUT,
            RedisScript.ANSWER_REMOVE,
            RedisScript.ANSWER_CLAIM,
            RedisScript.ANSWER_RELEASE);
    for (RedisScript script : EnumSet.complementOf(others)) {
      assertThat(tests).contains(script.name().toLowerCase(Locale.ROOT).replace("_", ""));
    }
  }

  @Test
  void create() {
    ScriptReply made = create("tagtag01", 60, "own");
    assertThat(made.kind()).isEqualTo(ScriptReply.DONE);
    assertThat(made.number(1)).isEqualTo(1);
    assertThat(made.number(2)).isEqualTo(1);
    assertThat(made.number(4)).isEqualTo(BODY.length());
    assertThat(made.number(5) - made.number(6)).isEqualTo(60_000);

    assertThat(hash(keys.session())).containsEntry("d", DESCRIPTION);
    assertThat(stored().owner()).isEqualTo("ann");
    assertThat(stored().position()).isEqualTo(new Position(1, "tagtag01"));
    assertThat(stored().expiresAt()).isEqualTo(made.number(5));
    assertThat(hash(keys.clientIds())).containsEntry("own", "1-0");
    for (byte[] key : List.of(keys.session(), keys.thread(), keys.clientIds(), keys.changes())) {
      // Two days after the session's own end: rubbish collection only.
      assertThat(this.<Long>ask(redis -> redis.pttl(key)))
          .isBetween(60_000L + 172_790_000L, 60_000L + 172_800_000L);
    }
    assertThat(this.<Double>ask(redis -> redis.zscore(keys.due(), ascii("x:" + session.path()))))
        .isEqualTo((double) made.number(5));

    assertThat(create("tagtag02", 60, "").text(1)).isEqualTo("session-exists");
    assertThat(stored().position().tag()).isEqualTo("tagtag01");
  }

  @Test
  void append() {
    create("tagtag01", 60, "");
    ScriptReply first = append("tagtag02", "", "mine");
    assertThat(first.kind()).isEqualTo(ScriptReply.DONE);
    assertThat(first.number(1)).isEqualTo(2);
    assertThat(first.number(2)).isEqualTo(3);
    assertThat(first.number(3)).isEqualTo(3);
    assertThat(first.number(8)).as("keys live long enough").isZero();
    assertThat(entries(keys.thread())).containsExactly("1-0", "2-0", "2-1");
    String seq = hash(keys.partition()).get("seq");

    assertThat(append("tagtag03", "mine").text(1)).isEqualTo("message-exists");
    token = "1-nobody";
    assertThat(append("tagtag03", "").text(1)).isEqualTo("stale-fence");
    token = "";
    owner = "bob";
    assertThat(append("tagtag03", "").text(1)).isEqualTo("session-not-found");
    owner = "ann";
    positions = " 1-tagtag01 ";
    assertThat(append("tagtag03", "").text(1)).isEqualTo("version-conflict");
    positions = " 1-tagtag01 2-tagtag02 ";
    assertThat(hash(keys.partition())).as("refusals change nothing").containsEntry("seq", seq);
    assertThat(append("tagtag03", "").kind()).isEqualTo(ScriptReply.DONE);
    assertThat(hash(keys.partition())).containsEntry("seq", Long.toString(Long.parseLong(seq) + 1));
  }

  /** A script that declares a key which does not exist is refused while a Cluster slot moves. */
  @Test
  void appendFindsEveryKeyItDeclares() {
    create("tagtag01", 60, "");
    cut("all", "");
    for (byte[] key : List.of(keys.session(), keys.partition(), keys.thread(), keys.clientIds())) {
      assertThat(this.<Long>ask(redis -> redis.exists(key))).isEqualTo(1);
    }
  }

  @Test
  void update() {
    create("tagtag01", 3600, "");
    ScriptReply done =
        run(
            RedisScript.UPDATE,
            with(keys.session(), keys.partition(), keys.changes(), keys.due()),
            common("tagtag02", DESCRIPTION, "10", "c", "{\"type\":\"session.updated\"}", ""));
    assertThat(done.number(1)).isEqualTo(2);
    assertThat(done.number(5) - done.number(6)).isEqualTo(10_000);
    assertThat(this.<Double>ask(redis -> redis.zscore(keys.due(), ascii("x:" + session.path()))))
        .as("due is never after the truth")
        .isEqualTo((double) done.number(5));
    assertThat(append("tagtag03", "").text(1)).isEqualTo("session-complete");
  }

  @Test
  void state() {
    create("tagtag01", 60, "");
    for (int i = 1; i <= 5; i++) {
      assertThat(state("tagtag1" + i, "{\"n\":" + i + "}", "", "").kind())
          .isEqualTo(ScriptReply.DONE);
    }
    assertThat(entries(keys.checkpoints()))
        .as("three are kept")
        .containsExactly("4-0", "5-0", "6-0");
    assertThat(hash(keys.state())).containsEntry("d", "{\"n\":5}").containsEntry("b", "21");
    assertThat(state("tagtag21", "", "4", "tagtag13").number(1)).isEqualTo(7);
    assertThat(hash(keys.state())).containsEntry("d", "{\"n\":3}");
    assertThat(state("tagtag22", "", "5", "another1").text(1)).isEqualTo("checkpoint-not-found");
    assertThat(this.<Long>ask(redis -> redis.pttl(keys.state()))).isPositive();
    assertThat(this.<Long>ask(redis -> redis.pttl(keys.checkpoints()))).isPositive();
  }

  @Test
  void stateRead() {
    create("tagtag01", 60, "");
    assertThat(stateRead("state", "", "").list(3).size()).isZero();
    assertThat(stateRead("one", "", "").text(1)).isEqualTo("checkpoint-not-found");
    state("tagtag02", "{\"n\":1}", "", "");
    state("tagtag03", "{\"n\":2}", "", "");
    assertThat(stateRead("state", "", "").list(3).list(0).list(1).text(5)).isEqualTo("{\"n\":2}");
    assertThat(stateRead("one", "2", "tagtag02").list(3).list(0).text(0)).isEqualTo("2-0");
    assertThat(stateRead("page", "3", "10").list(3).size()).isEqualTo(1);
  }

  @Test
  void cut() {
    create("tagtag01", 60, "");
    append("tagtag02", "", "own", "");
    assertThat(cut("one", "own").number(3)).isEqualTo(3);
    assertThat(cut("one", "own").text(1)).isEqualTo("message-not-found");
    ScriptReply after = cut("after", "2-0");
    assertThat(after.number(3)).isEqualTo(2);
    assertThat(after.number(2)).as("numbers are not used again").isEqualTo(4);
    assertThat(after.number(4)).isEqualTo(2L * BODY.length());
    assertThat(cut("all", "").number(4)).isZero();
    assertThat(entries(keys.thread())).isEmpty();
    assertThat(hash(keys.clientIds())).containsOnlyKeys("~");
    assertThat(this.<Long>ask(redis -> redis.pttl(keys.clientIds()))).isPositive();
    for (int i = 0; i < 300; i++) {
      append("tagtag03", "id" + i);
      cut("one", "id" + i);
    }
    assertThat(hash(keys.clientIds()))
        .as("256 places of messages that went, and how many there were")
        .hasSize(257)
        .containsEntry("~", "300")
        .doesNotContainKey("id299");
  }

  @Test
  void delete() {
    create("tagtag01", 60, "own");
    state("tagtag02", "{}", "", "");
    ScriptReply done = end(RedisScript.DELETE, "tagtag03");
    assertThat(done.number(1)).isEqualTo(3);
    assertThat(done.text(9)).isEqualTo("ann");
    assertThat(hash(keys.session()))
        .containsOnly(
            Map.entry("v", "3"),
            Map.entry("t", "tagtag03"),
            Map.entry("g", "deleted"),
            Map.entry("u", "ann"));
    assertThat(this.<Long>ask(redis -> redis.pttl(keys.session())))
        .isBetween(86_390_000L, 86_400_000L);
    for (byte[] key :
        List.of(
            keys.thread(), keys.clientIds(), keys.changes(), keys.state(), keys.checkpoints())) {
      assertThat(this.<Long>ask(redis -> redis.exists(key))).isZero();
    }
    assertThat(end(RedisScript.DELETE, "tagtag04").text(10)).isEqualTo("tagtag03");
    assertThat(append("tagtag05", "").text(1)).isEqualTo("session-deleted");
    assertThat(create("tagtag06", 60, "").number(1)).as("versions go on").isEqualTo(4);
    assertThat(hash(keys.session())).doesNotContainKey("g");
  }

  @Test
  void expire() {
    create("tagtag01", 60, "");
    ask(redis -> redis.zadd(keys.due(), 1, ascii("x:" + session.path())));
    assertThat(end(RedisScript.EXPIRE, "tagtag02").text(1)).isEqualTo("version-conflict");
    assertThat(this.<Double>ask(redis -> redis.zscore(keys.due(), ascii("x:" + session.path()))))
        .as("a due time that was too early is moved to the truth")
        .isEqualTo((double) stored().expiresAt());

    change(EXPIRES_AT, "1");
    assertThat(append("tagtag03", "").text(1)).isEqualTo("session-expired");
    assertThat(create("tagtag03", 60, "").kind()).isEqualTo(ScriptReply.SWEEP_FIRST);
    assertThat(end(RedisScript.EXPIRE, "tagtag04").number(1)).isEqualTo(2);
    assertThat(hash(keys.session())).containsEntry("g", "expired");
    assertThat(end(RedisScript.EXPIRE, "tagtag05").text(1)).isEqualTo("session-not-found");
  }

  @Test
  void fill() {
    build();
    assertThat(fill("builder", "own").number(2)).isEqualTo(1);
    assertThat(fill("builder", "").number(2)).isEqualTo(2);
    assertThat(entries(keys.thread())).containsExactly("1-0", "1-1");
    assertThat(fill("another", "").text(1)).isEqualTo("session-not-found");
    assertThat(append("tagtag02", "").text(1)).isEqualTo("session-not-found");
    assertThat(create("tagtag03", 60, "").text(1)).isEqualTo("session-exists");

    ask(redis -> redis.hset(keys.session(), Map.of(ascii("n"), ascii("1"))));
    assertThat(create("tagtag04", 60, "").kind()).isEqualTo(ScriptReply.SWEEP_FIRST);
    assertThat(end(RedisScript.EXPIRE, "tagtag05").kind()).isEqualTo(ScriptReply.DONE);
    assertThat(this.<Long>ask(redis -> redis.exists(keys.session()))).isZero();
    assertThat(this.<Long>ask(redis -> redis.exists(keys.thread()))).isZero();
  }

  @Test
  void open() {
    create("tagtag01", 60, "");
    end(RedisScript.DELETE, "tagtag02");
    build();
    fill("builder", "");
    ScriptReply opened =
        run(
            RedisScript.OPEN,
            with(keys.session(), keys.partition(), keys.changes(), keys.due()),
            common("unused00", "builder", "{\"type\":\"session.created\"}"));
    assertThat(opened.number(1)).isEqualTo(3);
    assertThat(opened.text(10)).as("the building's tag").isEqualTo("buildtag");
    assertThat(hash(keys.session())).doesNotContainKeys("x", "xp", "n", "xv", "xt", "xg", "xu");
    assertThat(entries(keys.changes())).containsExactly("3-0");
    assertThat(append("tagtag03", "").number(1)).isEqualTo(4);
  }

  /** What a write could not move itself; what it does by itself is KeysLifeIT's. */
  @Test
  void keep() {
    create("tagtag01", 60, "");
    change(KEYS_UNTIL, "1");
    byte[][] every = {
      keys.session(),
      keys.thread(),
      keys.clientIds(),
      keys.changes(),
      keys.state(),
      keys.checkpoints()
    };
    assertThat(run(RedisScript.KEEP, every, List.of()).kind()).isEqualTo(1);
    assertThat(stored().keysUntil()).isEqualTo(stored().expiresAt() + 172_800_000);
    assertThat(append("tagtag03", "").number(8)).isZero();
  }

  @Test
  void due() {
    // Stand-ins of this test's own: other tests' sessions are in the partition's.
    byte[] times = keys.turnLog("due");
    byte[] none = keys.turnLog("none");
    long now = System.currentTimeMillis();
    ask(redis -> redis.zadd(times, (double) now - 2000, ascii("second")));
    ask(redis -> redis.zadd(times, (double) now - 3000, ascii("first")));
    ask(redis -> redis.zadd(times, (double) now - 1000, ascii("third")));
    ask(redis -> redis.zadd(times, (double) now + 60_000, ascii("later")));

    ScriptReply found = run(RedisScript.DUE, with(none, times), List.of("2"));
    assertThat(found.size()).isEqualTo(2);
    assertThat(found.list(0).size()).isZero();
    assertThat(found.list(1).size()).isEqualTo(2);
    assertThat(found.list(1).text(0)).isEqualTo("first");
    assertThat(found.list(1).text(1)).isEqualTo("second");
    assertThat(run(RedisScript.DUE, with(times), List.of("9")).list(0).size()).isEqualTo(3);
  }

  @Test
  void putOff() {
    byte[] times = keys.turnLog("due");
    long now = System.currentTimeMillis();
    ask(redis -> redis.zadd(times, (double) now - 2000, ascii("fails")));
    ask(redis -> redis.zadd(times, (double) now - 2000, ascii("nothing")));
    ask(redis -> redis.zadd(times, (double) now + 60_000, ascii("moved")));

    assertThat(run(RedisScript.PUT_OFF, one(times), List.of("fails", "5000")).number(0))
        .isEqualTo(1);
    assertThat(this.<Double>ask(redis -> redis.zscore(times, ascii("fails"))))
        .isBetween(now + 4000.0, now + 60_000.0);
    assertThat(run(RedisScript.PUT_OFF, one(times), List.of("nothing", "")).number(0)).isEqualTo(1);
    assertThat(this.<Double>ask(redis -> redis.zscore(times, ascii("nothing")))).isNull();
    assertThat(run(RedisScript.PUT_OFF, one(times), List.of("moved", "")).number(0)).isZero();
    assertThat(this.<Double>ask(redis -> redis.zscore(times, ascii("moved"))))
        .isEqualTo(now + 60_000.0);
    assertThat(run(RedisScript.PUT_OFF, one(times), List.of("none", "5000")).number(0)).isZero();
  }

  @Test
  void seqs() {
    create("tagtag01", 60, "");
    String seq = hash(keys.partition()).get("seq");
    ScriptReply found =
        run(RedisScript.SEQS, with(keys.turnLog("none"), keys.partition()), List.of());
    assertThat(found.size()).isEqualTo(2);
    assertThat(found.text(0)).isEqualTo("0");
    assertThat(Long.parseLong(found.text(1))).isGreaterThanOrEqualTo(Long.parseLong(seq));
  }

  @Test
  void probe() {
    Map<String, String> before = hash(RedisKeys.SCHEMA);
    assertThat(run(RedisScript.PROBE, one(RedisKeys.SCHEMA), List.of()).number(0)).isZero();
    assertThat(hash(RedisKeys.SCHEMA)).isEqualTo(before).isNotEmpty();
    byte[] missing = keys.turnLog("none");
    assertThat(run(RedisScript.PROBE, one(missing), List.of()).number(0)).isZero();
    assertThat(this.<Long>ask(redis -> redis.exists(missing))).isZero();
  }

  @Test
  void cutCopy() {
    create("tagtag01", 60, "first");
    append("tagtag02", "", "own", "");
    append("tagtag03", "later");
    ScriptReply asked = cutAfter("2-1", "0", "", 0, 0);
    assertThat(asked.number(0)).as("more than is deleted one by one").isEqualTo(4);
    assertThat(asked.text(1)).isEqualTo("2-1");
    String source = asked.text(2);
    assertThat(stored().position().version()).as("nothing is done").isEqualTo(3);

    ScriptReply one = copy(source, "2-1", "", "2", "1000000");
    assertThat(one.text(1)).isEqualTo("2-0");
    assertThat(one.number(2)).isEqualTo(2);
    ScriptReply two = copy(source, "2-1", "2-0", "2", "1");
    assertThat(two.text(1)).isEqualTo("2-1");
    assertThat(two.number(3))
        .as("the first one comes whatever its size")
        .isEqualTo("own".length() + BODY.length());
    assertThat(entries(keys.thread())).hasSize(5);
    assertThat(this.<Long>ask(redis -> redis.pttl(keys.threadCopy("cutcut01")))).isPositive();
    assertThat(this.<Long>ask(redis -> redis.pttl(keys.clientIdsCopy("cutcut01")))).isPositive();
    append("tagtag04", "after");
    assertThat(cutAfter("2-1", "0", source, 2, 1).number(0)).as("not whole").isEqualTo(4);

    ScriptReply done = cutAfter("2-1", "0", source, 3, 3 * BODY.length());
    assertThat(done.kind()).isEqualTo(ScriptReply.DONE);
    assertThat(done.number(1)).isEqualTo(5);
    assertThat(done.number(3)).isEqualTo(3);
    assertThat(done.number(4)).isEqualTo(3L * BODY.length());
    assertThat(entries(keys.thread())).containsExactly("1-0", "2-0", "2-1");
    assertThat(hash(keys.clientIds()))
        .containsOnlyKeys("~", "first", "own", "~0", "~1")
        .containsEntry("~0", "3-0 later")
        .containsEntry("~1", "4-0 after");
    for (byte[] key : List.of(keys.thread(), keys.clientIds())) {
      assertThat(this.<Long>ask(redis -> redis.pttl(key))).isGreaterThan(172_000_000L);
    }
    assertThat(append("tagtag06", "after").kind()).isEqualTo(ScriptReply.DONE);

    source = cutAfter("1-0", "0", "", 0, 0).text(2);
    copy(source, "1-0", "", "9", "1000000");
    cut("one", "own");
    assertThat(cutAfter("1-0", "0", source, 1, BODY.length()).number(0))
        .as("a message was deleted since")
        .isEqualTo(4);
    assertThat(copy(source, "1-0", "", "9", "1000000").text(1)).isEqualTo("version-conflict");
  }

  private ScriptReply copy(String source, String place, String last, String most, String bytes) {
    byte[][] all = {
      keys.session(), keys.thread(), keys.threadCopy("cutcut01"), keys.clientIdsCopy("cutcut01")
    };
    return run(RedisScript.CUT_COPY, all, List.of(source, place, last, most, bytes, "60000"));
  }

  private ScriptReply cutAfter(
      String place, String most, String source, long messages, long bytes) {
    String tag = "tagtag0" + place.split("-", 2)[0];
    byte[][] all = {
      keys.session(), keys.partition(), keys.thread(), keys.clientIds(), keys.changes()
    };
    if (!source.isEmpty()) {
      all = Arrays.copyOf(all, 7);
      all[5] = keys.threadCopy("cutcut01");
      all[6] = keys.clientIdsCopy("cutcut01");
    }
    List<String> args =
        common(
            "tagtag0" + (stored().position().version() + 1),
            "after",
            place,
            tag,
            "x",
            "{}",
            most,
            "1000000",
            source,
            Long.toString(messages),
            Long.toString(bytes));
    return run(RedisScript.CUT, with(all), args);
  }

  @Test
  void load() {
    create("tagtag01", 60, "");
    append("tagtag02", "own", "");
    assertThat(entryIds(load("10", "", "", "", ""))).containsExactly("1-0", "2-0", "2-1");
    assertThat(entryIds(load("1", "1", "", "", ""))).containsExactly("2-1");
    assertThat(entryIds(load("10", "", "1-0", "tagtag01", "x"))).containsExactly("2-0", "2-1");
    assertThat(entryIds(load("10", "", "", "", "own"))).containsExactly("2-1");
    assertThat(load("10", "", "", "", "unknown").text(1)).isEqualTo("invalid-cursor");
    assertThat(load("10", "", "9-0", "tagtag01", "x").text(1)).isEqualTo("invalid-cursor");
    assertThat(load("10", "", "1-0", "another1", "x").text(1)).isEqualTo("invalid-cursor");
    cut("one", "own");
    assertThat(entryIds(load("10", "", "", "", "own")))
        .as("a cursor whose message is gone goes on from its place")
        .containsExactly("2-1");
  }

  @Test
  void log() {
    assertThat(log("", "1").text(1)).isEqualTo("session-not-found");
    create("tagtag01", 60, "");
    append("tagtag02", "", "own");
    state("tagtag03", "{}", "", "");
    append("tagtag04", "");

    ScriptReply all = log("ann", "1");
    assertThat(all.list(2).text(1)).isEqualTo(DESCRIPTION);
    assertThat(all.text(3)).as("the tag of where it goes on from").isEqualTo("tagtag01");
    assertThat(places(all.list(4))).containsExactly("2-0", "2-1", "4-0");
    assertThat(all.list(5).size()).isZero();
    assertThat(places(all.list(6))).containsExactly("3-0");
    assertThat(log("", "2").text(3)).isEqualTo("tagtag02");
    assertThat(log("", "3").text(3)).isEqualTo("tagtag03");
    assertThat(log("", "9").textOrNull(3)).isNull();
    assertThat(log("bob", "1").text(1)).isEqualTo("session-not-found");

    ScriptReply one = log("", "1", "1", "1000000");
    assertThat(places(one.list(4))).as("no version is torn").containsExactly("2-0", "2-1");
    assertThat(places(one.list(5))).as("what follows").containsExactly("4-0");
    ScriptReply torn = log("", "1", "9", "1");
    assertThat(places(torn.list(4))).as("bounded inside of a version").containsExactly("2-0");
    assertThat(torn.number(8)).isEqualTo(1);
    ScriptReply rest = log("", "1", "9", "1", "2-0");
    assertThat(places(rest.list(4))).as("the rest of that version").containsExactly("2-1");
    assertThat(places(rest.list(5))).containsExactly("4-0");
    assertThat(rest.number(8)).isZero();
    String body = Integer.toString(BODY.length() * 3 / 2);
    append("tagtag05", "", "");
    ScriptReply bounded = log("", "3", "9", body);
    assertThat(places(bounded.list(4))).as("the next one is not begun").containsExactly("4-0");
    assertThat(places(bounded.list(5))).containsExactly("5-0");
    assertThat(bounded.number(8)).isZero();

    ScriptReply other =
        run(
            RedisScript.LOG,
            new byte[][] {keys.session(), keys.thread(), keys.changes()},
            List.of("", "2", "another1", "100", "1000000", ""));
    assertThat(other.text(3)).as("its tag here").isEqualTo("tagtag02");
    assertThat(other.list(4).size()).as("of another history nothing is read").isZero();

    end(RedisScript.DELETE, "tagtag06");
    ScriptReply gone = log("ann", "1");
    assertThat(gone.number(1)).isEqualTo(6);
    assertThat(gone.text(2)).isEqualTo("tagtag06");
    assertThat(gone.text(3)).isEqualTo("deleted");
    assertThat(log("bob", "1").text(1)).isEqualTo("session-not-found");
  }

  @Test
  void message() {
    create("tagtag01", 60, "own");
    assertThat(entryIds(message("", "", "own"))).containsExactly("1-0");
    assertThat(entryIds(message("1-0", "tagtag01", "x"))).containsExactly("1-0");
    assertThat(message("1-0", "another1", "x").text(1)).isEqualTo("message-not-found");
    assertThat(message("", "", "~").text(1)).isEqualTo("message-not-found");
  }

  @Test
  void recordFind() {
    record = "digest1";
    create("tagtag01", 60, "");
    assertThat(find("body", "").text(1)).isEqualTo("1-tagtag01 -");
    assertThat(find("other", "").text(1)).isEqualTo("key-reused");
    assertThat(create("tagtag02", 60, "").kind()).isEqualTo(ScriptReply.REPLAYED);
    assertThat(this.<Long>ask(redis -> redis.pttl(keys.record(record))))
        .isBetween(86_390_000L, 86_400_000L);

    record = "digest2";
    assertThat(find("body", "op1").kind()).isEqualTo(1);
    assertThat(find("body", "op2").text(1)).isEqualTo("key-in-progress");
    assertThat(append("tagtag03", "").text(1)).isEqualTo("key-in-progress");
    operation = "op1";
    assertThat(append("tagtag03", "").kind()).isEqualTo(ScriptReply.DONE);
    assertThat(find("body", "").kind()).isEqualTo(ScriptReply.REPLAYED);
  }

  @Test
  void recordDrop() {
    record = "digest1";
    find("body", "op1");
    assertThat(drop("op2").kind()).isZero();
    assertThat(drop("op1").kind()).isEqualTo(1);
    assertThat(find("body", "").kind()).isEqualTo(1);
  }

  @Test
  void lock() {
    assertThat(lock("5000").text(1)).isEqualTo("session-not-found");
    create("tagtag01", 1, "");
    ScriptReply held = lock("30000");
    assertThat(held.number(2)).isEqualTo(1);
    assertThat(held.number(3) - held.number(4)).isEqualTo(30_000);
    assertThat(stored().expiresAt())
        .as("the session outlives its lock")
        .isEqualTo(held.number(3) + 10_000);
    assertThat(lock("30000").text(1)).isEqualTo("session-locked");
    assertThat(append("tagtag02", "").text(1)).isEqualTo("session-locked");
    token = held.text(1);
    assertThat(append("tagtag02", "").kind()).isEqualTo(ScriptReply.DONE);

    change(STATUS, "a/1/" + token);
    assertThat(append("tagtag03", "").text(1)).as("its time is over").isEqualTo("stale-fence");
    assertThat(word(STATUS)).as("for ever").isEqualTo("a");
    assertThat(hash(keys.session())).doesNotContainKeys("o", "y");
  }

  @Test
  void renew() {
    create("tagtag01", 60, "");
    String mine = lock("5000").text(1);
    ScriptReply renewed = run(RedisScript.RENEW, one(keys.session()), List.of("", mine, "9000"));
    assertThat(renewed.number(3) - renewed.number(4)).isEqualTo(9_000);
    assertThat(renewed.text(5)).isEqualTo("label");
    assertThat(run(RedisScript.RENEW, one(keys.session()), List.of("", "1-x", "9000")).text(1))
        .isEqualTo("stale-fence");
  }

  @Test
  void release() {
    create("tagtag01", 60, "");
    String mine = lock("5000").text(1);
    assertThat(release("1-x").text(1)).isEqualTo("stale-fence");
    assertThat(told()).isZero();
    assertThat(release(mine).kind()).isEqualTo(1);
    assertThat(told()).as("those who wait are told").isEqualTo(1);
    assertThat(lock("5000").number(2)).as("the fence grows").isEqualTo(2);
    assertThat(release("").kind()).isEqualTo(1);
    assertThat(told()).isEqualTo(2);
    assertThat(word(STATUS)).isEqualTo("a");
    assertThat(release("").kind()).as("nobody holds it").isEqualTo(1);
    change(STATUS, "a/1/2-x");
    assertThat(release("").kind()).as("its time is over").isEqualTo(1);
    assertThat(told()).isEqualTo(2);
  }

  private long told() {
    return ask(redis -> redis.llen(ascii(keys.liveChannel(0))));
  }

  @Test
  void holder() {
    create("tagtag01", 60, "");
    assertThat(run(RedisScript.HOLDER, one(keys.session()), List.of("")).size()).isEqualTo(1);
    lock("5000");
    ScriptReply held = run(RedisScript.HOLDER, one(keys.session()), List.of("ann"));
    assertThat(held.text(3)).isEqualTo("c");
    assertThat(run(RedisScript.HOLDER, one(keys.session()), List.of("bob")).text(1))
        .isEqualTo("session-not-found");
  }

  @Test
  void claim() {
    create("tagtag01", 60, "");
    byte[][] both = {keys.session(), ascii(keys.lock())};
    assertThat(run(RedisScript.CLAIM, both, List.of("", "uuid:1", "r")).text(1))
        .as("not the one that Redisson's lock names")
        .isEqualTo("stale-fence");
    ask(redis -> redis.hset(ascii(keys.lock()), Map.of(ascii("uuid:1"), ascii("1"))));
    ask(redis -> redis.pexpire(ascii(keys.lock()), 5000));
    ScriptReply claimed = run(RedisScript.CLAIM, both, List.of("", "uuid:1", "r"));
    assertThat(claimed.text(1)).isEqualTo("1-r");
    assertThat(claimed.number(3) - claimed.number(4)).isBetween(1L, 5_000L);
    assertThat(append("tagtag02", "").text(1)).isEqualTo("session-locked");
    assertThat(run(RedisScript.CLAIM, both, List.of("", "uuid:1", "r")).text(1))
        .as("an update's claim is replaced")
        .isEqualTo("2-r");
    release("");
    assertThat(told()).as("an update's end is not told").isZero();
    lock("5000");
    assertThat(run(RedisScript.CLAIM, both, List.of("", "uuid:1", "r")).text(1))
        .as("a client's is not")
        .isEqualTo("session-locked");
  }

  @Test
  void unlock() {
    byte[][] lock = one(ascii(keys.lock()));
    List<String> mine = List.of("0", "uuid:1", "PUBLISH", keys.liveChannel(0));
    assertThat(run(RedisScript.UNLOCK, lock, mine).textOrNull(0)).as("nobody's").isNull();
    ask(redis -> redis.hset(ascii(keys.lock()), Map.of(ascii("uuid:2"), ascii("1"))));
    assertThat(run(RedisScript.UNLOCK, lock, mine).textOrNull(0)).as("another's").isNull();
    ask(redis -> redis.del(lock));
    ask(redis -> redis.hset(ascii(keys.lock()), Map.of(ascii("uuid:1"), ascii("1"))));
    assertThat(run(RedisScript.UNLOCK, lock, mine).number(0)).isEqualTo(1);
    assertThat(this.<Long>ask(redis -> redis.exists(lock))).isZero();
  }

  @Test
  void piece() {
    create("tagtag01", 60, "own");
    assertThat(run(RedisScript.PIECE, one(keys.clientIds()), List.of("HGET", "own")).text(0))
        .isEqualTo("1-0");
    assertThat(run(RedisScript.PIECE, one(keys.clientIds()), List.of("HGET", "none")).textOrNull(0))
        .isNull();
  }

  @Test
  void current() {
    byte[][] user = one(RedisKeys.userState(Tenant.DEFAULT, session.id()));
    assertThat(run(RedisScript.CURRENT, user, List.of("", "a")).text(0)).isEqualTo("a");
    assertThat(run(RedisScript.CURRENT, user, List.of("", "b")).text(0)).isEqualTo("a");
    assertThat(run(RedisScript.CURRENT, user, List.of("a", "b")).text(0)).isEqualTo("b");
  }

  @Test
  void forget() {
    byte[] sessions = RedisKeys.userSessions(Tenant.DEFAULT, session.id());
    byte[] state = RedisKeys.userState(Tenant.DEFAULT, session.id());
    ask(redis -> redis.zadd(sessions, 1, ascii("a")));
    run(RedisScript.CURRENT, one(state), List.of("", "a"));
    byte[][] both = {sessions, state};
    assertThat(run(RedisScript.FORGET, both, List.of("b")).kind()).isZero();
    assertThat(run(RedisScript.FORGET, both, List.of("a", "b")).kind()).isEqualTo(1);
    assertThat(this.<Long>ask(redis -> redis.exists(state))).isZero();
  }

  @Test
  void schema() {
    byte[][] key = one(ascii("heddle:schema-test:" + session.id()));
    assertThat(run(RedisScript.SCHEMA, key, List.of("layout", "1")).text(0)).isEqualTo("1");
    assertThat(run(RedisScript.SCHEMA, key, List.of("layout", "2", "more", "x")).text(0))
        .isEqualTo("1");
    ask(redis -> redis.del(key[0]));
  }
}
