package io.heddle.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
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

  private record Chunk(byte[] bytes, long dueNanos) {}

  private static final Chunk END = new Chunk(new byte[0], 0);

  private final InetSocketAddress target;
  private final int port;
  private final Set<Link> links = ConcurrentHashMap.newKeySet();
  private final Set<Direction> swallowed = ConcurrentHashMap.newKeySet();
  private final ConcurrentLinkedQueue<Request> requests = new ConcurrentLinkedQueue<>();
  private final AtomicInteger connectionIds = new AtomicInteger();
  private final AtomicLong replyDelayNanos = new AtomicLong();
  private volatile @Nullable Hold hold;
  private @Nullable ServerSocket listener;

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

  /** How many connections are open through it. */
  public int connections() {
    return links.size();
  }

  /** Resets every connection that is open; new ones are taken as before. */
  public void cut() {
    links.forEach(Link::reset);
  }

  /** New connections are refused from now on; open ones stay. */
  public synchronized void refuse() {
    if (listener != null) {
      closeQuietly(listener);
      listener = null;
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
      Thread.ofVirtual().name("proxy-accept-" + port).start(() -> acceptLoop(socket));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Every reply arrives this much later than it was sent; order is kept. Zero ends it. */
  public void delayReplies(Duration delay) {
    replyDelayNanos.set(delay.toNanos());
  }

  /**
   * Drops all bytes of this direction while the connections stay open: deaf, but alive. A
   * connection that has lost bytes is of no use after {@link #deliver}; cut it.
   */
  public void swallow(Direction direction) {
    swallowed.add(direction);
  }

  /** Lets the bytes of both directions through again. */
  public void deliver() {
    swallowed.clear();
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
    Socket server = new Socket();
    Link link = new Link(connectionIds.incrementAndGet(), client, server);
    links.add(link);
    try {
      client.setTcpNoDelay(true);
      server.setTcpNoDelay(true);
      server.connect(target, 5_000);
    } catch (IOException unreachable) {
      link.reset();
      return;
    }
    link.start();
  }

  private static void closeQuietly(AutoCloseable closeable) {
    try {
      closeable.close();
    } catch (Exception alreadyBroken) {
      // Nothing is left to be done with it.
    }
  }

  /** A connection of a client and its twin to the server. */
  private final class Link {
    private final int id;
    private final Socket client;
    private final Socket server;

    Link(int id, Socket client, Socket server) {
      this.id = id;
      this.client = client;
      this.server = server;
    }

    void start() {
      Thread.ofVirtual().name("proxy-up-" + port).start(this::upstream);
      BlockingQueue<Chunk> replies = new ArrayBlockingQueue<>(4_096);
      Thread.ofVirtual().name("proxy-read-" + port).start(() -> readReplies(replies));
      Thread.ofVirtual().name("proxy-down-" + port).start(() -> writeReplies(replies));
    }

    /** With RST and not FIN: the other side sees an error, as when a machine is gone. */
    void reset() {
      links.remove(this);
      for (Socket socket : List.of(client, server)) {
        try {
          socket.setSoLinger(true, 0);
        } catch (IOException alreadyClosed) {
          // Then there is nothing to reset.
        }
        closeQuietly(socket);
      }
    }

    private void end() {
      links.remove(this);
      closeQuietly(client);
      closeQuietly(server);
    }

    private void upstream() {
      RespRequests parser =
          new RespRequests((command, argument) -> seen(new Request(id, command, argument)));
      byte[] buffer = new byte[64 * 1024];
      try {
        InputStream in = client.getInputStream();
        OutputStream out = server.getOutputStream();
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          // Counted before it is sent on: whoever has the answer finds the request counted.
          parser.accept(buffer, n);
          pass(Direction.UPSTREAM);
          if (!swallowed.contains(Direction.UPSTREAM)) {
            out.write(buffer, 0, n);
          }
        }
      } catch (IOException broken) {
        // The end of a connection is an ordinary event here.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        end();
      }
    }

    private void seen(Request request) {
      requests.add(request);
      Hold active = hold;
      if (active != null) {
        active.look(request);
      }
    }

    private void pass(Direction way) throws InterruptedException {
      Hold active = hold;
      if (active != null) {
        active.pass(way, id);
      }
    }

    private void readReplies(BlockingQueue<Chunk> replies) {
      byte[] buffer = new byte[64 * 1024];
      try {
        InputStream in = server.getInputStream();
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          byte[] bytes = new byte[n];
          System.arraycopy(buffer, 0, bytes, 0, n);
          replies.put(new Chunk(bytes, System.nanoTime() + replyDelayNanos.get()));
        }
      } catch (IOException broken) {
        // As above.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        replies.offer(END);
      }
    }

    private void writeReplies(BlockingQueue<Chunk> replies) {
      try {
        OutputStream out = client.getOutputStream();
        for (Chunk chunk = replies.take(); chunk != END; chunk = replies.take()) {
          TimeUnit.NANOSECONDS.sleep(chunk.dueNanos() - System.nanoTime());
          pass(Direction.DOWNSTREAM);
          if (!swallowed.contains(Direction.DOWNSTREAM)) {
            out.write(chunk.bytes());
          }
        }
      } catch (IOException broken) {
        // As above.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        end();
      }
    }
  }
}
