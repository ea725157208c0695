package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.StoreLimits;
import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;

/** What the tests of scripts share: one session a test, and calls of the scripts for it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class ScriptSuite {

  static final Duration ANSWER = Duration.ofSeconds(10);
  static final String BODY = "{\"role\":\"user\",\"content\":\"hello\"}";
  static final String DESCRIPTION =
      "{\"user\":\"ann\",\"title\":null,\"status\":\"active\",\"metadata\":{},\"ttlSeconds\":60}";
  static final Set<RedisScript> WRITES =
      Set.of(
          RedisScript.APPEND,
          RedisScript.CREATE,
          RedisScript.FILL,
          RedisScript.OPEN,
          RedisScript.UPDATE,
          RedisScript.STATE,
          RedisScript.CUT,
          RedisScript.DELETE,
          RedisScript.EXPIRE);
  static final Set<RedisScript> DESCRIBE =
      Set.of(RedisScript.CREATE, RedisScript.OPEN, RedisScript.UPDATE);
  static final int EXPIRES_AT = 5;
  static final int STATUS = 8;
  static final int KEYS_UNTIL = 9;
  static final AtomicInteger COUNTER = new AtomicInteger();

  EngineFixture fixture;
  SessionKey session;
  RedisKeys keys;
  String owner = "";
  String token = "";
  String positions = "";
  String record = "";
  String operation = "";

  abstract EngineFixture open(StoreLimits limits);

  @BeforeAll
  void openEngine() {
    fixture = open(StoreLimits.DEFAULT);
  }

  @AfterAll
  void closeEngine() {
    fixture.close();
  }

  @BeforeEach
  void freshSession() {
    session =
        new SessionKey(
            Tenant.DEFAULT, "script-" + System.nanoTime() + "-" + COUNTER.incrementAndGet());
    keys = RedisKeys.of(session);
    owner = "";
    token = "";
    positions = "";
    record = "";
    operation = "";
  }

  ScriptReply create(String tag, int ttl, String id) {
    List<String> args =
        common(
            tag,
            "16777216",
            Integer.toString(BODY.length()),
            "ann",
            DESCRIPTION,
            Integer.toString(ttl),
            "a",
            "",
            "{\"type\":\"session.created\"}",
            id,
            BODY);
    return run(RedisScript.CREATE, with(every()), args);
  }

  void build() {
    List<String> args =
        common(
            "buildtag",
            "16777216",
            "0",
            "ann",
            DESCRIPTION,
            "60",
            "a",
            "builder",
            "{\"type\":\"session.created\"}");
    assertThat(run(RedisScript.CREATE, with(every()), args).kind()).isEqualTo(ScriptReply.DONE);
  }

  ScriptReply fill(String build, String id) {
    return run(
        RedisScript.FILL,
        with(keys.session(), keys.partition(), keys.thread(), keys.clientIds()),
        common("unused00", "16777216", Integer.toString(BODY.length()), build, id, BODY, "1000"));
  }

  ScriptReply append(String tag, String... ids) {
    List<String> more = new ArrayList<>();
    more.add("16777216");
    more.add(Integer.toString(ids.length * BODY.length() + String.join("", ids).length()));
    more.add(
        Arrays.stream(ids)
            .map(id -> id.length() + " " + BODY.length() + " ")
            .collect(Collectors.joining("", " +" + ids.length + " ", "")));
    for (String id : ids) {
      more.add(id);
      more.add(BODY);
    }
    return run(
        RedisScript.APPEND,
        with(keys.session(), keys.partition(), keys.thread(), keys.clientIds()),
        common(tag, more.toArray(String[]::new)));
  }

  ScriptReply cut(String what, String id) {
    boolean place = id.contains("-");
    String tag = "tagtag0" + id.split("-", 2)[0];
    return run(
        RedisScript.CUT,
        with(keys.session(), keys.partition(), keys.thread(), keys.clientIds(), keys.changes()),
        common(
            "cutcut01",
            what,
            place ? id : "",
            place ? tag : "",
            id,
            "{}",
            "500",
            "1000000",
            "",
            "",
            ""));
  }

  ScriptReply state(String tag, String document, String version, String saved) {
    return run(
        RedisScript.STATE,
        with(keys.session(), keys.partition(), keys.changes(), keys.state(), keys.checkpoints()),
        common(tag, document, version, saved, "3", "8388608", "{\"type\":\"state.saved\"}"));
  }

  ScriptReply stateRead(String what, String version, String more) {
    byte[][] all = {
      keys.session(),
      keys.thread(),
      keys.clientIds(),
      keys.changes(),
      keys.state(),
      keys.checkpoints()
    };
    return run(RedisScript.STATE_READ, all, List.of("", "", "", what, version, more, "1000000"));
  }

  ScriptReply end(RedisScript script, String tag) {
    byte[][] all = Arrays.copyOf(every(), 9);
    all[8] = keys.turnsDue();
    return run(script, with(all), common(tag, "{}"));
  }

  ScriptReply load(String limit, String fromEnd, String place, String tag, String id) {
    byte[][] all = {keys.session(), keys.thread(), keys.clientIds(), keys.changes()};
    return run(
        RedisScript.LOAD,
        all,
        List.of(
            owner,
            "",
            "",
            Integer.toString(Integer.parseInt(limit) + 1),
            fromEnd,
            place,
            tag,
            id,
            "",
            "",
            "",
            "1000000"));
  }

  ScriptReply message(String place, String tag, String id) {
    byte[][] all = {keys.session(), keys.thread(), keys.clientIds(), keys.changes()};
    return run(RedisScript.MESSAGE, all, List.of(owner, "", "", place, tag, id));
  }

  ScriptReply log(String user, String since) {
    return log(user, since, "100", "1000000");
  }

  ScriptReply log(String user, String since, String most, String bytes) {
    return log(user, since, most, bytes, "");
  }

  ScriptReply log(String user, String since, String most, String bytes, String from) {
    byte[][] all = {keys.session(), keys.thread(), keys.changes()};
    return run(RedisScript.LOG, all, List.of(user, since, "tagtag0" + since, most, bytes, from));
  }

  static List<String> places(ScriptReply entries) {
    return IntStream.range(0, entries.size()).mapToObj(i -> entries.list(i).text(0)).toList();
  }

  ScriptReply lock(String millis) {
    return run(RedisScript.LOCK, one(keys.session()), List.of("", millis, "random", "label"));
  }

  /** A list stands for the live channel, so that nothing has to be listened for. */
  ScriptReply release(String token) {
    return run(
        RedisScript.RELEASE,
        one(keys.session()),
        List.of("", token, "RPUSH", keys.liveChannel(0), "told"));
  }

  ScriptReply find(String body, String holder) {
    return run(RedisScript.RECORD_FIND, one(keys.record(record)), List.of(body, holder, "5000"));
  }

  ScriptReply drop(String holder) {
    return run(RedisScript.RECORD_DROP, one(keys.record(record)), List.of("body", holder));
  }

  byte[][] every() {
    return new byte[][] {
      keys.session(),
      keys.partition(),
      keys.thread(),
      keys.clientIds(),
      keys.changes(),
      keys.state(),
      keys.checkpoints(),
      keys.due()
    };
  }

  byte[][] with(byte[]... some) {
    if (record.isEmpty()) {
      return some;
    }
    byte[][] more = Arrays.copyOf(some, some.length + 1);
    more[some.length] = keys.record(record);
    return more;
  }

  static byte[][] one(byte[] key) {
    return new byte[][] {key};
  }

  List<String> common(String tag, String... more) {
    assertThat(tag).hasSize(Position.TAG_LENGTH);
    List<String> args = new ArrayList<>();
    String terms = token + "\n" + positions + "\n" + owner;
    args.addAll(List.of(tag, terms.isBlank() ? "" : terms));
    args.add(record.isEmpty() ? "" : "body " + operation);
    args.addAll(List.of(session.path(), keys.channelName(0)));
    args.add(new String(fixture.engine().link().publish().command(), StandardCharsets.US_ASCII));
    args.addAll(List.of(more));
    return args;
  }

  ScriptReply run(RedisScript script, byte[][] scriptKeys, List<String> args) {
    byte[][] bytes =
        args.stream().map(arg -> arg.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
    ScriptReply reply = fixture.engine().link().write(script, scriptKeys, bytes).block(ANSWER);
    assertThat(reply).isNotNull();
    return WRITES.contains(script) ? unpacked(script, reply) : reply;
  }

  /** Spreads the state in a write's answer: version, counts, times, whether keys must be kept. */
  static ScriptReply unpacked(RedisScript script, ScriptReply reply) {
    if (reply.kind() != ScriptReply.DONE) {
      return reply;
    }
    StoredState state = StoredState.parse(reply.bytes(0));
    return new ScriptReply(
        List.of(
            ScriptReply.DONE,
            state.position().version(),
            state.lastSeq(),
            state.messageCount(),
            state.bytes(),
            state.expiresAt(),
            state.updatedAt(),
            state.createdAt(),
            state.mustBeKept() ? 1L : 0L,
            DESCRIBE.contains(script)
                ? reply.bytes(1)
                : ascii(state.owner() == null ? "" : state.owner()),
            ascii(state.position().tag())));
  }

  /** Gives one word of the session's state another value. */
  void change(int word, String value) {
    String[] words = hash(keys.session()).get("p").split(" ", -1);
    words[word] = value;
    byte[] state = ascii(String.join(" ", words));
    ask(redis -> redis.hset(keys.session(), Map.of(ascii("p"), state)));
  }

  String word(int word) {
    return hash(keys.session()).get("p").split(" ", -1)[word];
  }

  StoredState stored() {
    return StoredState.parse(ascii(hash(keys.session()).get("p")));
  }

  <T> T ask(Function<RedisClusterAsyncCommands<byte[], byte[]>, CompletionStage<T>> command) {
    return fixture.engine().link().command(command).block(ANSWER);
  }

  Map<String, String> hash(byte[] key) {
    Map<String, String> text = new TreeMap<>();
    this.<Map<byte[], byte[]>>ask(redis -> redis.hgetall(key))
        .forEach((field, value) -> text.put(text(field), text(value)));
    return text;
  }

  List<String> entries(byte[] key) {
    return ask(redis -> redis.xrange(key, Range.unbounded())).stream()
        .map(StreamMessage::getId)
        .toList();
  }

  static List<String> entryIds(ScriptReply loaded) {
    assertThat(loaded.kind()).isEqualTo(ScriptReply.DONE);
    ScriptReply found = loaded.list(3);
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < found.size(); i++) {
      ids.add(found.list(i).text(0));
    }
    return ids;
  }

  static byte[] ascii(String text) {
    return RedisKeys.ascii(text);
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
