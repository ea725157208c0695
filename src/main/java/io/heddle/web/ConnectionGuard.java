package io.heddle.web;

import com.sun.management.UnixOperatingSystemMXBean;
import io.heddle.base.ByteBudget;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.ssl.SslHandler;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServer;

/**
 * Bounds the connections of one server in number and in time, below the HTTP codec: what is silent
 * or slow before a request is whole is seen by nothing above it.
 *
 * <p>Each event loop looks at its own connections a few times a second; a timer for each connection
 * or request would cost more than the request.
 */
public final class ConnectionGuard {

  private static final Logger log = LoggerFactory.getLogger(ConnectionGuard.class);

  private static final String GUARD = "heddle.guard";
  private static final String PROGRESS = "heddle.progress";

  /** Refused connections that may wait to be told so; further ones are reset. */
  private static final int MOST_TOLD = 64;

  private static final int LEAST_CONNECTIONS = 16;
  private static final int LEAST_RESERVE = 64;
  private static final int LARGEST_RESERVE = 1024;
  private static final Duration LOG_EVERY = Duration.ofMinutes(1);

  private static final Duration MANAGEMENT_IDLE = Duration.ofSeconds(75);
  private static final int MANAGEMENT_CONNECTIONS = 64;
  private static final int MANAGEMENT_BYTES = 16 << 20;

  final Duration headTimeout;
  final Duration idleTimeout;
  final Duration writeTimeout;
  final Duration handshakeTimeout;
  final ByteBudget budget;

  private final String name;
  private final TrustedProxies proxies;
  private final int most;
  private final int mostPerAddress;
  final LoopMembers<GuardedConnection> connections;
  private final Map<String, Integer> addresses = new ConcurrentHashMap<>();
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicInteger told = new AtomicInteger();
  private final AtomicLong loggedAt = new AtomicLong(System.nanoTime() - LOG_EVERY.toNanos());
  private final Map<Cause, LongAdder> counts = new ConcurrentHashMap<>();

  /** Why a connection was refused or closed from here. */
  public enum Cause {
    /** There are as many as there may be. */
    FULL("full"),
    /** Its address has as many as it may. */
    ADDRESS_FULL("address-full"),
    /** A request's line and headers took too long. */
    HEAD("head"),
    /** No request came. */
    IDLE("idle"),
    /** A body went on after its request was answered. */
    BODY("body"),
    /** The client took nothing of what was written. */
    WRITE("write"),
    /** The TLS handshake took too long. */
    HANDSHAKE("handshake"),
    /** What waited to be written was over the budget. */
    MEMORY("memory");

    private final String text;

    Cause(String text) {
      this.text = text;
    }

    public String text() {
      return text;
    }

    boolean isRefusal() {
      return this == FULL || this == ADDRESS_FULL;
    }
  }

  /** Told up the pipeline when what waits in a connection is over the budget. */
  enum Overloaded {
    INSTANCE
  }

  private ConnectionGuard(
      String name,
      HttpProperties properties,
      Duration idleTimeout,
      int most,
      int mostPerAddress,
      TrustedProxies proxies,
      ByteBudget budget) {
    this.name = name;
    this.headTimeout = properties.headTimeout();
    this.idleTimeout = idleTimeout;
    this.writeTimeout = properties.writeTimeout();
    this.handshakeTimeout = properties.tlsHandshakeTimeout();
    this.most = most;
    this.mostPerAddress = mostPerAddress;
    this.proxies = proxies;
    this.budget = budget;
    long shortest =
        Math.min(
            Math.min(headTimeout.toMillis(), idleTimeout.toMillis()),
            Math.min(writeTimeout.toMillis(), handshakeTimeout.toMillis()));
    connections = new LoopMembers<>(Math.clamp(shortest / 10, 10, 500));
    for (Cause cause : Cause.values()) {
      counts.put(cause, new LongAdder());
    }
  }

  /** Of the API's server. */
  public static ConnectionGuard ofApi(
      HttpProperties properties, TrustedProxies proxies, ByteBudget budget) {
    int wanted = properties.maxConnections();
    int most = Math.min(wanted, affordable());
    if (most < wanted) {
      log.info(
          "At most {} connections are taken, not {}: the process may not open more files",
          most,
          wanted);
    }
    int perAddress =
        properties.maxConnectionsPerAddress() > 0
            ? properties.maxConnectionsPerAddress()
            : Math.max(1, most / 2);
    return new ConnectionGuard(
        "api", properties, properties.idleTimeout(), most, perAddress, proxies, budget);
  }

