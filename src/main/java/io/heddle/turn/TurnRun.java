package io.heddle.turn;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteBudget.Holder;
import io.heddle.base.ByteShare;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SerialExecutor;
import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.LiveMessage;
import io.heddle.session.NewMessage;
import io.heddle.session.Outcome;
import io.heddle.session.Turn;
import io.heddle.session.Turn.Cancel;
import io.heddle.session.TurnAttempt;
import io.heddle.session.Write.EndTurn;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * One attempt of a turn that runs on this replica: asks the model, has the {@link Flusher} write
 * what it says, and ends the turn, once. Whatever happens to the caller, to the store or to the
 * model, it comes to one of two ends: the turn has ended in the store, or it is another's.
 *
 * <pre>
 *   ASKING ──────────── the model's first event ──────────────────▶ SPEAKING
 *   ASKING, SPEAKING ── how the turn ends is known ───────────────▶ ENDING
 *   ENDING ──────────── all is flushed, the tokens are counted ───▶ WRITING
 *   WRITING ─────────── the store has answered ───────────────────▶ OVER
 *   any ─────────────── the turn is another's, or left to others ─▶ OVER
 * </pre>
 *
 * <p>All of it is done within one {@link SerialExecutor}.
 */
final class TurnRun implements Flusher.Owner {

  private static final Logger log = LoggerFactory.getLogger(TurnRun.class);

  private static final Usage NOTHING = new Usage(0, 0, 0, 0);

  private final TurnRunRegistry runners;
  private final Turn turn;
  private final TurnRequest request;
  private final TurnAttempt attempt;
  private final @Nullable String user;
  private final SerialExecutor serial = new SerialExecutor();
  private final Flusher flusher;
  private final SurrogateJoiner characters = new SurrogateJoiner();
  private final AnswerBuilder answer = new AnswerBuilder();
  private final ByteShare share;
  private final AnswerMemory memory;
  private final Disposable.Swap model = Disposables.swap();
  private final long startedAt;

  private Phase phase = Phase.ASKING;
  private @Nullable Disposable listening;
  private @Nullable ModelCall asked;
  private @Nullable Compaction compaction;
  private boolean cached;
  private boolean finished;
  private boolean unsure;
  private boolean rollback;
  private int failures;
  private volatile long taken;

  private enum Phase {
    ASKING,
    SPEAKING,
    ENDING,
    /** The end was sent to the store, which may have taken it whatever it answers. */
    WRITING,
    OVER;

    /** Whether the model may still say something, and the turn be ended. */
    boolean isOpen() {
      return this == ASKING || this == SPEAKING;
    }
  }

  /** What ends the turn in the store. */
  private record End(Form form, EndTurn write, Usage usage, ModelEvent.@Nullable Finish finish) {

    /** About how many bytes are sent. */
    long bytes() {
      return write.output().stream().mapToLong(message -> message.body().length()).sum();
    }
  }

  private enum Form {
    WITH_ANSWER,
    ROLLED_BACK,
    WITHOUT_ROOM
  }

  /**
   * @param turn running, in this attempt
   * @param user whom the session belongs to
   * @param address of whoever ordered it here; null when nobody here did
   */
  TurnRun(TurnRunRegistry runners, Turn turn, @Nullable String user, @Nullable String address) {
    this.runners = runners;
    this.turn = turn;
    this.request = TurnRequest.of(turn);
    this.attempt = new TurnAttempt(turn.id(), turn.attempt());
    this.user = user;
    this.startedAt = runners.ticks.now();
    this.share = new ByteShare(runners.budget, Holder.of(turn.session().tenant(), user, address));
    this.memory = new AnswerMemory(share);
    this.flusher =
        new Flusher(
            runners.store.log(),
            turn.session(),
            attempt,
            runners.properties,
            serial,
            runners.ticks,
            runners.counts,
            runners.largeWrites,
            this);
  }

  SessionKey session() {
    return turn.session();
  }

