package io.heddle.faults;

import io.heddle.testing.HttpConnection;
import io.heddle.testing.HttpConnection.Answer;
import io.heddle.testing.InProcess;
import io.heddle.testing.TcpProxy;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * A replica in this JVM, with a proxy of its own between it and Redis. Cheaper than a process, and
 * its beans can be asked; who kills or freezes a replica takes a process.
 */
final class Here implements AutoCloseable {
  private final String name;
  private final TcpProxy proxy;
  private final ConfigurableApplicationContext context;

  private Here(String name, TcpProxy proxy, ConfigurableApplicationContext context) {
    this.name = name;
    this.proxy = proxy;
    this.context = context;
  }

  /** Starts one; returns when it follows every partition. */
  static Here start(String name, String redisUri, String... settings) {
    TcpProxy proxy = TcpProxy.to(redisUri);
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--server.port=0",
                "--heddle.env-file=",
                "--server.shutdown=immediate",
                "--heddle.engine=redis",
                "--heddle.limits.enabled=false",
                "--spring.data.redis.url=" + proxy.uri()));
    for (String setting : settings) {
      arguments.add("--" + setting);
    }
    Here replica = new Here(name, proxy, InProcess.start(arguments.toArray(String[]::new)));
    Awaitility.await("every partition to be trusted")
        .atMost(Duration.ofSeconds(20))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> replica.untrusted() == 0);
    return replica;
  }

  String name() {
    return name;
  }

  int port() {
    return context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
  }

  /** What is between it and Redis. */
  TcpProxy proxy() {
    return proxy;
  }

  <T> T bean(Class<T> type) {
    return context.getBean(type);
  }

  HttpConnection connect() {
    return new HttpConnection(port(), Duration.ofSeconds(20));
  }

  /** The status of the health's part, {@code UP} or not. */
  String health() {
    try (HttpConnection connection = connect()) {
      Answer answer = connection.get("/actuator/health");
      return answer.json().path("status").asString("?");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  boolean isRed() {
    return !health().equals("UP");
  }

  /** A counter or gauge of ours by its name, as /actuator/prometheus would tell it. */
  double meter(String meter) {
    MeterRegistry registry = bean(MeterRegistry.class);
    FunctionCounter counter = registry.find(meter).functionCounter();
    if (counter != null) {
      return counter.count();
    }
    Gauge gauge = registry.find(meter).gauge();
    if (gauge == null) {
      throw new IllegalArgumentException("no meter " + meter);
    }
    return gauge.value();
  }

  /** WebSockets and event streams that are open. */
  long connections() {
    return (long) meter("heddle.live.connections");
  }

  long untrusted() {
    return (long) meter("heddle.coherence.untrusted");
  }

  /**
   * What it noticed of changes that it was not told: holes, comparisons that differ, links lost.
   */
  long noticed() {
    return (long)
        (meter("heddle.coherence.gaps")
            + meter("heddle.coherence.mismatches")
            + meter("heddle.coherence.losses"));
  }

  @Override
  public void close() {
    context.close();
    proxy.close();
  }
}