  /**
   * Of a management server on a port of its own. It takes nothing from the API's bounds, so that it
   * answers while those are used up.
   */
  public static ConnectionGuard ofManagement(HttpProperties properties) {
    return new ConnectionGuard(
        "management",
        properties,
        MANAGEMENT_IDLE,
        MANAGEMENT_CONNECTIONS,
        MANAGEMENT_CONNECTIONS / 2,
        new TrustedProxies(List.of()),
        new ByteBudget(MANAGEMENT_BYTES, MANAGEMENT_BYTES, MANAGEMENT_BYTES));
  }

  /**
   * How many connections this process can keep and still open what it needs: the connections to
   * Redis and to model servers, files, and those of the management server. A server that accepts
   * until no file is left answers nobody, and does not even log it.
   */
  private static int affordable() {
    if (!(ManagementFactory.getOperatingSystemMXBean()
        instanceof UnixOperatingSystemMXBean system)) {
      return Integer.MAX_VALUE;
    }
    long files = system.getMaxFileDescriptorCount();
    long reserve = MANAGEMENT_CONNECTIONS + Math.clamp(files / 10, LEAST_RESERVE, LARGEST_RESERVE);
    long left = files - system.getOpenFileDescriptorCount() - reserve;
    return (int) Math.clamp(left, LEAST_CONNECTIONS, Integer.MAX_VALUE);
  }

  /**
   * The server with the guard, which must come last: it stands next to the codec. It is no bean of
   * the type that Boot gives to every server, since the management server has a guard of its own.
   */
  public HttpServer apply(HttpServer server) {
    return server.doOnChannelInit((observer, channel, remote) -> begin(channel));
  }

  /** Connections that are open now. */
  public int open() {
    return open.get();
  }

  /** How many there may be. */
  public int most() {
    return most;
  }

  /** Connections that were refused or closed for this, since the start. */
  public long count(Cause cause) {
    return counter(cause).sum();
  }

  private LongAdder counter(Cause cause) {
    return counts.computeIfAbsent(cause, _ -> new LongAdder());
  }

  private void begin(Channel channel) {
    InetAddress peer = peer(channel.remoteAddress());
    String address = peer == null || proxies.trusts(peer) ? null : Network.client(peer);
    Cause refusal = enter(address);
    ChannelPipeline pipeline = channel.pipeline();
    if (refusal == null) {
      GuardedConnection connection = new GuardedConnection(this, address);
      channel.attr(GuardedConnection.KEY).set(connection);
      pipeline.addFirst(GUARD, connection);
      pipeline.addAfter(NettyPipeline.HttpCodec, PROGRESS, connection.progress());
      return;
    }
    count(refusal, address);
    boolean plain = pipeline.get(SslHandler.class) == null;
    if (plain && told.incrementAndGet() <= MOST_TOLD) {
      pipeline.addFirst(GUARD, new RefusedConnection(told));
    } else {
      if (plain) {
        told.decrementAndGet();
      }
      channel.config().setOption(ChannelOption.SO_LINGER, 0);
      channel.close();
    }
  }

  private static @Nullable InetAddress peer(@Nullable SocketAddress remote) {
    return remote instanceof InetSocketAddress inet ? inet.getAddress() : null;
  }

  private @Nullable Cause enter(@Nullable String address) {
    if (open.incrementAndGet() > most) {
      open.decrementAndGet();
      return Cause.FULL;
    }
    if (address != null && addresses.merge(address, 1, Integer::sum) > mostPerAddress) {
      leave(address);
      return Cause.ADDRESS_FULL;
    }
    return null;
  }

  void leave(@Nullable String address) {
    open.decrementAndGet();
    if (address != null) {
      addresses.computeIfPresent(address, (_, count) -> count == 1 ? null : count - 1);
    }
  }

  /** One line a minute, whatever the number: a client must not be able to fill the log. */
  void count(Cause cause, @Nullable String address) {
    counter(cause).increment();
    if (!cause.isRefusal() && cause != Cause.MEMORY) {
      return;
    }
    long last = loggedAt.get();
    long now = System.nanoTime();
    if (now - last >= LOG_EVERY.toNanos() && loggedAt.compareAndSet(last, now)) {
      log.warn(
          "Connections to the {} server are refused ({}; the newest from {}): {} of {} are open",
          name,
          cause.text(),
          address == null ? "a proxy" : address,
          open.get(),
          most);
    }
  }
}