  Turn turn() {
    return turn;
  }

  @Nullable String user() {
    return user;
  }

  /** Whether a caller who must own the session may see this turn. */
  boolean isVisibleTo(@Nullable String owner) {
    return owner == null || owner.equals(user);
  }

  /** How many events the log has taken. */
  long taken() {
    return taken;
  }

  /** When what the store answered last about this turn was sent. */
  long heardAt() {
    return flusher.heardAt();
  }

  // ---- from any thread

  void start() {
    serial.execute(this::ask);
  }

  /**
   * Renews the lease, if it is time to; until the end is written, because the last flush, counting
   * tokens and an end that is sent again may take longer than the lease.
   */
  void tick() {
    serial.execute(() -> {
      if (phase != Phase.OVER) {
        flusher.renew(runners.properties.renewEvery());
      }
    });
  }

  /** Somebody may have asked for its end: the store knows. */
  void wake() {
    serial.execute(() -> {
      if (phase.isOpen()) {
        flusher.ask();
      }
    });
  }

  /** Ends it as it is, because this replica stops. */
  void interrupt() {
    serial.execute(() ->
        end(
            new TurnEnding(
                Turn.Status.INCOMPLETE,
                null,
                Problem.of(ProblemCode.RESTARTING, "the replica that ran the turn was stopped"))));
  }

  /** Leaves it to the other replicas, which will take this one for dead. */
  void abandon() {
    serial.execute(this::over);
  }

  /** For whom is counted. Without a user it is a backend's turn, which is one of very many. */
  private String lane() {
    return user == null ? session().path() : session().tenant() + "/user:" + user;
  }

  // ---- asking

  private void ask() {
    if (phase == Phase.OVER) {
      return;
    }
    LiveMessage cancelled = new LiveMessage.TurnCancelled(turn.id());
    listening =
        runners
            .store
            .channel()
            .listen(
                session(),
                message -> {
                  if (message.equals(cancelled)) {
                    wake();
                  }
                });
    model.update(
        runners
            .compaction
            .prepare(turn, request, lane(), user, share)
            .flatMapMany(this::call)
            .subscribe(
                piece -> serial.execute(() -> said(piece)),
                error -> serial.execute(() -> failed(error)),
                () -> serial.execute(this::silent)));
  }

  private Flux<ModelEvent> call(TurnCompaction.Prepared prepared) {
    ModelCall call = prepared.call().of(user);
    Compaction done = prepared.compaction();
    serial.execute(() -> {
      asked = call;
      compaction = done;
    });
    if (!memory.tell(call)) {
      return Flux.error(ByteBudget.overloaded());
    }
    Duration maxAge = request.cacheFor();
    Flux<ModelEvent> answered =
        maxAge == null
            ? runners.upstream.call(call).concatMapIterable(pieces -> pieces, 1)
            : runners.cache.call(
                session().tenant(), user, call, maxAge, () -> serial.execute(() -> cached = true));
    // Clients that did not ask for it know no such item.
    Flux<ModelEvent> told =
        done == null || request.compactAt() == 0 ? answered : TurnCompaction.told(answered, done);
    return told.contextWrite(share::in);
  }

  private void said(ModelEvent piece) {
    if (!phase.isOpen()) {
      return;
    }
    if (phase == Phase.ASKING) {
      phase = Phase.SPEAKING;
      runners.counts.firstToken.add(runners.ticks.now() - startedAt);
    }
    if (piece instanceof ModelEvent.Finish finish) {
      // The call is let go on to its end: a connection that is cut off cannot be used again, and
      // the cache keeps the answer then.
      finished = true;
      answer.add(finish);
      end(TurnEnding.of(finish), finish);
      return;
    }
    ModelEvent whole = characters.take(piece);
    if (whole != null) {
      answer.add(whole);
      flusher.add(whole);
      if (answer.length() > runners.properties.maxAnswer().toBytes()) {
        end(new TurnEnding(Turn.Status.INCOMPLETE, "length", null));
      } else if (!memory.say(answer.length())) {
        // What was said so far is kept: it was paid for.
        end(new TurnEnding(Turn.Status.INCOMPLETE, null, ByteBudget.overloaded().problem()));
      }
    }
  }

