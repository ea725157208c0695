package io.heddle.api;

import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Behind a balancer all clients had one address, so the first one who used up a limit used it up
 * for all of them. One who was believed about his own address had as many limits as he could think
 * of.
 */
class ForwardedClientIT {

  private static final int LIMIT = 3;
  private static final String LIST = "X-Forwarded-For";

  @Test
  void eachClientOfAProxyHasALimitOfItsOwn() throws Exception {
    try (Application server = start("127.0.0.1")) {
      Http http = new Http(server.port());
      for (int i = 0; i < LIMIT; i++) {
        // What stands before the last address is what the client wrote.
        http.with(LIST, "198.51.100." + i + ", 203.0.113.1").get("/v1/sessions").is(200);
      }
      http.with(LIST, "203.0.113.1").get("/v1/sessions").problem(429, "rate-limited", null);
      http.with("Forwarded", "for=203.0.113.1")
          .get("/v1/sessions")
          .problem(429, "rate-limited", null);
      http.with(LIST, "203.0.113.2").get("/v1/sessions").is(200);
      http.with("Forwarded", "for=203.0.113.3").get("/v1/sessions").is(200);
    }
  }

  @Test
  void whoIsNoProxyIsNotBelieved() throws Exception {
    try (Application server = start("127.0.0.9")) {
      Http http = new Http(server.port());
      for (int i = 0; i < LIMIT; i++) {
        http.with(LIST, "203.0.113." + i).get("/v1/sessions").is(200);
      }
      http.with(LIST, "203.0.113.99").get("/v1/sessions").problem(429, "rate-limited", null);
    }
  }

  private static Application start(String proxy) {
    return Application.start(
        Map.of(
            "heddle.engine", "embedded",
            "heddle.embedded.path", "",
            "heddle.http.trusted-proxies", proxy,
            "heddle.limits.rules.requests.kind", "requests",
            "heddle.limits.rules.requests.limit", "" + LIMIT,
            "heddle.limits.rules.requests.window", "1h"));
  }
}
