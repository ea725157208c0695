package io.heddle.web;

import io.heddle.base.ByteBudget;
import io.heddle.base.ByteBudget.Hold;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.TickedSubscriber;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
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
import reactor.core.publisher.SignalType;
import reactor.core.scheduler.Schedulers;

/**
 * Reads whole request bodies into memory, within a size and a time.
 *
 * <p>A body that is too large is read to its end and thrown away before it is refused with {@code
 * body-too-large}: most clients write all of it before they look at the answer, and would see a
 * reset connection instead. Beyond {@link #MAX_DISCARDED} bytes and when it takes too long, and for
 * a body that is too slow ({@code request-timeout}), the connection is closed.
 *
 * <p>Before bytes are kept for a body they are counted in the {@link ByteBudget}, for its caller
 * and address, with the copies that parsing and storing make of it: for all of a body that says how
 * long it is, else as it grows. Over the budget it is refused with {@code overloaded}, and nothing
 * of it is kept. A few of those are read to their end first, for clients that write all of a body
 * before they look at the answer. The others are not read at all and told a moment later: many at
 * once are an attack, which reading them, or having them come back at once, would only help.
 *
 * <p>A body that comes on a kept connection right behind the request before it may stand still:
 * Reactor Netty reads on demand, and nobody asks for more when its queue of early requests runs
 * empty ({@link KeepAliveReads}). So of a body that has not moved since the ticker came by last
 * more is asked for; one read too many does no harm.
 *
 * <p>One ticker watches over all bodies: a timer for each request would wake another thread each
 * time.
 */
public final class BodyReader implements AutoCloseable {

  private static final byte[] EMPTY = new byte[0];
  private static final long MAX_DISCARDED = 64L << 20;
  private static final int FIRST_CAPACITY = 64 << 10;

  /** A body, what was parsed of it, and what is sent to the store of that. */
  private static final int COPIES = 3;

  /** How long a refused body's client may go on writing, or waits for its refusal. */
  private static final Duration REFUSED = Duration.ofSeconds(1);

  /** Refused bodies that are read to their end at once. */
  private static final int MOST_REFUSED = 16;

  /** What was begun for a caller who hung up may go on for as long as the store may take. */
  private static final Duration AFTER_HANG_UP = Duration.ofSeconds(2);

  private static final String HOLD = BodyReader.class.getName() + ".hold";
  private static final String PLAIN_JSON = "application/json";

  private final int maxBytes;
  private final Duration timeout;
  private final ByteBudget budget;
  private final AtomicInteger refused = new AtomicInteger();
  private final Set<Collector> open = ConcurrentHashMap.newKeySet();
  private final Disposable ticker;

  /**
   * @param maxBytes a body may have
   * @param timeout from the first look at a body to its last byte
   */
  public BodyReader(int maxBytes, Duration timeout, ByteBudget budget) {
    this.budget = budget;
    this.maxBytes = maxBytes;
    this.timeout = timeout;
    long period = Math.clamp(timeout.toMillis() / 20, 10, 250);
    ticker =
        Schedulers.parallel()
            .schedulePeriodically(this::closeLate, period, period, TimeUnit.MILLISECONDS);
  }

