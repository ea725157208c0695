package io.heddle.redis;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.lettuce.core.AbstractRedisClient;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Reads whose answers may be long, on connections of their own: Redis answers a connection in
 * order, so what is written, renewed and flushed would wait behind somebody's big page. What is
 * under way at one time is bounded; what is over waits, and those that are read take turns, so that
 * many readers of one do not keep the others from theirs.
 */
final class RedisPages {

  /**
   * @param units of what may be under way at one time
   */
  enum Size {
    /** A session's state and description, or a record. */
    SHORT(1),
    /** As much as {@code heddle.session.max-page}. */
    PAGE(4);

    private final int units;

    Size(int units) {
      this.units = units;
    }
  }

  /** 12 pages, or 48 short answers: enough for Redis never to be idle. */
  private static final int UNITS = 48;

  /** How often the timeout one may wait, as long as Redis answers what was sent. */
  private static final int PATIENCE = 5;

  private static final Problem BUSY =
      Problem.of(
              ProblemCode.STORE_UNAVAILABLE,
              "More is being read from Redis than it answers in time")
          .with("retryAfter", 1);

  private final List<RedisLink> links;
  private final long timeout;
  private final int mostWaiting;
  private final Map<Object, Queue<Waiting>> queues = new LinkedHashMap<>();
  private final AtomicInteger frees = new AtomicInteger();
  private int free = UNITS;
  private long patience;
  private int waiting;
  private int next;

  /**
   * @param timeout of one request; while Redis lets it pass without an answer, as long as one waits
   *     before it is sent
   * @param mostWaiting reads that may wait; more are refused at once
   */
  RedisPages(
      AbstractRedisClient client,
      Duration timeout,
      int connections,
      int mostWaiting,
      @Nullable RedisRenewal renewal) {
    this.links =
        Stream.generate(() -> new RedisLink(client, timeout, 0, renewal, null))
            .limit(connections)
            .toList();
    this.timeout = timeout.toNanos();
    this.patience = this.timeout * PATIENCE;
    this.mostWaiting = mostWaiting;
  }

  /**
   * Connects the first so many, those that are not yet; blocks, so it is called on a thread of the
   * engine's own.
   */
  void open(int most) {
    links.stream().limit(most).forEach(RedisLink::open);
  }

  void close() {
    links.forEach(RedisLink::close);
  }

  /**
   * Runs a script that reads.
   *
   * @param whose the session, or what else is read: those take turns
   */
  Mono<ScriptReply> read(
      Object whose, Size size, RedisScript script, byte[][] keys, byte[][] args) {
    return Mono.defer(() -> {
      Waiting mine = new Waiting(size, script, keys, args, System.nanoTime());
      boolean now;
      synchronized (queues) {
        now = waiting == 0 && free >= size.units;
        if (now) {
          free -= size.units;
        } else if (waiting < mostWaiting) {
          waiting++;
          queues.computeIfAbsent(whose, _ -> new ArrayDeque<>()).add(mine);
        } else {
          return Mono.error(busy());
        }
      }
      if (now) {
        send(mine);
      }
      return mine.answered();
    });
  }

  private void send(Waiting read) {
    RedisLink link = link();
    long sentAt = System.nanoTime();
    link.read(read.script, read.keys, read.args, sentAt, this::link)
        .subscribe(
            reply -> complete(read, reply, null, false),
            error -> {
              boolean silent = RedisErrors.isAway(error) && !link.wasCutOff(sentAt);
              // What was not answered in time here says nothing about Redis: much is read from it.
              complete(read, null, silent ? busy() : error, silent);
            },
            () -> complete(read, null, null, false));
  }

  private void complete(
      Waiting read, @Nullable ScriptReply reply, @Nullable Throwable error, boolean silent) {
    if (read.answer.isDone()) {
      return;
    }
    try {
      if (reply != null) {
        read.answer.complete(reply);
      } else {
        read.answer.completeExceptionally(error == null ? busy() : error);
      }
    } finally {
      free(read.size, silent);
    }
  }

  /**
   * @param silent whether Redis let the timeout pass: then nobody waits longer than that
   */
  private void free(Size size, boolean silent) {
    synchronized (queues) {
      free += size.units;
      patience = silent ? timeout : timeout * PATIENCE;
    }
    // Not one within the other: where every send fails at once, all that wait would be on one
    // stack.
    if (frees.getAndIncrement() == 0) {
      do {
        sendWaiting();
      } while (frees.decrementAndGet() > 0);
    }
  }

  private void sendWaiting() {
    List<Waiting> sent = new ArrayList<>();
    List<Waiting> late = new ArrayList<>();
    synchronized (queues) {
      long now = System.nanoTime();
      while (waiting > 0) {
        Waiting first = first();
        boolean isLate = now - first.since > patience;
        if (!isLate && first.isWanted && free < first.size.units) {
          break;
        }
        removeFirst();
        if (isLate) {
          late.add(first);
        } else if (first.isWanted) {
          free -= first.size.units;
          sent.add(first);
        }
      }
    }
    late.forEach(read -> read.answer.completeExceptionally(busy()));
    sent.forEach(this::send);
  }

  private Waiting first() {
    return queues.values().iterator().next().element();
  }

  /** Takes the first one out, and puts its session's others behind all sessions. */
  private void removeFirst() {
    Iterator<Map.Entry<Object, Queue<Waiting>>> entries = queues.entrySet().iterator();
    Map.Entry<Object, Queue<Waiting>> entry = entries.next();
    Object whose = entry.getKey();
    Queue<Waiting> queue = entry.getValue();
    entries.remove();
    queue.remove();
    waiting--;
    if (!queue.isEmpty()) {
      queues.put(whose, queue);
    }
  }

  /** The connections in turn, those that are away left out while another is there. */
  private RedisLink link() {
    int from;
    synchronized (queues) {
      from = next = (next + 1) % links.size();
    }
    for (int i = 0; i < links.size(); i++) {
      RedisLink link = links.get((from + i) % links.size());
      if (link.isOpen()) {
        return link;
      }
    }
    return links.get(from);
  }

  private static ProblemException busy() {
    return BUSY.toException();
  }

  private static final class Waiting {
    private final Size size;
    private final RedisScript script;
    private final byte[][] keys;
    private final byte[][] args;
    private final long since;
    private final CompletableFuture<ScriptReply> answer = new CompletableFuture<>();
    private volatile boolean isWanted = true;

    Waiting(Size size, RedisScript script, byte[][] keys, byte[][] args, long since) {
      this.size = size;
      this.script = script;
      this.keys = keys;
      this.args = args;
      this.since = since;
    }

    /** Who hangs up does not end what Redis is answering: its room is free when that is over. */
    Mono<ScriptReply> answered() {
      return Mono.create(sink -> {
        sink.onCancel(() -> isWanted = false);
        answer.whenComplete((reply, error) -> {
          if (reply != null) {
            sink.success(reply);
          } else if (isWanted) {
            sink.error(error);
          }
        });
      });
    }
  }
}