  private void failed(Throwable error) {
    if (error instanceof ProblemException e) {
      end(TurnEnding.failed(e.problem()));
    } else {
      if (phase.isOpen()) {
        log.error("{}: the model could not be asked", attempt, error);
      }
      end(TurnEnding.failed(Problem.of(ProblemCode.INTERNAL, "the model could not be asked")));
    }
  }

  private void silent() {
    end(
        TurnEnding.failed(
            Problem.of(ProblemCode.MODEL_FAILED, "the model's answer broke off before its end")));
  }

  // ---- what the flusher tells

  @Override
  public void kept(long seq, List<ModelEvent> pieces) {
    taken = flusher.last();
    if (!pieces.isEmpty()) {
      runners.followers.said(session(), turn.id(), seq, pieces);
    }
  }

  @Override
  public void cancelled(Cancel cancel) {
    rollback |= cancel == Cancel.ROLLBACK;
    end(TurnEnding.CANCELLED);
  }

  @Override
  public void full() {
    end(TurnEnding.failed(TurnEnding.noRoom()));
  }

  @Override
  public void lost() {
    if (phase == Phase.WRITING) {
      // By our own end perhaps, which was not answered yet: its answer says.
      return;
    }
    gone();
  }

  private void gone() {
    runners.counts.lost.increment();
    log.info(
        "{}: the turn is not run here any more: it was taken over, has ended or is gone", attempt);
    over();
    runners.followers.lost(session(), turn.id());
    settleIfGone();
  }

  /** Whoever ends a turn settles it, but with its session it went without an end. */
  private void settleIfGone() {
    if (request.reserved() == null) {
      return;
    }
    runners
        .store
        .turn(session(), null, turn.id())
        .then(Mono.<Usage>empty())
        .onErrorResume(StoreErrors::isGone, _ -> usage(TurnEnding.CANCELLED, null))
        .subscribe(
            used -> runners.settle(turn, spent(used)),
            error -> log.debug("{}: its tokens were not settled: {}", attempt, error.toString()));
  }

  // ---- the end

  private void end(TurnEnding how) {
    end(how, null);
  }

  private void end(TurnEnding how, ModelEvent.@Nullable Finish finish) {
    if (!phase.isOpen()) {
      return;
    }
    phase = Phase.ENDING;
    if (finish == null) {
      model.dispose();
    }
    // Whoever follows the turn must have all of it before its end.
    flusher.drain(() ->
        usage(how, finish)
            .subscribe(
                usage -> serial.execute(() -> send(end(how, finish, usage))),
                error -> {
                  log.warn("{}: tokens could not be counted: {}", attempt, error.toString());
                  serial.execute(() -> send(end(how, finish, NOTHING)));
                }));
  }

  /** What the server said, else what was counted here. */
  private Mono<Usage> usage(TurnEnding how, ModelEvent.@Nullable Finish finish) {
    ModelCall call = asked;
    if (finish != null && finish.usage() != null) {
      return Mono.just(finish.usage());
    }
    boolean unanswered = how.status() == Turn.Status.FAILED && answer.isEmpty();
    if (call == null || unanswered) {
      return Mono.just(NOTHING);
    }
    return Mono.zip(
        runners.history.tokensOf(call, lane()),
        runners.history.tokensOf(answer.counted(), lane()),
        (input, output) -> new Usage(input, output, 0, 0));
  }

  /** With what a summary of the thread cost. */
  private long spent(Usage usage) {
    Compaction done = compaction;
    long before = done == null || done.usage() == null ? 0 : done.usage().total();
    return before + (cached ? 0 : usage.total());
  }

