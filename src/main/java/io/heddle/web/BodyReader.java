package io.heddle.web;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Schedulers;

/**
 * Reads whole request bodies into memory, within a size and a time.
 *
 * <p>A body that is too large is read to its end and thrown away before it is refused with {@code
 * body-too-large}: most clients write all of it before they look at the answer, and would see a
 * reset connection instead. Beyond {@link #MAX_DISCARDED} bytes and when it takes too long, and for
 * a body that is too slow ({@code request-timeout}), the connection is closed.
 *
 * <p>One ticker watches over all bodies: a timer for each request would wake another thread each
 * time.
 */
public final class BodyReader implements AutoCloseable {

  private static final byte[] EMPTY = new byte[0];
  private static final long MAX_DISCARDED = 64L << 20;
  private static final int FIRST_CAPACITY = 64 << 10;
  private static final String PLAIN_JSON = "application/json";

  private final int maxBytes;
  private final Duration timeout;
  private final Set<Collector> open = ConcurrentHashMap.newKeySet();
  private final Disposable ticker;

  /**
   * @param maxBytes a body may have
   * @param timeout from the first look at a body to its last byte
   */
  public BodyReader(int maxBytes, Duration timeout) {
    this.maxBytes = maxBytes;
    this.timeout = timeout;
    long period = Math.clamp(timeout.toMillis() / 20, 10, 250);
    ticker =
        Schedulers.parallel()
            .schedulePeriodically(this::closeLate, period, period, TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    ticker.dispose();
  }

  /** A JSON body; {@code unsupported-media-type} for anything that is not declared as JSON. */
  public Mono<byte[]> json(ServerWebExchange exchange) {
    return read(exchange, false);
  }

  /** A JSON body or a merge patch. */
  public Mono<byte[]> mergePatch(ServerWebExchange exchange) {
    return read(exchange, true);
  }

  /** A JSON body, or no bytes at all when the request has no body. */
  public Mono<byte[]> jsonOrNothing(ServerWebExchange exchange) {
    HttpHeaders headers = exchange.getRequest().getHeaders();
    boolean none =
        headers.getContentLength() <= 0 && headers.getFirst(HttpHeaders.TRANSFER_ENCODING) == null;
    return none ? Mono.just(EMPTY) : read(exchange, false);
  }

  /**
   * A body of any type, or of none.
   *
   * @param most bytes it may have, whatever other bodies may
   */
  public Mono<byte[]> bytes(ServerWebExchange exchange, int most) {
    return body(exchange, most);
  }

  private Mono<byte[]> read(ServerWebExchange exchange, boolean mergePatch) {
    Problem wrongType = contentType(exchange.getRequest(), mergePatch);
    return wrongType == null ? body(exchange, maxBytes) : Mono.error(wrongType.toException());
  }

  private Mono<byte[]> body(ServerWebExchange exchange, int most) {
    ServerHttpRequest request = exchange.getRequest();
    long length = request.getHeaders().getContentLength();
    boolean asksFirst = request.getHeaders().getFirst(HttpHeaders.EXPECT) != null;
    if (length > MAX_DISCARDED + most || (length > most && asksFirst)) {
      closeAfter(exchange.getResponse());
      return Mono.error(tooLarge(most));
    }
    return new Body(request.getBody(), exchange.getResponse(), length, most);
  }

  private static @Nullable Problem contentType(ServerHttpRequest request, boolean mergePatch) {
    String text = request.getHeaders().getFirst(HttpHeaders.CONTENT_TYPE);
    if (PLAIN_JSON.equals(text)) {
      return null;
    }
    if (text == null) {
      return wrongType("The request does not say its content type", mergePatch);
    }
    MediaType type;
    try {
      type = MediaType.parseMediaType(text);
      if (type.getCharset() != null
          && !"utf-8".equalsIgnoreCase(type.getParameter("charset"))
          && !"\"utf-8\"".equalsIgnoreCase(type.getParameter("charset"))) {
        return wrongType("JSON is read as UTF-8 only", mergePatch);
      }
    } catch (IllegalArgumentException _) {
      return wrongType("The content type cannot be understood", mergePatch);
    }
    String subtype = type.getSubtype();
    boolean json = subtype.equals("json") || subtype.endsWith("+json");
    boolean other =
        subtype.equals("json-patch+json") || (!mergePatch && subtype.equals("merge-patch+json"));
    return type.getType().equals("application") && json && !other
        ? null
        : wrongType("The call does not read " + type.getType() + "/" + subtype, mergePatch);
  }

  private static Problem wrongType(String detail, boolean mergePatch) {
    String takes = mergePatch ? "; send application/merge-patch+json" : "; send application/json";
    return Problem.field(
        ProblemCode.UNSUPPORTED_MEDIA_TYPE, HttpHeaders.CONTENT_TYPE, detail + takes);
  }

  private static ProblemException tooLarge(int most) {
    return Problem.of(ProblemCode.BODY_TOO_LARGE, "The body is larger than " + most + " bytes")
        .with("limit", most)
        .toException();
  }

  private ProblemException tooLate() {
    return Problem.of(
            ProblemCode.REQUEST_TIMEOUT,
            "The body did not arrive within " + timeout.toMillis() + " ms")
        .toException();
  }

  private static void closeAfter(ServerHttpResponse response) {
    response.getHeaders().set(HttpHeaders.CONNECTION, "close");
  }

  private void closeLate() {
    long now = System.nanoTime();
    for (Collector collector : open) {
      collector.closeIfLate(now);
    }
  }

  private final class Body extends Mono<byte[]> {
    private final Flux<DataBuffer> source;
    private final ServerHttpResponse response;
    private final long length;
    private final int most;

    Body(Flux<DataBuffer> source, ServerHttpResponse response, long length, int most) {
      this.source = source;
      this.response = response;
      this.length = length;
      this.most = most;
    }

    @Override
    public void subscribe(CoreSubscriber<? super byte[]> actual) {
      source.subscribe(new Collector(actual, response, length, most));
    }
  }

  /**
   * Copies chunks into one array. Whoever sets {@code done} first (the end, an error, the ticker, a
   * cancel) has the last word; the array is touched by the network's thread only.
   */
  private final class Collector implements CoreSubscriber<DataBuffer>, Subscription {
    private final CoreSubscriber<? super byte[]> actual;
    private final ServerHttpResponse response;
    private final int most;
    private final AtomicBoolean done = new AtomicBoolean();
    private final long deadline = System.nanoTime() + timeout.toNanos();
    private byte[] bytes;
    private int size;
    private long discarded;
    private volatile boolean tooLarge;
    private @Nullable Subscription upstream;

    Collector(
        CoreSubscriber<? super byte[]> actual, ServerHttpResponse response, long length, int most) {
      this.actual = actual;
      this.response = response;
      this.most = most;
      this.tooLarge = length > most;
      this.bytes =
          length < 0 || tooLarge ? EMPTY : new byte[(int) Math.min(length, FIRST_CAPACITY)];
    }

    @Override
    public reactor.util.context.Context currentContext() {
      return actual.currentContext();
    }

    @Override
    public void onSubscribe(Subscription subscription) {
      upstream = subscription;
      actual.onSubscribe(this);
    }

    @Override
    public void request(long n) {
      Subscription source = upstream;
      if (source == null || done.get()) {
        return;
      }
      open.add(this);
      source.request(Long.MAX_VALUE);
      if (done.get()) {
        open.remove(this);
      }
    }

    @Override
    public void onNext(DataBuffer buffer) {
      int count = buffer.readableByteCount();
      if (done.get()) {
        DataBufferUtils.release(buffer);
        return;
      }
      if (tooLarge || count > most - size) {
        DataBufferUtils.release(buffer);
        tooLarge = true;
        bytes = EMPTY;
        discarded += count;
        if (discarded > MAX_DISCARDED) {
          giveUp(tooLarge(most));
        }
        return;
      }
      if (bytes.length - size < count) {
        bytes = Arrays.copyOf(bytes, Math.max(size + count, Math.min(most, bytes.length * 2)));
      }
      buffer.read(bytes, size, count);
      size += count;
      DataBufferUtils.release(buffer);
    }

    @Override
    public void onError(Throwable error) {
      if (finish()) {
        actual.onError(error);
      } else {
        Operators.onErrorDropped(error, actual.currentContext());
      }
    }

    @Override
    public void onComplete() {
      if (!finish()) {
        return;
      }
      if (tooLarge) {
        actual.onError(tooLarge(most));
      } else {
        actual.onNext(size == bytes.length ? bytes : Arrays.copyOf(bytes, size));
        actual.onComplete();
      }
    }

    @Override
    public void cancel() {
      if (finish() && upstream != null) {
        upstream.cancel();
      }
    }

    void closeIfLate(long now) {
      if (now - deadline > 0) {
        giveUp(tooLarge ? tooLarge(most) : tooLate());
      }
    }

    /** Refuses without the rest of the body, which the connection cannot be used after. */
    private void giveUp(ProblemException problem) {
      if (finish()) {
        closeAfter(response);
        if (upstream != null) {
          upstream.cancel();
        }
        actual.onError(problem);
      }
    }

    private boolean finish() {
      if (!done.compareAndSet(false, true)) {
        return false;
      }
      open.remove(this);
      return true;
    }
  }
}
