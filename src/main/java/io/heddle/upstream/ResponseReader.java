package io.heddle.upstream;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteBudget.Hold;
import io.heddle.base.ByteShare;
import io.heddle.turn.ModelEvent;
import io.heddle.upstream.CallFailure.Blame;
import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.FastThreadLocal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What comes back for one request. Its parts are read one by one, in order. */
final class ResponseReader {

  /** Of an answer in one piece: its bytes, and what is read of them. */
  private static final int COPIES = 3;

  private static final int SMALL = 16 << 10;

  /** What a thread reads of a small part: nobody keeps its bytes. */
  private static final FastThreadLocal<byte[]> SCRATCH =
      new FastThreadLocal<>() {
        @Override
        protected byte[] initialValue() {
          return new byte[SMALL];
        }
      };

  private static final int LONGEST_ERROR = 16 * 1024;
  private static final Duration ERROR_BODY = Duration.ofSeconds(2);

  private final UpstreamProperties.Server properties;
  private final FailureMapper faults;
  private final ResponseTimeouts patience;
  private final AnswerAssembler answer;
  private final AnswerReader reader;
  private final SseParser lines;
  private final ByteArrayOutputStream whole = new ByteArrayOutputStream(0);
  private final Hold held;
  private List<ModelEvent> pieces = new ArrayList<>();
  private @Nullable Boolean isJson;
  private boolean isMeantAsJson;
  private boolean over;
  private @Nullable RuntimeException broken;
  private volatile boolean answered;

  /**
   * @param form makes the reader of the answer's form
   * @param share whose answer it is
   */
  ResponseReader(
      UpstreamProperties.Server properties,
      Function<AnswerAssembler, AnswerReader> form,
      FailureMapper faults,
      ResponseTimeouts patience,
      ByteShare share) {
    held = share.hold();
    this.properties = properties;
    this.faults = faults;
    this.patience = patience;
    answer = new AnswerAssembler(faults, properties.maxAnswer().toBytes());
    reader = form.apply(answer);
    lines =
        new SseParser(
            Math.toIntExact(properties.maxEvent().toBytes()),
            (type, data, length) -> reader.event(type, data, length, pieces));
  }

  /** Nothing of it is kept any more. */
  void close() {
    held.close();
  }

  /**
   * What each part of the bytes says, up to their end or until {@link #isBroken}; {@link #end} has
   * the rest. A list may be empty.
   *
   * @param content whose buffers are only valid while they are handed over
   */
  Flux<List<ModelEvent>> read(ResponseHead head, Flux<ByteBuf> content) {
    return head.encoding().isEmpty() ? readPlain(head, content) : decompressed(head, content);
  }

  private Flux<List<ModelEvent>> decompressed(ResponseHead head, Flux<ByteBuf> content) {
    answered = true;
    String encoding = faults.cleaned(head.encoding());
    Decompression decompression =
        Decompression.of(
            head.encoding(),
            Math.toIntExact(properties.maxAnswer().toBytes()),
            () ->
                faults.failed(
                    "sent bytes that are not of its encoding " + encoding,
                    answer.hasSaid() ? Blame.NOBODY : Blame.SERVER));
    if (decompression == null) {
      if (!head.isOk()) {
        // The status says enough.
        return readPlain(head, Flux.empty());
      }
      return Flux.error(
          faults.failed(
              "answered in an encoding that it was not asked for: " + encoding, Blame.SERVER));
    }
    return readPlain(head, content.map(buffer -> decompression.next(bytes(buffer))))
        .doFinally(_ -> decompression.close());
  }

  private Flux<List<ModelEvent>> readPlain(ResponseHead head, Flux<ByteBuf> content) {
    answered = true;
    if (!head.isOk()) {
      return error(head, content).flux();
    }
    faults.answered();
    isMeantAsJson = head.isJson();
    if (head.isHtml()) {
      return Flux.error(
          faults.failed("answered with a page for people (" + head.subtype() + ")", Blame.SERVER));
    }
    return content.map(this::part);
  }

  /** What is left to say when the bytes have ended, or are not waited for any longer. */
  synchronized End end() {
    over = true;
    if (broken != null) {
      return new End(List.of(), broken);
    }
    CallFailure tooSlow = patience.verdict();
    if (tooSlow != null) {
      return new End(List.of(), tooSlow);
    }
    pieces = new ArrayList<>();
    try {
      reader.ending();
      if (isJson == null ? isMeantAsJson : isJson) {
        reader.whole(whole.toByteArray(), pieces);
      } else {
        lines.end();
        if (lines.stray() != null) {
          throw faults.noStream(lines.stray());
        }
        reader.end(pieces);
      }
    } catch (CallFailure | SseParser.TooLarge e) {
      // What was said before it is told on.
      return new End(pieces, e);
    }
    return new End(pieces, null);
  }

