package io.heddle.api;

import io.heddle.base.Caller;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.limit.Admission;
import io.heddle.live.Frame;
import io.heddle.session.IdempotentRequest;
import io.heddle.session.NewMessage;
import io.heddle.session.SessionAttributes;
import io.heddle.session.WriteContext;
import io.heddle.session.WritePreconditions;
import io.heddle.session.service.ThreadService;
import io.heddle.turn.TurnSpec;
import io.heddle.web.AdmissionGate;
import io.heddle.web.IdempotencyHashes;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** What is asked over a socket, on the same terms as over HTTP. */
final class SocketWrites {

  private static final HexFormat HEX = HexFormat.of();

  private final ThreadService threads;
  private final TurnStarts starts;
  private final AdmissionGate gate;
  private final WriteCalls calls;

  /**
   * @param limits what is left of them; null when none was asked
   */
  record Written(@Nullable Frame limits, Frame answer) {}

  SocketWrites(ThreadService threads, TurnStarts starts, WriteCalls calls) {
    this.threads = threads;
    this.starts = starts;
    this.gate = calls.gate();
    this.calls = calls;
  }

  /** A refusal is an answer too. */
  Mono<Written> write(Caller caller, SocketRequest.Writing request) {
    SessionKey key = new SessionKey(caller.tenant(), request.session());
    String path = "/v1/sessions/" + request.session();
    return switch (request) {
      case SocketRequest.Append append ->
          limited(caller, path + "/messages", append, it -> append(caller, key, it, append));
      case SocketRequest.Turn turn ->
          limited(caller, path + "/turns", turn, it -> begin(caller, key, it, turn));
      case SocketRequest.Cancel cancel ->
          limited(
              caller,
              path + "/turns/" + cancel.turn() + "/cancel",
              cancel,
              it -> cancel(caller, key, it, cancel));
    };
  }

  /** Counts what is asked over a socket and changes nothing. */
  Mono<Admission> admitRead(Caller caller, String path) {
    return gate.admit(caller, false, path);
  }

  /** What is asked, once its limits have been; {@code path} is the one it would have over HTTP. */
  private record Asked(Admission admission, String path) {}

  private Mono<Written> limited(
      Caller caller, String path, SocketRequest request, Function<Asked, Mono<Frame>> work) {
    return gate.admit(caller, true, path)
        .flatMap(admission ->
            Mono.defer(() -> work.apply(new Asked(admission, path)))
                .onErrorResume(
                    ProblemException.class,
                    e -> Mono.just(SocketFrames.error(request, e.problem())))
                .map(answer -> new Written(SocketFrames.limits(admission), answer)));
  }

  private Mono<Frame> append(
      Caller caller, SessionKey key, Asked asked, SocketRequest.Append append) {
    WriteContext request =
        writing(caller, key, asked, append.on(), digest -> add(append.messages(), digest));
    SessionAttributes made = made(caller, append.on());
    return gate.write(
            asked.admission(),
            request.requested(),
            key,
            () -> threads.append(request, append.messages(), made))
        .map(written -> SocketFrames.ack(append.ref(), append.session(), written));
  }

  private Mono<Frame> begin(Caller caller, SessionKey key, Asked asked, SocketRequest.Turn turn) {
    TurnSpec order =
        TurnBody.order(turn.input(), turn.model(), turn.parameters(), turn.onBusy(), null);
    WriteContext request =
        writing(
            caller,
            key,
            asked,
            turn.on(),
            digest -> {
              add(turn.input(), digest);
              add(turn.model(), digest);
              digest.update(turn.parameters().utf8());
              add(turn.onBusy().text(), digest);
            });
    SessionAttributes made = made(caller, turn.on());
    return gate.write(
            asked.admission(), request.requested(), key, () -> starts.begin(request, order, made))
        .map(begun -> SocketFrames.ack(turn.ref(), begun));
  }

  private Mono<Frame> cancel(
      Caller caller, SessionKey key, Asked asked, SocketRequest.Cancel cancel) {
    TurnAnswers.check(key, cancel.turn());
    WriteContext request = calls.writing(caller, key, WritePreconditions.NONE, null);
    gate.requireAllowed(asked.admission());
    return starts
        .turns()
        .cancel(request, cancel.turn())
        .map(turn -> SocketFrames.ack(cancel.ref(), turn));
  }

  private @Nullable SessionAttributes made(Caller caller, SocketRequest.On on) {
    return on.create() ? calls.description(caller) : null;
  }

  private WriteContext writing(
      Caller caller,
      SessionKey key,
      Asked asked,
      SocketRequest.On on,
      Consumer<MessageDigest> body) {
    WritePreconditions conditions =
        new WritePreconditions(
            caller.owner(), retry(caller, asked.path(), on, body), on.lock(), on.ifMatch());
    return calls.writing(caller, key, conditions, on.waitFor());
  }

  /** A repeated request may have another ref; it must ask for the same. */
  private static @Nullable IdempotentRequest retry(
      Caller caller, String path, SocketRequest.On on, Consumer<MessageDigest> body) {
    if (on.key() == null) {
      return null;
    }
    MessageDigest digest = IdempotencyHashes.sha256();
    digest.update((byte) (on.create() ? 1 : 0));
    body.accept(digest);
    return new IdempotentRequest(
        HEX.formatHex(IdempotencyHashes.hash(caller, "SOCKET", path, on.key())),
        HEX.formatHex(digest.digest()));
  }

  private static void add(List<NewMessage> messages, MessageDigest digest) {
    for (NewMessage message : messages) {
      add(message.id(), digest);
      digest.update(message.body().utf8());
      digest.update((byte) 0);
    }
  }

  private static void add(@Nullable String text, MessageDigest digest) {
    digest.update((text == null ? "" : text).getBytes(StandardCharsets.UTF_8));
    digest.update((byte) 0);
  }
}
