package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.RandomIds;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.limit.Refund;
import io.heddle.limit.Reservation;
import io.heddle.limit.Rule;
import io.heddle.limit.Rule.Kind;
import io.heddle.limit.Rule.OnFailure;
import io.heddle.limit.Subject;
import io.heddle.limit.Usage;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewMessage;
import io.heddle.session.NewTurn;
import io.heddle.session.OnBusy;
import io.heddle.session.Outcome;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionLocks.Call;
import io.heddle.session.StoreLimits;
import io.heddle.session.Turn;
import io.heddle.session.TurnAttempt;
import io.heddle.session.TurnId;
import io.heddle.session.TurnLog.Flushed;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.testing.RedisProcess;
import io.lettuce.core.ScriptOutputType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import reactor.core.publisher.Mono;

/**
 * Every script on a Redis that is full. Redis compares its memory with {@code maxmemory} until a
 * script's first write only, and does not at all for an {@code UNLINK}, an {@code XDEL} or a {@code
 * PEXPIRE}: so it is the first write that decides whether a script is refused or runs to its end.
 *
 * <p>What adds is refused and has changed nothing. What takes away, ends or reads passes.
 */
final class FullRedisScriptsIT extends ScriptSuite {

  private static final RandomIds IDS = new RandomIds(InstantSource.system());
  private static final Duration LEASE = Duration.ofSeconds(6);
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration WAIT = Duration.ofSeconds(10);
  private static final Json DOCUMENT = Json.of("{\"a\":1}");
  private static final Json ENDED = Json.of("{\"finishReason\":\"stop\"}");

  private final RedisProcess redis = RedisProcess.start();
  private String turn = "";
  private String other = "";
  private Subject subject = new Subject(Tenant.DEFAULT, "nobody");

  private enum Full {
    IS_REFUSED,
    PASSES
  }

  /**
   * @param before done while there is memory
   * @param call done while there is none
   */
  private record Case(
      RedisScript script, Full expected, String name, Runnable before, Supplier<?> call) {}

  private final List<Case> cases = new ArrayList<>();

  @Override
  EngineFixture open(StoreLimits limits) {
    return EngineFixture.standalone(redis.uri(), limits);
  }

  @AfterAll
  void stopRedis() {
    redis.close();
  }

