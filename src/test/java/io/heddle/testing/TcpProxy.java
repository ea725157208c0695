package io.heddle.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Stands between a client and Redis on a loopback port and does to the connection what networks do:
 * cuts it, refuses it, delays it, or goes deaf on it while it stays open. It also counts what the
 * client asks for, so that a test can say how many requests something costs.
 *
 * <p>Safe for use by several threads. All connections end with {@link #close()}.
 */
public final class TcpProxy implements AutoCloseable {
  /** One request of a client: the command in capitals, its first argument (or empty). */
  public record Request(int connection, String command, String argument) {
    @Override
    public String toString() {
      return argument.isEmpty() ? command : command + " " + argument;
    }
  }

  /** A way through the proxy. */
  public enum Direction {
    /** What the client sends. */
    UPSTREAM,
    /** What the server answers. */
    DOWNSTREAM
  }

  /**
   * A place at which one connection stands still: the first request that was looked for, or its
   * reply, is kept here with everything that comes after it on the same connection.
   */
  public static final class Hold {
    private final Direction direction;
    private final Predicate<Request> wanted;
    private final AtomicInteger connection = new AtomicInteger();
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);

    private Hold(Direction direction, Predicate<Request> wanted) {
      this.direction = direction;
      this.wanted = wanted;
    }

    /** Waits until the request was seen; false when it did not come in this time. */
    public boolean await(Duration most) throws InterruptedException {
      return reached.await(most.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Sends on what was kept, in order. */
    public void release() {
      released.countDown();
    }

    private void look(Request request) {
      if (connection.get() == 0
          && wanted.test(request)
          && connection.compareAndSet(0, request.connection())) {
        reached.countDown();
      }
    }

    private void pass(Direction way, int link) throws InterruptedException {
      if (way == direction && connection.get() == link) {
        released.await();
      }
    }
  }

  /** Which connections a fault is for. */
  public enum Links {
    ALL,
    /** Those that have subscribed to a channel. */
    PUSHES,
    /** Those that have not. */
    OTHERS
  }

  /** One pub/sub message on its way from Redis to a client. */
  public record Push(String channel, String message) {}

  /** One message that does not arrive: the first one that was looked for. */
  public static final class Drop {
    private final Predicate<Push> wanted;
    private final AtomicBoolean taken = new AtomicBoolean();
    private final CountDownLatch done = new CountDownLatch(1);

    private Drop(Predicate<Push> wanted) {
      this.wanted = wanted;
    }

    /** Waits until the message was dropped; false when it did not come in this time. */
    public boolean await(Duration most) throws InterruptedException {
      return done.await(most.toNanos(), TimeUnit.NANOSECONDS);
    }

    private boolean mayPass(Push push) {
      if (wanted.test(push) && taken.compareAndSet(false, true)) {
        done.countDown();
        return false;
      }
      return true;
    }
  }

  private volatile InetSocketAddress target;
  private final int port;
  private final Set<ProxyLink> links = ConcurrentHashMap.newKeySet();
  private final Map<Direction, Links> swallowed = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<Request> requests = new ConcurrentLinkedQueue<>();
  private final AtomicInteger connectionIds = new AtomicInteger();
  private final Map<Links, Duration> delays = new ConcurrentHashMap<>();
  private volatile @Nullable Hold hold;
  private volatile @Nullable Drop drop;
  private volatile long bytesPerSecond;
  private long lineIsFree = System.nanoTime();
  private @Nullable ServerSocket listener;
  private @Nullable Thread accepting;

  private TcpProxy(InetSocketAddress target) {
    this.target = target;
    this.port = FreePort.find();
    accept();
  }

  /** Listens on a free port and forwards to the host and port of this URI. */
  public static TcpProxy to(String uri) {
    URI parsed = URI.create(uri);
    return to(parsed.getHost(), parsed.getPort() < 0 ? 6379 : parsed.getPort());
  }

  /** Listens on a free port and forwards to there. */
  public static TcpProxy to(String host, int port) {
    return new TcpProxy(new InetSocketAddress(host, port));
  }

  public int port() {
    return port;
  }

  public String uri() {
    return "redis://127.0.0.1:" + port;
  }

  /** New connections lead to there from now on; open ones stay where they are. */
  public void leadTo(String host, int port) {
    target = new InetSocketAddress(host, port);
  }

  /** How many connections are open through it. */
  public int connections() {
    return links.size();
  }

  /** Resets every connection that is open; new ones are taken as before. */
  public void cut() {
    cut(Links.ALL);
  }

  /** As {@link #cut()}, of these connections. */
  public void cut(Links which) {
    links.stream().filter(link -> concerns(which, link)).forEach(ProxyLink::reset);
  }

  /** Resets the connection that stands still there, and no other. */
  public void cut(Hold hold) {
    links.stream().filter(link -> link.id() == hold.connection.get()).forEach(ProxyLink::reset);
    hold.release();
  }

  /** New connections are refused from now on; open ones stay. */
  public synchronized void refuse() {
    if (listener != null) {
      ProxyLink.closeQuietly(listener);
      listener = null;
    }
    // The port is free only when whoever waits in accept() has left it.
    Thread waiting = accepting;
    if (waiting != null) {
      try {
        waiting.join(Duration.ofSeconds(10));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      accepting = null;
    }
  }

  /** Takes new connections again after {@link #refuse()}. */
  public synchronized void accept() {
    if (listener != null) {
      return;
    }
    try {
      ServerSocket socket = new ServerSocket();
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_024);
      listener = socket;
      accepting = Thread.ofVirtual().name("proxy-accept-" + port).start(() -> acceptLoop(socket));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Every reply arrives this much later than it was sent; order is kept. Zero ends it. */
  public void delayReplies(Duration delay) {
    delayReplies(delay, Links.ALL);
  }

  /** As {@link #delayReplies(Duration)}, on these connections. */
  public void delayReplies(Duration delay, Links which) {
    delays.put(which, delay);
  }

  /**
   * All that clients send goes over one line of that many bytes in a second, its connections in
   * turns. Zero ends it.
   */
  public void slowRequests(long bytesPerSecond) {
    this.bytesPerSecond = bytesPerSecond;
  }

  /**
   * Drops all bytes of this direction while the connections stay open: deaf, but alive. A
   * connection that has lost bytes stays deaf after {@link #deliver}, like one that a router has
   * forgotten; new ones are whole.
   */
  public void swallow(Direction direction) {
    swallow(direction, Links.ALL);
  }

  /** As {@link #swallow(Direction)}, on these connections. */
  public void swallow(Direction direction, Links which) {
    swallowed.put(direction, which);
  }

  /** Lets the bytes of both directions through again. */
  public void deliver() {
    swallowed.clear();
  }

  /**
   * Leaves out the first pub/sub message like this that comes from now on, and nothing else. One at
   * a time: a second call forgets the first.
   */
  public Drop drop(Predicate<Push> wanted) {
    Drop next = new Drop(wanted);
    drop = next;
    return next;
  }

  /**
   * Keeps back the first request like this that comes from now on ({@link Direction#UPSTREAM}), or
   * its reply ({@link Direction#DOWNSTREAM}), and what follows on its connection. One at a time: a
   * second call forgets the first, and lets go what that kept.
   */
  public Hold hold(Direction direction, Predicate<Request> wanted) {
    Hold next = new Hold(direction, wanted);
    Hold previous = hold;
    hold = next;
    if (previous != null) {
      previous.release();
    }
    return next;
  }

  /** The requests of all clients since the start or the last {@link #forgetRequests}, in order. */
  public List<Request> requests() {
    return List.copyOf(requests);
  }

  /** As {@link #requests()}, only these commands. */
  public List<Request> requests(String... commands) {
    List<String> wanted = List.of(commands);
    return requests.stream().filter(request -> wanted.contains(request.command())).toList();
  }

  /** Begins to count from zero. */
  public void forgetRequests() {
    requests.clear();
  }

  @Override
  public void close() {
    refuse();
    Hold last = hold;
    if (last != null) {
      last.release();
    }
    cut();
  }

  private void acceptLoop(ServerSocket socket) {
    while (!socket.isClosed()) {
      try {
        Socket client = socket.accept();
        Thread.ofVirtual().name("proxy-connect-" + port).start(() -> connect(client));
      } catch (IOException closed) {
        return;
      }
    }
  }

  private void connect(Socket client) {
    ProxyLink link = new ProxyLink(this, connectionIds.incrementAndGet(), client);
    links.add(link);
    link.open(target);
  }

  private static boolean concerns(@Nullable Links which, ProxyLink link) {
    return which == Links.ALL || which == (link.isSubscribed() ? Links.PUSHES : Links.OTHERS);
  }

  void ended(ProxyLink link) {
    links.remove(link);
  }

  void seen(Request request) {
    requests.add(request);
    Hold active = hold;
    if (active != null) {
      active.look(request);
    }
  }

  void pass(Direction way, int link) throws InterruptedException {
    Hold active = hold;
    if (active != null) {
      active.pass(way, link);
    }
  }

  /** Waits until the line has carried them. */
  void carry(int bytes) throws InterruptedException {
    long rate = bytesPerSecond;
    if (rate == 0) {
      return;
    }
    long over;
    synchronized (this) {
      long now = System.nanoTime();
      lineIsFree = Math.max(now, lineIsFree) + bytes * 1_000_000_000L / rate;
      over = lineIsFree - now;
    }
    TimeUnit.NANOSECONDS.sleep(over);
  }

  boolean swallows(Direction way, ProxyLink link) {
    return concerns(swallowed.get(way), link);
  }

  Duration replyDelay(ProxyLink link) {
    Duration own = delays.get(link.isSubscribed() ? Links.PUSHES : Links.OTHERS);
    Duration any = delays.get(Links.ALL);
    return own != null ? own : any != null ? any : Duration.ZERO;
  }

  boolean mayPass(Push push) {
    Drop active = drop;
    return active == null || active.mayPass(push);
  }
}
