package io.heddle.api;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;

/**
 * Every call and header of the native API, against a running server; each engine's test says how to
 * start one. Every test has sessions and users of its own, so the servers are shared.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class HttpContract
    implements SessionHttpContract,
        ThreadHttpContract,
        StateHttpContract,
        LockHttpContract,
        HeaderHttpContract,
        LimitHttpContract,
        PathHttpContract,
        InputHttpContract,
        DocumentHttpContract {

  /** A running server. */
  interface Server extends AutoCloseable {
    int port();

    <T> T bean(Class<T> type);

    @Override
    void close();
  }

  /** Starts a server on a free port with these properties beside the engine's own. */
  abstract Server start(Map<String, String> properties);

  private final Map<Map<String, String>, Server> servers = new LinkedHashMap<>();
  private Http http;
  private String id;
  private String user;

  @BeforeEach
  void names() {
    http = http(Map.of("heddle.limits.enabled", "false"));
    newId();
    user = "user " + UUID.randomUUID();
  }

  @AfterAll
  void stop() {
    servers.values().forEach(Server::close);
  }

  @Override
  public Http http(Map<String, String> properties) {
    return new Http(server(properties).port());
  }

  @Override
  public Server server(Map<String, String> properties) {
    return servers.computeIfAbsent(properties, this::start);
  }

  @Override
  public Http http() {
    return http;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public void newId() {
    id = "t-" + UUID.randomUUID();
  }

  @Override
  public String user() {
    return user;
  }
}
