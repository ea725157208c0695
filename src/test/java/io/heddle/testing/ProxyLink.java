package io.heddle.testing;

import io.heddle.testing.TcpProxy.Direction;
import io.heddle.testing.TcpProxy.Request;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** A connection of a client and its twin to the server. */
final class ProxyLink {
  private static final Chunk END = new Chunk(new byte[0], 0);
  private static final Set<String> SUBSCRIBING = Set.of("SUBSCRIBE", "SSUBSCRIBE", "PSUBSCRIBE");

  private record Chunk(byte[] bytes, long arrived) {}

  private final TcpProxy proxy;
  private final int id;
  private final Socket client;
  private final Socket server = new Socket();

  /** The ways on which bytes were lost: what came after them would be no protocol any more. */
  private final Set<Direction> deaf = ConcurrentHashMap.newKeySet();

  private volatile boolean subscribed;

  ProxyLink(TcpProxy proxy, int id, Socket client) {
    this.proxy = proxy;
    this.id = id;
    this.client = client;
  }

  /** Connects to the server and begins to pass on. */
  void open(InetSocketAddress target) {
    try {
      client.setTcpNoDelay(true);
      server.setTcpNoDelay(true);
      server.connect(target, 5_000);
    } catch (IOException unreachable) {
      reset();
      return;
    }
    start("up", this::upstream);
    BlockingQueue<Chunk> replies = new ArrayBlockingQueue<>(4_096);
    start("read", () -> readReplies(replies));
    start("down", () -> writeReplies(replies));
  }

  private void start(String what, Runnable task) {
    Thread.ofVirtual().name("proxy-" + what + "-" + proxy.port()).start(task);
  }

  int id() {
    return id;
  }

  /** Whether it carries pub/sub messages. */
  boolean isSubscribed() {
    return subscribed;
  }

  /** With RST and not FIN: the other side sees an error, as when a machine is gone. */
  void reset() {
    proxy.ended(this);
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
    proxy.ended(this);
    closeQuietly(client);
    closeQuietly(server);
  }

  private void upstream() {
    RespRequests parser = new RespRequests(this::seen);
    byte[] buffer = new byte[64 * 1024];
    try {
      InputStream in = client.getInputStream();
      OutputStream out = server.getOutputStream();
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        // Counted before it is sent on: whoever has the answer finds the request counted.
        parser.accept(buffer, n);
        proxy.pass(Direction.UPSTREAM, id);
        proxy.carry(n);
        if (!isDeaf(Direction.UPSTREAM)) {
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

  private void seen(String command, String argument) {
    if (SUBSCRIBING.contains(command)) {
      subscribed = true;
    }
    proxy.seen(new Request(id, command, argument));
  }

  private boolean isDeaf(Direction way) {
    if (proxy.swallows(way, this)) {
      deaf.add(way);
    }
    return deaf.contains(way);
  }

  private void readReplies(BlockingQueue<Chunk> replies) {
    byte[] buffer = new byte[64 * 1024];
    try {
      InputStream in = server.getInputStream();
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        byte[] bytes = new byte[n];
        System.arraycopy(buffer, 0, bytes, 0, n);
        replies.put(new Chunk(bytes, System.nanoTime()));
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
    RespPushes pushes = new RespPushes(proxy::mayPass);
    try {
      OutputStream out = client.getOutputStream();
      for (Chunk chunk = replies.take(); chunk != END; chunk = replies.take()) {
        long due = chunk.arrived() + proxy.replyDelay(this).toNanos();
        TimeUnit.NANOSECONDS.sleep(due - System.nanoTime());
        proxy.pass(Direction.DOWNSTREAM, id);
        if (!isDeaf(Direction.DOWNSTREAM)) {
          pushes.pass(chunk.bytes(), out);
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

  static void closeQuietly(AutoCloseable closeable) {
    try {
      closeable.close();
    } catch (Exception alreadyBroken) {
      // Nothing is left to be done with it.
    }
  }
}
