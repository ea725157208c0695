package io.heddle.faults;

import io.heddle.redis.Scripts;
import io.heddle.testing.TcpProxy.Request;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Names what a replica asks of Redis by what it asks it for. */
final class RequestKinds {

  /** What a replica asks every second by itself, however much or little is asked of it. */
  static final Set<String> BESIDE =
      Set.of(
          "script due",
          "whole script seqs",
          "whole script probe",
          "feed INFO",
          "store INFO",
          "store SETRANGE",
          "store ZCARD",
          "script usage",
          "whole script usage",
          "client PING");

  private RequestKinds() {}

  static Map<String, Long> count(List<Request> requests) {
    return requests.stream()
        .collect(Collectors.groupingBy(RequestKinds::name, TreeMap::new, Collectors.counting()));
  }

  static String name(Request request) {
    Function<String, String> is = kind -> kind + " " + request.command();
    String argument = request.argument();
    return switch (request.command()) {
      case "EVALSHA" -> "script " + Scripts.name(argument);
      case "EVAL" -> "whole script " + Scripts.nameOfSource(argument);
      case "ZADD" -> is.apply(argument.startsWith("heddle:u:") ? "index" : "other");
      case "INFO" -> is.apply(argument.equals("replication") ? "feed" : "store");
      case "ZCARD", "SETRANGE" -> is.apply("store");
      case "PING" -> is.apply("client");
      case "SUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "SUNSUBSCRIBE" ->
          is.apply(argument.contains(":live:") ? "live channel" : "other");
      default -> is.apply("other");
    };
  }
}