  private End end(TurnEnding how, ModelEvent.@Nullable Finish finish, Usage usage) {
    // Asked for while the last of the answer was written: it is not too late yet.
    TurnEnding ending = rollback ? TurnEnding.ROLLED_BACK : how;
    boolean whole = ending.status() == Turn.Status.COMPLETED;
    List<NewMessage> output =
        rollback
            ? List.of()
            : whole ? answer.whole(turn.id()) : answer.cutShort(turn.id(), ending.why());
    String name = finish == null ? null : finish.model();
    Json json = ending.toJson(usage.total() == 0 ? null : usage, name, cached, compaction);
    List<String> remove = rollback ? turn.input() : List.of();
    return new End(
        rollback ? Form.ROLLED_BACK : Form.WITH_ANSWER,
        new EndTurn(attempt, ending.status(), output, json, remove, false),
        usage,
        finish);
  }

  private void send(End end) {
    if (phase == Phase.OVER) {
      return;
    }
    phase = Phase.WRITING;
    runners
        .largeWrites
        .send(end.bytes(), runners.store.write(session(), end.write()))
        .subscribe(
            outcome -> serial.execute(() -> ended(end, outcome)),
            error -> serial.execute(() -> notEnded(end, error)));
  }

  private void ended(End end, Outcome outcome) {
    if (phase == Phase.OVER) {
      return;
    }
    over();
    boolean ours = outcome instanceof Outcome.Applied || unsure;
    if (ours) {
      runners.counts.countEnd(end.write().status());
      if (cached) {
        runners.counts.cached.increment();
      }
    }
    if (outcome instanceof Outcome.Applied applied) {
      List<ModelEvent> unkept = flusher.unkept();
      if (end.form() != Form.WITH_ANSWER) {
        unkept = List.of();
      } else if (!unkept.isEmpty()) {
        // The store had room for the end after all, and so for what it had refused just before.
        runners.followers.said(session(), turn.id(), flusher.last() + 1, unkept);
      }
      runners.followers.ended(
          Records.ended(turn, end.write(), applied.head()), flusher.last() + unkept.size());
    } else {
      runners.followers.lost(session(), turn.id());
    }
    runners.next(session());
    if (ours) {
      runners.settle(turn, spent(end.usage()));
    }
  }

  private void notEnded(End end, Throwable error) {
    if (phase == Phase.OVER) {
      return;
    }
    if (StoreErrors.isAway(error)) {
      unsure |= ProblemException.is(error, ProblemCode.OUTCOME_UNKNOWN);
      runners.ticks.after(Timers.AWAY.pause(++failures), () -> serial.execute(() -> send(end)));
    } else if (ProblemException.is(error, ProblemCode.TURN_RUNNING)
        && end.form() != Form.ROLLED_BACK) {
      // Asked for after the last look at what is wanted.
      rollback = true;
      send(end(TurnEnding.ROLLED_BACK, end.finish(), end.usage()));
    } else if (StoreErrors.isFull(error) && end.form() != Form.WITHOUT_ROOM) {
      send(withoutRoom(end));
    } else if (StoreErrors.isGone(error) || ProblemException.is(error, ProblemCode.TURN_ENDED)) {
      gone();
    } else {
      // No refusal that a second try could change. The lease runs out, and a reaper tries.
      log.error("{}: the turn could not be ended", attempt, error);
      over();
      runners.followers.lost(session(), turn.id());
    }
  }

  /** The end that a full store takes: it says what became of the answer, in the place of it. */
  private End withoutRoom(End end) {
    return new End(
        Form.WITHOUT_ROOM,
        TurnEnding.withoutRoom(end.write(), end.usage()),
        end.usage(),
        end.finish());
  }

  private void over() {
    if (phase == Phase.OVER) {
      return;
    }
    phase = Phase.OVER;
    memory.close();
    flusher.stop();
    if (!finished) {
      model.dispose();
    }
    if (listening != null) {
      listening.dispose();
      listening = null;
    }
    runners.over(this);
  }
}
