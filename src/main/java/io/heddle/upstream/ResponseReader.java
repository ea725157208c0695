package io.heddle.upstream;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteBudget.Hold;
import io.heddle.base.ByteShare;
import io.heddle.turn.Piece;
import io.heddle.upstream.CallFailure.Blame;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.client.ClientResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What comes back for one request. Its parts are read one by one, in order. */
final class ResponseReader {

  /** Of an answer in one piece: its bytes, and what is read of them. */
  private static final int COPIES = 3;

  private static final int SMALL = 16 << 10;

  private static final int LONGEST_ERROR = 16 * 1024;
  private static final Duration ERROR_BODY = Duration.ofSeconds(2);

  private final UpstreamProperties.Server properties;
  private final Faults faults;
  private final Patience patience;
  private final AnswerAssembler answer;
  private final AnswerReader reader;
  private final EventLines lines;
  private final ByteArrayOutputStream whole = new ByteArrayOutputStream(0);
  private final Hold held;
  private List<Piece> pieces = new ArrayList<>();
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
      Faults faults,
      Patience patience,
      ByteShare share) {
    held = share.hold();
    this.properties = properties;
    this.faults = faults;
    this.patience = patience;
    answer = new AnswerAssembler(faults, properties.maxAnswer().toBytes());
    reader = form.apply(answer);
    lines =
        new EventLines(
            Math.toIntExact(properties.maxEvent().toBytes()),
            (type, data, length) -> reader.event(type, data, length, pieces));
  }

  /** Nothing of it is kept any more. */
  void close() {
    held.close();
  }

  /** Up to the end of the bytes; {@link #end} has the rest. */
  Flux<Piece> read(ClientResponse response) {
    answered = true;
    if (response.statusCode().value() / 100 != 2) {
      return error(response).flux();
    }
    faults.answered();
    MediaType type = type(response);
    isMeantAsJson = type != null && type.getSubtype().matches("(.+\\+)?json");
    if (type != null && type.getSubtype().matches("(.+\\+)?html")) {
      return Flux.error(
          faults.failed(
              "answered with a page for people (" + type.getSubtype() + ")", Blame.SERVER));
    }
    // One part at a time, and the next only when all of it was taken: a slow reader slows the
    // server, and nothing piles up here.
    return response
        .bodyToFlux(DataBuffer.class)
        .doOnRequest(_ -> patience.asks())
        .map(this::part)
        .takeUntil(_ -> isBroken())
        .concatMapIterable(parts -> parts, 1);
  }

  /** What is left to say when the bytes have ended, or are not waited for any longer. */
  synchronized Flux<Piece> end() {
    over = true;
    if (broken != null) {
      return Flux.error(broken);
    }
    CallFailure tooSlow = patience.verdict();
    if (tooSlow != null) {
      return Flux.error(tooSlow);
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
    } catch (CallFailure | EventLines.TooLarge e) {
      // What was said before it is told on.
      return Flux.fromIterable(pieces).concatWith(Flux.error(e));
    }
    return Flux.fromIterable(pieces);
  }

  /** Whether a connection broke when all that matters was there: some servers end so. */
  boolean isOverAnyway(Throwable error) {
    return error instanceof IOException && (answer.isFinished() || answer.hasReason());
  }

  CallFailure failure(Throwable error) {
    return faults.of(error, answered, answer.hasSaid());
  }

  private synchronized List<Piece> part(DataBuffer buffer) {
    byte[] bytes = bytes(buffer);
    if (over) {
      // Patience ended on another thread, while this part was on its way.
      return List.of();
    }
    pieces = new ArrayList<>();
    if (isJson == null) {
      int first = first(bytes);
      if (first == bytes.length) {
        patience.hears(false);
        return pieces;
      }
      isJson = bytes[first] == '{' || bytes[first] == '[';
      bytes = first == 0 ? bytes : Arrays.copyOfRange(bytes, first, bytes.length);
    }
    if (isJson) {
      if (whole.size() + bytes.length > properties.maxAnswer().toBytes()) {
        throw faults.failed(
            "gave an answer larger than " + properties.maxAnswer().toBytes() + " bytes",
            Blame.NOBODY);
      }
      weigh(COPIES * ((long) whole.size() + bytes.length));
      whole.writeBytes(bytes);
    } else {
      read(bytes);
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
  private static int first(byte[] bytes) {
    int at = 0;
    while (at < bytes.length
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
  private void read(byte[] bytes) {
    try {
      lines.read(bytes);
    } catch (CallFailure | EventLines.TooLarge e) {
      if (pieces.isEmpty()) {
        throw e;
      }
      broken = e;
      over = true;
    }
  }

  private synchronized boolean isBroken() {
    return broken != null;
  }

  private Mono<Piece> error(ClientResponse response) {
    int status = response.statusCode().value();
    MediaType type = type(response);
    boolean isText = type == null || !type.getSubtype().matches("(.+\\+)?(ht|x)ml");
    Duration wait = wait(response);
    return DataBufferUtils.join(
            DataBufferUtils.takeUntilByteCount(
                response.bodyToFlux(DataBuffer.class), LONGEST_ERROR))
        .map(ResponseReader::bytes)
        .timeout(ERROR_BODY)
        // The status says enough.
        .onErrorReturn(new byte[0])
        .defaultIfEmpty(new byte[0])
        .flatMap(body ->
            Mono.error(
                faults.status(
                    status, ServerError.of(body, isText), wait, properties.maxRetryWait())));
  }

  private static byte[] bytes(DataBuffer buffer) {
    byte[] bytes = new byte[buffer.readableByteCount()];
    buffer.read(bytes);
    DataBufferUtils.release(buffer);
    return bytes;
  }

  private static @Nullable MediaType type(ClientResponse response) {
    try {
      return response.headers().contentType().orElse(null);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** What {@code retry-after-ms} or {@code Retry-After} ask, or null. */
  private static @Nullable Duration wait(ClientResponse response) {
    String millis = response.headers().asHttpHeaders().getFirst("retry-after-ms");
    String after = response.headers().asHttpHeaders().getFirst("Retry-After");
    try {
      if (millis != null) {
        return Duration.ofMillis((long) Math.ceil(positive(Double.parseDouble(millis.strip()))));
      }
      if (after == null) {
        return null;
      }
      return after.strip().matches("[0-9.]+")
          ? Duration.ofMillis((long) Math.ceil(positive(Double.parseDouble(after.strip())) * 1000))
          : until(after.strip());
    } catch (NumberFormatException | DateTimeParseException e) {
      return null;
    }
  }

  private static double positive(double value) {
    return Math.clamp(value, 0.001, 1e9);
  }

  private static Duration until(String date) {
    Instant then =
        DateTimeFormatter.RFC_1123_DATE_TIME.withLocale(Locale.ROOT).parse(date, Instant::from);
    Duration wait = Duration.between(Instant.now(), then);
    return wait.isPositive() ? wait : Duration.ofMillis(1);
  }
}
