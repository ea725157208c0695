package io.heddle.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.TimeUnit;

/**
 * A process that watches over WebSockets and publishes what is watched: one thread, one clock. It
 * is told on stdin
 *
 * <ul>
 *   <li>{@code open name kind port path watchers}: opens them, and answers when all of them watch;
 *   <li>{@code run name kind port path publishers messages rate window}: publishes so many
 *       messages, so many a second or, at 0, as fast as they are taken, at most {@code window}
 *       ahead of the slowest watcher; answers {@code nanos frames others p50 p99} when every
 *       watcher has them all, the delays in microseconds;
 *   <li>{@code raw port rate}, {@code raw-end}: as {@link RawDelays} says;
 *   <li>{@code close name}.
 * </ul>
 *
 * <p>Every watcher must get every message once and in order; the first that does not ends the
 * process.
 */
final class SocketLoad {

  /** Connections of one address: well below the ports there are. */
  private static final int OF_AN_ADDRESS = 5_000;

  private static final int OPENING = 64;
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(30);

  private final Selector selector = Selector.open();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 18);
  private final Map<String, Pool> pools = new HashMap<>();
  private final Queue<Publisher> idle = new ArrayDeque<>();

  private SocketLoad() throws IOException {}

  public static void main(String[] args) throws IOException {
    SocketLoad load = new SocketLoad();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    while (true) {
      // Watchers answer pings while nothing is asked.
      while (!in.ready()) {
        load.select(20);
      }
      String line = in.readLine();
      if (line == null) {
        return;
      }
      System.out.println(load.obey(line.split(" ", -1)));
    }
  }

  private String obey(String[] words) throws IOException {
    return switch (words[0]) {
      case "open" -> {
        Pool pool = pools.computeIfAbsent(words[1], name -> new Pool());
        Watcher.Kind kind = Watcher.Kind.valueOf(words[2]);
        yield open(pool, kind, port(words), words[4], Integer.parseInt(words[5]));
      }
      case "run" -> {
        Publisher.Kind kind = Publisher.Kind.valueOf(words[2]);
        List<SocketChannel> channels = publishers(kind, words);
        try {
          yield run(
              pools.get(words[1]),
              Integer.parseInt(words[6]),
              Integer.parseInt(words[7]),
              Integer.parseInt(words[8]));
        } finally {
          for (SocketChannel channel : channels) {
            channel.close();
          }
          idle.clear();
        }
      }
      case "raw" -> RawDelays.start(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
      case "raw-end" -> RawDelays.end();
      case "close" -> {
        for (Watcher watcher : pools.remove(words[1]).watchers()) {
          watcher.channel().close();
        }
        selector.selectNow();
        yield "closed";
      }
      default -> throw new IllegalArgumentException(words[0]);
    };
  }

  private static int port(String[] words) {
    return Integer.parseInt(words[3]);
  }

  private String open(Pool pool, Watcher.Kind kind, int port, String path, int count)
      throws IOException {
    ByteBuffer upgrade =
        ByteBuffer.wrap(
            """
            GET %s HTTP/1.1\r
            Host: 127.0.0.1:%d\r
            Connection: Upgrade\r
            Upgrade: websocket\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
            \r
            """
                .formatted(path, port)
                .getBytes(StandardCharsets.US_ASCII));
    long last = System.nanoTime();
    while (pool.begunWatchers() < count) {
      int before = pool.begunWatchers();
      if (pool.watchers().size() < count && pool.watchers().size() - before < OPENING) {
        int address = 1 + pool.watchers().size() / OF_AN_ADDRESS;
        SocketChannel channel = connect("127.0.0." + address, port);
        Watcher watcher = new Watcher(channel, kind, pool);
        pool.watchers().add(watcher);
        channel.register(selector, SelectionKey.OP_READ, watcher);
        channel.write(upgrade.rewind());
        select(0);
      } else {
        select(1_000);
      }
      last = alive(last, pool.begunWatchers() > before, "watchers", before, count);
    }
    return "watching";
  }

  private List<SocketChannel> publishers(Publisher.Kind kind, String[] words) throws IOException {
    List<SocketChannel> channels = new ArrayList<>();
    for (int i = 0; i < Integer.parseInt(words[5]); i++) {
      SocketChannel channel = connect("127.0.0.1", port(words));
      Publisher publisher = new Publisher(channel, kind, i, port(words), words[4]);
      channel.register(selector, SelectionKey.OP_READ, publisher);
      channels.add(channel);
      idle.add(publisher);
    }
    return channels;
  }

  private static SocketChannel connect(String from, int port) throws IOException {
    SocketChannel channel = SocketChannel.open();
    channel.bind(new InetSocketAddress(from, 0));
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    channel.connect(new InetSocketAddress("127.0.0.1", port));
    channel.configureBlocking(false);
    return channel;
  }

  private String run(Pool pool, int count, int rate, int window) throws IOException {
    pool.reset();
    int publishers = idle.size();
    long start = System.nanoTime();
    long last = start;
    int sent = 0;
    while (pool.complete() < count || idle.size() < publishers) {
      long before = pool.complete();
      long wait = 1_000;
      while (sent < count && sent - pool.complete() < window && !idle.isEmpty()) {
        long due = rate == 0 ? 0 : start + sent * 1_000_000_000L / rate - System.nanoTime();
        if (due > 0) {
          wait = Math.max(1, TimeUnit.NANOSECONDS.toMillis(due));
          break;
        }
        idle.remove().send(pool);
        sent++;
      }
      select(wait);
      last = alive(last, pool.complete() > before, "messages", before, count);
    }
    Delays delays = pool.delays();
    return "%d %d %d %d %d"
        .formatted(
            System.nanoTime() - start,
            pool.frames(),
            pool.others(),
            delays.at(0.5),
            delays.at(0.99));
  }

  private static long alive(long last, boolean more, String what, long done, int count)
      throws IOException {
    long now = System.nanoTime();
    if (!more && now - last > PATIENCE) {
      throw new IOException("%d of %d %s, and no more of them".formatted(done, count, what));
    }
    return more ? now : last;
  }

  private void select(long millis) throws IOException {
    if (millis == 0) {
      selector.selectNow(this::ready);
    } else {
      selector.select(this::ready, millis);
    }
  }

  private void ready(SelectionKey key) {
    try {
      if (key.attachment() instanceof Watcher watcher) {
        watcher.read(buffer);
      } else if (key.attachment() instanceof Publisher publisher && publisher.read()) {
        idle.add(publisher);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