  /**
   * How it ends.
   *
   * @param pieces the last words, before the error if there is one
   */
  record End(List<ModelEvent> pieces, @Nullable RuntimeException error) {

    End told() {
      return new End(List.of(), error);
    }
  }

  /** Whether a connection broke when all that matters was there: some servers end so. */
  boolean isOverAnyway(Throwable error) {
    return error instanceof IOException && (answer.isFinished() || answer.hasReason());
  }

  CallFailure failure(Throwable error) {
    return faults.of(error, answered, answer.hasSaid());
  }

  private synchronized List<ModelEvent> part(ByteBuf buffer) {
    if (over) {
      // Patience ended on another thread, while this part was on its way.
      return List.of();
    }
    int end = buffer.readableBytes();
    byte[] bytes = end <= SMALL ? SCRATCH.get() : new byte[end];
    buffer.readBytes(bytes, 0, end);
    int from = 0;
    pieces = new ArrayList<>();
    if (isJson == null) {
      from = first(bytes, end);
      if (from == end) {
        patience.hears(false);
        return pieces;
      }
      isJson = bytes[from] == '{' || bytes[from] == '[';
    }
    int length = end - from;
    if (isJson) {
      if (whole.size() + length > properties.maxAnswer().toBytes()) {
        throw faults.failed(
            "gave an answer larger than " + properties.maxAnswer().toBytes() + " bytes",
            Blame.NOBODY);
      }
      weigh(COPIES * ((long) whole.size() + length));
      whole.write(bytes, from, length);
    } else {
      read(bytes, from, end);
      weigh(lines.size() + 2L * reader.kept());
    }
    patience.hears(!pieces.isEmpty());
    if (answer.isFinished()) {
      patience.hearsEnd();
    } else if (answer.hasReason()) {
      patience.hearsReason(!pieces.isEmpty());
    }
    return pieces;
  }

  /**
   * Where the first character is that tells what comes, whatever the head says: servers send a
   * whole completion as an event stream, and streams as JSON. Before it there may be empty lines,
   * by which some servers say that they are still there, and a byte order mark.
   */
  private static int first(byte[] bytes, int end) {
    int at = 0;
    while (at < end
        && switch (bytes[at]) {
          case ' ', '\n', '\r', '\t', (byte) 0xef, (byte) 0xbb, (byte) 0xbf -> true;
          default -> false;
        }) {
      at++;
    }
    return at;
  }

  /** A whole answer, or an event that does not end, piles up here before anybody else sees it. */
  private void weigh(long bytes) {
    if ((bytes > SMALL || held.bytes() > 0) && !held.tryResize(bytes)) {
      throw ByteBudget.overloaded();
    }
  }

  /** What was said before something that cannot be read came with the same bytes: it is told on. */
  private void read(byte[] bytes, int from, int to) {
    try {
      lines.read(bytes, from, to);
    } catch (CallFailure | SseParser.TooLarge e) {
      if (pieces.isEmpty()) {
        throw e;
      }
      broken = e;
      over = true;
    }
  }

  /** Whether something came that cannot be read: {@link #end} says what. */
  synchronized boolean isBroken() {
    return broken != null;
  }

  private Mono<List<ModelEvent>> error(ResponseHead head, Flux<ByteBuf> content) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    return content
        .map(ResponseReader::bytes)
        .takeUntil(part -> {
          body.write(part, 0, Math.min(part.length, LONGEST_ERROR - body.size()));
          return body.size() == LONGEST_ERROR;
        })
        .then(Mono.fromSupplier(body::toByteArray))
        .timeout(ERROR_BODY)
        // The status says enough.
        .onErrorReturn(new byte[0])
        .flatMap(words ->
            Mono.error(
                faults.status(
                    head.status(),
                    ServerError.of(words, !head.isHtml() && !head.isXml()),
                    RetryWait.of(head.retryAfterMs(), head.retryAfter()),
                    properties.maxRetryWait())));
  }

  private static byte[] bytes(ByteBuf buffer) {
    byte[] bytes = new byte[buffer.readableBytes()];
    buffer.readBytes(bytes);
    return bytes;
  }
}