  /** A script that is not in this table has nobody who thought of its first write. */
  @Test
  void everyScriptIsInTheTable() {
    Path folder = Path.of("src/main/resources/redis");
    try (Stream<Path> files = Files.walk(folder)) {
      Set<String> scripts =
          files
              .map(file -> folder.relativize(file).toString())
              .filter(file -> file.endsWith(".lua") && !file.startsWith("lib/"))
              .collect(Collectors.toCollection(TreeSet::new));
      Set<String> tried =
          table().stream()
              .map(one -> one.script().path() + ".lua")
              .collect(Collectors.toCollection(TreeSet::new));
      assertThat(tried).isEqualTo(scripts);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @TestFactory
  Stream<DynamicTest> scriptOnAFullRedis() {
    return table().stream()
        .map(one -> DynamicTest.dynamicTest(one.script() + ": " + one.name(), () -> check(one)));
  }

  private void check(Case one) {
    for (byte[] key : this.<List<byte[]>>ask(commands -> commands.keys("heddle:*{*"))) {
      ask(commands -> commands.del(key));
    }
    freshSession();
    turn = TurnId.next(IDS, session).toString();
    other = TurnId.next(IDS, session).toString();
    subject = new Subject(Tenant.DEFAULT, "subject-" + COUNTER.incrementAndGet());
    one.before().run();
    Map<String, String> before = everything();
    Throwable thrown;
    ask(commands -> commands.configSet("slowlog-log-slower-than", "0"));
    ask(commands -> commands.slowlogReset());
    maxmemory("1");
    try {
      thrown = catchThrowable(() -> one.call().get());
    } finally {
      maxmemory("0");
    }
    for (Object logged : this.<List<Object>>ask(commands -> commands.slowlogGet(1000))) {
      List<?> words = (List<?>) ((List<?>) logged).get(3);
      LuaFile.check(words.stream().map(word -> text((byte[]) word)).toList());
    }
    if (one.expected() == Full.PASSES) {
      assertThat(thrown).isNull();
      return;
    }
    assertThat(thrown).isInstanceOf(ProblemException.class);
    assertThat(((ProblemException) thrown).problem().code()).isEqualTo(ProblemCode.STORE_FULL);
    Map<String, String> after = everything();
    Set<String> changed = new TreeSet<>(before.keySet());
    changed.addAll(after.keySet());
    changed.removeIf(key -> Objects.equals(before.get(key), after.get(key)));
    assertThat(changed).as("keys that a refused script changed").isEmpty();
  }

  private void maxmemory(String bytes) {
    ask(commands -> commands.configSet("maxmemory", bytes));
  }

  private Map<String, String> everything() {
    Map<String, String> all = new TreeMap<>();
    for (byte[] key : this.<List<byte[]>>ask(commands -> commands.keys("*"))) {
      if ("hash".equals(ask(commands -> commands.type(key)))) {
        // Their order may be another one each time.
        all.put(text(key), hash(key).toString());
      } else {
        byte[] dump = ask(commands -> commands.dump(key));
        all.put(text(key), Base64.getEncoder().encodeToString(dump));
      }
    }
    return all;
  }

  // ---- the table

  private List<Case> table() {
    cases.clear();
    Runnable nothing = () -> {};
    sessions(nothing);
    threads();
    turns();
    locks();
    limits();
    usage();
    answersAndOthers(nothing);
    return List.copyOf(cases);
  }

  private void sessions(Runnable nothing) {
    refused(RedisScript.CREATE, "new", nothing, () -> apply(created()));
    refused(
        RedisScript.CREATE,
        "over a tombstone",
        () -> {
          apply(created());
          apply(new Write.Delete());
        },
        () -> apply(created()));
    refused(
        RedisScript.CREATE,
        "to be built",
        nothing,
        () -> apply(new Write.StartBuild("builder", described())));
    Runnable building = () -> apply(new Write.StartBuild("builder", described()));
    refused(
        RedisScript.FILL,
        "with a message",
        building,
        () ->
            apply(
                new Write.AppendToBuild(
                    "builder", List.of(new Write.Copied(says("copied"), Instant.EPOCH)))));
    refused(RedisScript.OPEN, "built", building, () -> apply(new Write.PublishBuild("builder")));
    refused(
        RedisScript.UPDATE, "patch", this::furnished, () -> apply(new Write.Update(described())));
    refused(RedisScript.STATE, "save", this::furnished, () -> apply(new Write.SaveState(DOCUMENT)));
    refused(
        RedisScript.STATE,
        "restore",
        this::furnished,
        () -> apply(new Write.RestoreState("latest")));
    passes(RedisScript.DELETE, "a session", this::furnished, () -> apply(new Write.Delete()));
    passes(
        RedisScript.DELETE,
        "with a key",
        this::furnished,
        () -> apply(new Write.Delete(), keyed()));
    passes(
        RedisScript.DELETE,
        "whose holder's time is over",
        this::heldOnce,
        () -> apply(new Write.Delete()));
    passes(
        RedisScript.EXPIRE,
        "whose time has come",
        () -> {
          furnished();
          change(EXPIRES_AT, "1");
        },
        () -> apply(new Write.Expire()));
    passes(
        RedisScript.EXPIRE,
        "too early",
        this::furnished,
        () -> refusal(new Write.Expire(), ProblemCode.VERSION_CONFLICT));
    passes(
        RedisScript.EXPIRE,
        "with a turn",
        () -> {
          running();
          change(EXPIRES_AT, "1");
        },
        () -> refusal(new Write.Expire(), ProblemCode.VERSION_CONFLICT));
    passes(
        RedisScript.EXPIRE,
        "half built",
        () -> {
          building.run();
          ask(commands -> commands.hset(keys.session(), Map.of(ascii("n"), ascii("1"))));
        },
        () -> apply(new Write.Expire()));
    passes(
        RedisScript.PUT_OFF,
        "a due time",
        this::furnished,
        () -> {
          byte[] due = keys.due();
          return run(RedisScript.PUT_OFF, one(due), List.of("x:" + session.path(), "1000"));
        });
    passes(
        RedisScript.KEEP,
        "keys",
        this::furnished,
        () ->
            run(
                RedisScript.KEEP,
                new byte[][] {
                  keys.session(),
                  keys.thread(),
                  keys.clientIds(),
                  keys.changes(),
                  keys.state(),
                  keys.checkpoints()
                },
                List.of()));
  }

  private void threads() {
    refused(
        RedisScript.APPEND,
        "a message",
        this::furnished,
        () -> apply(new Write.Append(List.of(says("more")))));
    refused(
        RedisScript.APPEND,
        "with a key",
        this::furnished,
        () -> apply(new Write.Append(List.of(says("more"))), keyed()));
    refused(
        RedisScript.APPEND,
        "when a holder's time is over",
        this::heldOnce,
        () -> apply(new Write.Append(List.of(says("more")))));
    passes(RedisScript.CUT, "one", this::furnished, () -> apply(new Write.DeleteMessage("first")));
    passes(
        RedisScript.CUT, "after", this::furnished, () -> apply(new Write.TruncateThread("first")));
    passes(
        RedisScript.CUT,
        "after the last, which takes nothing",
        this::furnished,
        () -> apply(new Write.TruncateThread("second")));
    passes(
        RedisScript.CUT_COPY,
        "what a long cut leaves",
        this::furnished,
        () -> {
          String made = word(10);
          byte[][] all = {
            keys.session(), keys.thread(), ascii("heddle:{a}copy"), ascii("heddle:{a}ids")
          };
          ScriptReply copied =
              run(
                  RedisScript.CUT_COPY,
                  all,
                  List.of(made + " 0", "1-0", "", "10", "1000", "60000"));
          assertThat(copied.kind()).isEqualTo(ScriptReply.DONE);
          assertThat(copied.number(2)).isEqualTo(1);
          return copied;
        });
    passes(RedisScript.CUT, "all", this::furnished, () -> apply(new Write.TruncateThread(null)));
    passes(
        RedisScript.CUT,
        "all, with a key",
        this::furnished,
        () -> apply(new Write.TruncateThread(null), keyed()));
    passes(
        RedisScript.CUT,
        "when a holder's time is over",
        this::heldOnce,
        () -> apply(new Write.DeleteMessage("first")));
  }

  private void turns() {
    refused(RedisScript.TURN_BEGIN, "that starts", this::furnished, () -> apply(begun(turn)));
    refused(RedisScript.TURN_BEGIN, "that waits", this::running, () -> apply(begun(other)));
    refused(
        RedisScript.TURN_BEGIN,
        "when a holder's time is over",
        this::heldOnce,
        () -> apply(begun(turn)));
    passes(
        RedisScript.TURN_BEGIN, "that was begun before", this::running, () -> apply(begun(turn)));
    refused(
        RedisScript.TURN_NEXT,
        "the head",
        () -> {
          waiting();
          apply(
              new Write.EndTurn(
                  attempt(1), Turn.Status.COMPLETED, List.of(), ENDED, List.of(), false));
          // What a refusal moves is only when it is looked for again.
          ask(commands -> commands.del(keys.turnsDue()));
        },
        () -> apply(new Write.NextTurn(other, LEASE)));
    passes(
        RedisScript.TURN_NEXT,
        "while one runs",
        this::waiting,
        () -> refusal(new Write.NextTurn(other, LEASE), ProblemCode.TURN_RUNNING));
    passes(
        RedisScript.TURN_NEXT,
        "none there",
        this::furnished,
        () -> refusal(new Write.NextTurn(other, LEASE), ProblemCode.TURN_NOT_FOUND));
    refused(
        RedisScript.TURN_RETAKE,
        "a dead attempt",
        () -> {
          running();
          endLease();
        },
        () -> apply(new Write.RetakeTurn(attempt(1), LEASE)));
    passes(
        RedisScript.TURN_RETAKE,
        "a living attempt",
        this::running,
        () -> refusal(new Write.RetakeTurn(attempt(1), LEASE), ProblemCode.TURN_RUNNING));
    passes(
        RedisScript.TURN_CANCEL,
        "a running one",
        this::running,
        () -> apply(new Write.CancelTurn(turn, Turn.Cancel.KEEP, ENDED)));
    passes(
        RedisScript.TURN_CANCEL,
        "a waiting one",
        this::waiting,
        () -> apply(new Write.CancelTurn(other, Turn.Cancel.KEEP, ENDED), keyed()));
    passes(
        RedisScript.TURN_CANCEL,
        "a late one",
        this::waiting,
        () -> apply(new Write.DropTurn(other, ENDED)));
    refused(
        RedisScript.TURN_END,
        "with an answer",
        this::running,
        () -> apply(end(Turn.Status.COMPLETED, ENDED, List.of(), says("answer"))));
    refused(
        RedisScript.TURN_END,
        "with a long reason",
        this::running,
        () ->
            apply(
                end(
                    Turn.Status.FAILED,
                    Json.of("{\"error\":\"" + "x".repeat(2000) + "\"}"),
                    List.of())));
    passes(
        RedisScript.TURN_END,
        "without an answer",
        this::running,
        () -> apply(end(Turn.Status.FAILED, ENDED, List.of())));
    passes(
        RedisScript.TURN_END,
        "that takes its input away",
        () -> {
          running();
          apply(new Write.CancelTurn(turn, Turn.Cancel.ROLLBACK, ENDED));
        },
        () -> apply(end(Turn.Status.CANCELLED, ENDED, List.of("input"))));
    passes(
        RedisScript.TURN_END,
        "of a turn that lives",
        this::running,
        () ->
            refusal(
                new Write.EndTurn(
                    attempt(1),
                    Turn.Status.INCOMPLETE,
                    List.of(says("partial")),
                    ENDED,
                    List.of(),
                    true),
                ProblemCode.TURN_RUNNING));
    passes(RedisScript.TURN_FLUSH, "a renewal", this::running, () -> renewed(List.of()));
    passes(
        RedisScript.TURN_FLUSH,
        "events, which are refused, and renews",
        this::running,
        () -> renewed(List.of(DOCUMENT, DOCUMENT)));
    passes(
        RedisScript.TURN_READ,
        "a turn",
        this::running,
        () -> get(fixture.engine().turnLog().read(session, null, turn, 0, 10)));
    passes(
        RedisScript.TURN_LIST,
        "turns",
        this::running,
        () -> get(fixture.engine().turnLog().list(session, null)));
    passes(
        RedisScript.DUE,
        "turns",
        this::running,
        () -> get(fixture.engine().turnLog().due(Duration.ZERO).collectList()));
  }

  private void locks() {
    refused(RedisScript.LOCK, "free", this::furnished, () -> lock(take(), null));
    refused(RedisScript.LOCK, "with a key", this::furnished, () -> lock(take(), retry()));
    refused(RedisScript.LOCK, "whose time is over", this::heldOnce, () -> lock(take(), null));
    AtomicReference<String> held = new AtomicReference<>("");
    Runnable holding =
        () -> {
          furnished();
          held.set(lock(take(), null));
        };
    passes(
        RedisScript.RENEW,
        "its own",
        holding,
        () -> lock(new Call.Renew(held.get(), MINUTE), retry()));
    passes(RedisScript.RELEASE, "its own", holding, () -> lock(new Call.Release(held.get()), null));
    passes(
        RedisScript.RELEASE,
        "whose time is over",
        this::heldOnce,
        () -> lock(new Call.Release(null), retry()));
    passes(
        RedisScript.HOLDER,
        "somebody's",
        holding,
        () -> get(fixture.engine().locks().holder(session, null)));
    passes(
        RedisScript.HOLDER,
        "whose time is over",
        this::heldOnce,
        () -> get(fixture.engine().locks().holder(session, null)));
    for (Runnable before : List.<Runnable>of(this::furnished, this::heldOnce)) {
      refused(
          RedisScript.CLAIM,
          "for an update",
          () -> {
            before.run();
            byte[] line = ascii(keys.lock());
            ask(commands -> commands.hset(line, Map.of(ascii("me:1"), ascii("1"))));
            ask(commands -> commands.pexpire(line, 60_000));
          },
          () ->
              run(
                  RedisScript.CLAIM,
                  new byte[][] {keys.session(), ascii(keys.lock())},
                  List.of("", "me:1", "random")));
    }
    refused(
        RedisScript.CLAIM,
        "in Redisson's line",
        this::furnished,
        () ->
            get(
                fixture
                    .engine()
                    .locks()
                    .inLine(session, null, null, WAIT, WAIT, token -> Mono.just(token))));
  }

  private void limits() {
    List<Rule> one = List.of(rule("one", Kind.REQUESTS));
    List<Rule> two = List.of(rule("one", Kind.REQUESTS), rule("two", Kind.WRITES));
    Runnable nothing = () -> {};
    refused(RedisScript.LIMIT, "new", nothing, () -> take(one));
    refused(RedisScript.LIMIT, "one of them new", () -> take(one), () -> take(two));
    passes(RedisScript.LIMIT, "counting already", () -> take(two), () -> take(two));
    refused(RedisScript.LIMIT_MANY, "new", nothing, () -> many(two));
    refused(RedisScript.LIMIT_MANY, "one of them new", () -> take(one), () -> many(two));
    passes(RedisScript.LIMIT_MANY, "counting already", () -> many(two), () -> many(two));
    passes(
        RedisScript.LIMIT_RETURN,
        "what was counted",
        () -> take(one),
        () ->
            get(
                fixture
                    .engine()
                    .limiter()
                    .giveBack(subject, List.of(new Refund(one.getFirst(), MINUTE)))));
    List<Rule> tokens = List.of(rule("tokens", Kind.TOKENS));
    refused(RedisScript.LIMIT_RESERVE, "new", nothing, () -> reserve(tokens, 5));
    refused(RedisScript.LIMIT_RESERVE, "more", () -> reserve(tokens, 5), () -> reserve(tokens, 5));
    passes(
        RedisScript.LIMIT_RESERVE,
        "over the limit",
        () -> reserve(tokens, 5),
        () -> reserve(tokens, 10_000));
    passes(RedisScript.LIMIT_RESERVE, "only looks", nothing, () -> reserve(tokens, 0));
    AtomicReference<Reservation> held = new AtomicReference<>();
    passes(
        RedisScript.LIMIT_SETTLE,
        "what was reserved",
        () -> held.set(reserve(tokens, 5)),
        () -> get(fixture.engine().limiter().settle(subject, held.get(), 7)));
  }

  private void usage() {
    refused(RedisScript.USAGE, "adds", () -> {}, () -> use(1, 100, Map.of()));
    refused(
        RedisScript.USAGE,
        "adds to what is there",
        () -> use(1, 1, Map.of()),
        () -> use(1, 1, Map.of()));
    refused(RedisScript.USAGE, "keeps an answer", () -> {}, () -> use(0, 0, Map.of(1L << 42, 5L)));
    passes(RedisScript.USAGE, "only asks", () -> use(1, 1, Map.of()), () -> use(0, 0, Map.of()));
  }

  private Usage use(long sessions, long bytes, Map<Long, Long> cached) {
    return get(
        fixture
            .engine()
            .usage()
            .add(subject, "me", new Usage.Change(sessions, bytes, 0, cached, 0, 0)));
  }

  private void answersAndOthers(Runnable nothing) {
    refused(RedisScript.ANSWER_PUT, "new", nothing, () -> put(session.id()));
    refused(
        RedisScript.ANSWER_PUT,
        "in the place of another",
        () -> put(session.id()),
        () -> put(session.id()));
    passes(
        RedisScript.ANSWER,
        "there",
        () -> put(session.id()),
        () -> get(fixture.engine().answers().get(Tenant.DEFAULT, session.id())));
    passes(
        RedisScript.ANSWER_REMOVE,
        "there",
        () -> put(session.id()),
        () -> get(fixture.engine().answers().remove(Tenant.DEFAULT, session.id())));
    refused(RedisScript.ANSWER_CLAIM, "free", nothing, () -> claim(session.id()));
    passes(
        RedisScript.ANSWER_CLAIM,
        "one's own",
        () -> claim(session.id()),
        () -> claim(session.id()));
    passes(
        RedisScript.ANSWER_RELEASE,
        "one's own",
        () -> claim(session.id()),
        () -> get(fixture.engine().answers().release(Tenant.DEFAULT, session.id(), "me")));
    refused(
        RedisScript.RECORD_FIND,
        "holds",
        nothing,
        () -> get(fixture.engine().records().hold(session, retry().heldBy("op"), MINUTE)));
    passes(
        RedisScript.RECORD_FIND,
        "only looks",
        nothing,
        () -> get(fixture.engine().records().find(session, retry())));
    passes(
        RedisScript.RECORD_DROP,
        "held",
        () -> get(fixture.engine().records().hold(session, retry().heldBy("op"), MINUTE)),
        () -> get(fixture.engine().records().drop(session, retry().heldBy("op"))));
    refused(
        RedisScript.CURRENT,
        "a user's first",
        nothing,
        () ->
            get(
                fixture
                    .engine()
                    .index()
                    .compareAndSetCurrent(Tenant.DEFAULT, session.id(), null, "one")));
    passes(
        RedisScript.FORGET,
        "a user's",
        () -> {
          get(
              fixture
                  .engine()
                  .index()
                  .compareAndSetCurrent(Tenant.DEFAULT, session.id(), null, "one"));
          get(fixture.engine().index().touch(session, session.id(), Instant.now()));
        },
        () ->
            get(
                fixture
                    .engine()
                    .index()
                    .forget(Tenant.DEFAULT, session.id(), List.of("one", session.id()))));
    passes(
        RedisScript.SCHEMA,
        "which a replica that starts reads",
        nothing,
        () -> get(RedisSchema.agree(fixture.engine().link(), fixture.engine().link().publish())));
    passes(
        RedisScript.PIECE,
        "a command that reads",
        this::furnished,
        () -> run(RedisScript.PIECE, one(keys.session()), List.of("HGET", "p")));
    passes(
        RedisScript.UNLOCK,
        "somebody's",
        () -> {
          byte[] line = ascii(keys.lock());
          ask(commands -> commands.hset(line, Map.of(ascii("me:1"), ascii("1"))));
        },
        () ->
            ask(commands ->
                commands.<Long>eval(
                    RedisScript.UNLOCK.source(),
                    ScriptOutputType.INTEGER,
                    one(ascii(keys.lock())),
                    ascii("0"),
                    ascii("me:1"),
                    ascii("PUBLISH"),
                    ascii("nobody"))));
    passes(
        RedisScript.LOAD,
        "a session",
        this::furnished,
        () -> get(fixture.engine().reader().load(session, ReadContext.ANY, PageRequest.last(10))));
    passes(
        RedisScript.MESSAGE,
        "a message",
        this::furnished,
        () -> get(fixture.engine().reader().message(session, ReadContext.ANY, "first")));
    passes(
        RedisScript.STATE_READ,
        "the state",
        this::furnished,
        () -> get(fixture.engine().reader().state(session, ReadContext.ANY)));
    passes(RedisScript.LOG, "the changes", this::furnished, () -> log("", "0"));
    passes(
        RedisScript.SEQS,
        "a partition's",
        this::furnished,
        () -> run(RedisScript.SEQS, one(keys.partition()), List.of()));
    passes(
        RedisScript.PROBE,
        "a write of nothing",
        this::furnished,
        () -> run(RedisScript.PROBE, one(RedisKeys.SCHEMA), List.of()));
  }

  private void refused(RedisScript script, String name, Runnable before, Supplier<?> call) {
    cases.add(new Case(script, Full.IS_REFUSED, name, before, call));
  }

  private void passes(RedisScript script, String name, Runnable before, Supplier<?> call) {
    cases.add(new Case(script, Full.PASSES, name, before, call));
  }

  // ---- what is there before

  private void furnished() {
    apply(created());
    apply(new Write.SaveState(DOCUMENT));
  }

  /** Somebody held it, whose time is over: the next write removes him, before it writes. */
  private void heldOnce() {
    furnished();
    lock(take(), null);
    String[] status = word(STATUS).split("/");
    change(STATUS, status[0] + "/1/" + status[2]);
  }

  private void running() {
    furnished();
    apply(begun(turn));
  }

  private void waiting() {
    running();
    apply(begun(other));
  }

  private void endLease() {
    String[] words = hash(keys.session()).get("T").split(" ");
    words[2] = "1";
    byte[] ended = ascii(String.join(" ", words) + " ");
    ask(commands -> commands.hset(keys.session(), Map.of(ascii("T"), ended)));
  }

  // ---- calls

  private static <T> T get(Mono<T> answer) {
    return answer.block(WAIT);
  }

  private Object apply(Write write) {
    return apply(write, WritePreconditions.NONE);
  }

  private Object apply(Write write, WritePreconditions conditions) {
    Outcome outcome = get(fixture.engine().writer().apply(session, write, conditions));
    assertThat(outcome).isNotInstanceOf(Outcome.Refused.class);
    return outcome;
  }

  private Object refusal(Write write, ProblemCode code) {
    Outcome outcome = get(fixture.engine().writer().apply(session, write, WritePreconditions.NONE));
    assertThat(outcome).isInstanceOf(Outcome.Refused.class);
    assertThat(((Outcome.Refused) outcome).problem().code()).isEqualTo(code);
    return outcome;
  }

  private static WritePreconditions keyed() {
    return WritePreconditions.NONE.withRetry(retry());
  }

  private static IdempotentRequest retry() {
    return new IdempotentRequest("digest", "body");
  }

  private static Write created() {
    return new Write.Create(described(), List.of(says("first"), says("second")));
  }

  private static SessionAttributes described() {
    return new SessionAttributes(
        "ann",
        null,
        Json.EMPTY_OBJECT,
        null,
        null,
        SessionAttributes.Status.ACTIVE,
        Duration.ofHours(1));
  }

  private static NewMessage says(String id) {
    return new NewMessage(id, Json.of(BODY));
  }

  private Write begun(String id) {
    String input = id.equals(turn) ? "input" : "input2";
    return new Write.BeginTurn(
        new NewTurn(id, "echo", DOCUMENT, List.of(says(input)), LEASE, Duration.ofHours(1)),
        OnBusy.ENQUEUE,
        16);
  }

  private TurnAttempt attempt(int number) {
    return new TurnAttempt(turn, number);
  }

  private Write end(Turn.Status status, Json why, List<String> remove, NewMessage... output) {
    return new Write.EndTurn(attempt(1), status, List.of(output), why, remove, false);
  }

  /** A renewal must pass whatever else is refused: its owner lives, and will end the turn. */
  private Object renewed(List<Json> events) {
    String before = hash(keys.session()).get("T").split(" ")[2];
    Flushed flushed =
        get(
            fixture
                .engine()
                .turnLog()
                .flush(session, attempt(1), 0, events, LEASE.plusSeconds(10)));
    assertThat(flushed)
        .isEqualTo(
            events.isEmpty()
                ? new Flushed.Kept(0, Turn.Cancel.NONE)
                : new Flushed.Full(Turn.Cancel.NONE));
    assertThat(Long.parseLong(hash(keys.session()).get("T").split(" ")[2]))
        .isGreaterThan(Long.parseLong(before) + 5000);
    return flushed;
  }

  private static Call take() {
    return new Call.Take(MINUTE, "label");
  }

  private String lock(Call call, IdempotentRequest retry) {
    var done = get(fixture.engine().locks().apply(session, null, call, retry));
    return done.held() == null || done.held().token() == null ? "" : done.held().token();
  }

  private static Rule rule(String name, Kind kind) {
    return new Rule(name, kind, 1000, MINUTE, List.of(), OnFailure.ALLOW);
  }

  private Object take(List<Rule> rules) {
    return get(fixture.engine().limiter().take(subject, rules));
  }

  private Object many(List<Rule> rules) {
    List<byte[]> counters = new ArrayList<>();
    List<String> args = new ArrayList<>(List.of("3"));
    for (Rule rule : rules) {
      counters.add(RedisKeys.limit(subject.tenant(), subject.name(), rule.name()));
      args.addAll(List.of("1000", "60000"));
    }
    return run(RedisScript.LIMIT_MANY, counters.toArray(byte[][]::new), args);
  }

  private Reservation reserve(List<Rule> rules, long amount) {
    return get(fixture.engine().limiter().reserve(subject, rules, IDS.token(), amount))
        .reservation();
  }

  private Object put(String key) {
    return get(
        fixture.engine().answers().put(Tenant.DEFAULT, key, "text/plain", ascii("hi"), MINUTE));
  }

  private Object claim(String key) {
    return get(fixture.engine().answers().claim(Tenant.DEFAULT, key, "me", MINUTE));
  }
}