  /** The most bytes that a body may have. */
  public int maxBytes() {
    return maxBytes;
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

  /**
   * Gives back what the body of this request holds. Whoever lets handlers read bodies calls it when
   * the request's answer is there, or nobody waits for one any more.
   *
   * @param signal how the request ended; after a cancel its work may go on for a while
   */
  public static void release(ServerWebExchange exchange, SignalType signal) {
    if (exchange.getAttributes().get(HOLD) instanceof Hold hold) {
      if (signal == SignalType.CANCEL) {
        Schedulers.parallel()
            .schedule(hold::close, AFTER_HANG_UP.toMillis(), TimeUnit.MILLISECONDS);
      } else {
        hold.close();
      }
    }
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
    return Mono.defer(() -> {
      Hold hold = budget.hold(Callers.kept(exchange).holder());
      // Before anything is counted: whoever hangs up at any time from now on gives it back.
      exchange.getAttributes().put(HOLD, hold);
      boolean counted = length > most || hold.tryGrow(COPIES * Math.max(0, length));
      if (!counted && asksFirst) {
        hold.close();
        closeAfter(exchange.getResponse());
        return Mono.error(ByteBudget.overloaded());
      }
      return new Body(exchange, hold, counted, length, most);
    });
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
    private final ServerWebExchange exchange;
    private final Hold hold;
    private final boolean counted;
    private final long length;
    private final int most;

    Body(ServerWebExchange exchange, Hold hold, boolean counted, long length, int most) {
      this.exchange = exchange;
      this.hold = hold;
      this.counted = counted;
      this.length = length;
      this.most = most;
    }

    @Override
    public void subscribe(CoreSubscriber<? super byte[]> actual) {
      Flux<DataBuffer> source = exchange.getRequest().getBody();
      source.subscribe(new Collector(actual, exchange, hold, counted, length, most));
    }
  }

  /** Copies chunks into one array, which is touched by the network's thread only. */
  private final class Collector extends TickedSubscriber<DataBuffer, byte[]> {
    private final ServerWebExchange exchange;
    private final Hold hold;
    private final boolean known;
    private final int most;
    private volatile long deadline = System.nanoTime() + timeout.toNanos();
    private byte[] bytes;
    private int size;
    private long discarded;

    /** What had arrived when the ticker came by last; it reads the counts of another thread. */
    private long seen = -1;

    private volatile boolean tooLarge;
    private volatile boolean overloaded;

    /** Whether it is refused and one of the few that are read to their end. */
    private final AtomicBoolean toItsEnd = new AtomicBoolean();

    Collector(
        CoreSubscriber<? super byte[]> actual,
        ServerWebExchange exchange,
        Hold hold,
        boolean counted,
        long length,
        int most) {
      super(actual);
      this.exchange = exchange;
      this.hold = hold;
      this.known = length >= 0;
      this.most = most;
      this.tooLarge = length > most;
      boolean kept = known && counted && !tooLarge;
      this.bytes = kept ? new byte[(int) Math.min(length, FIRST_CAPACITY)] : EMPTY;
      if (!counted) {
        overloaded();
      }
    }

    @Override
    protected void open(Subscription source) {
      open.add(this);
      if (!overloaded || toItsEnd.get()) {
        source.request(Long.MAX_VALUE);
      }
    }

    @Override
    protected void close() {
      open.remove(this);
      notToItsEnd();
    }

    @Override
    public void onNext(DataBuffer buffer) {
      int count = buffer.readableByteCount();
      if (isDone()) {
        DataBufferUtils.release(buffer);
        return;
      }
      if (!overloaded && !tooLarge && count > most - size) {
        tooLarge = true;
        bytes = EMPTY;
        hold.shrink(hold.bytes());
      }
      if (overloaded || tooLarge || !hasRoom(count)) {
        DataBufferUtils.release(buffer);
        discarded += count;
        if (overloaded ? !toItsEnd.get() || discarded > most : discarded > MAX_DISCARDED) {
          giveUp(refusal());
        }
        return;
      }
      buffer.read(bytes, size, count);
      size += count;
      DataBufferUtils.release(buffer);
    }

    private boolean hasRoom(int count) {
      if (bytes.length - size >= count) {
        return true;
      }
      long twice = Math.min(most, bytes.length * 2L);
      int capacity = (int) Math.max(size + count, twice);
      if (!known && !hold.tryResize((long) COPIES * capacity)) {
        overloaded();
        return false;
      }
      bytes = Arrays.copyOf(bytes, capacity);
      return true;
    }

    /** Keeps nothing of it, and waits for the rest for a moment. */
    private void overloaded() {
      overloaded = true;
      bytes = EMPTY;
      hold.close();
      long soon = System.nanoTime() + REFUSED.toNanos();
      if (deadline - soon > 0) {
        deadline = soon;
      }
      toItsEnd.set(true);
      if (refused.incrementAndGet() > MOST_REFUSED || isDone()) {
        notToItsEnd();
      }
    }

    private void notToItsEnd() {
      if (toItsEnd.compareAndSet(true, false)) {
        refused.decrementAndGet();
      }
    }

    private ProblemException refusal() {
      return overloaded ? ByteBudget.overloaded() : tooLarge ? tooLarge(most) : tooLate();
    }

    @Override
    public void onError(Throwable error) {
      if (finish()) {
        hold.close();
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
      if (tooLarge || overloaded) {
        hold.close();
        actual.onError(refusal());
      } else {
        // Held until the request is answered: what is made of the body lives as long as that.
        actual.onNext(size == bytes.length ? bytes : Arrays.copyOf(bytes, size));
        actual.onComplete();
      }
    }

    @Override
    public void cancel() {
      if (finish()) {
        hold.close();
        cancelSource();
      }
    }

    void closeIfLate(long now) {
      if (now - deadline > 0) {
        giveUp(refusal());
        return;
      }
      long arrived = size + discarded;
      if (arrived == seen && !overloaded && !isDone()) {
        GuardedConnection.readMore(exchange.getResponse());
      }
      seen = arrived;
    }

    /** Refuses without the rest of the body, which the connection cannot be used after. */
    private void giveUp(ProblemException problem) {
      if (finish()) {
        hold.close();
        closeAfter(exchange.getResponse());
        cancelSource();
        actual.onError(problem);
      }
    }
  }
}
