package io.heddle.web;

import static org.springframework.web.reactive.function.server.RequestPredicates.methods;
import static org.springframework.web.reactive.function.server.RequestPredicates.path;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;

/** Collects the routes of a wire, which are tried in this order. */
public final class RouteTable {

  private final AdmissionGate gate;
  private final String base;
  private final RouterFunctions.Builder routes = RouterFunctions.route();
  private final Map<String, List<String>> known = new LinkedHashMap<>();

  /**
   * @param base in front of every pattern
   */
  public RouteTable(AdmissionGate gate, String base) {
    this.gate = gate;
    this.base = base;
  }

  /** HEAD is GET without the body, which the server leaves out. */
  public RouteTable read(String pattern, Handler handler) {
    return add(pattern, gate.route(Access.READ, handler), HttpMethod.GET, HttpMethod.HEAD);
  }

  public RouteTable write(HttpMethod method, String pattern, Handler handler) {
    return add(pattern, gate.route(Access.WRITE, handler), method);
  }

  public RouteTable writeOnce(HttpMethod method, String pattern, Handler handler) {
    return add(pattern, gate.route(Access.WRITE_ONCE, handler), method);
  }

  public RouteTable add(
      String pattern, HandlerFunction<ServerResponse> function, HttpMethod... taken) {
    routes.route(methods(taken).and(path(base + pattern)), function);
    List<String> names = known.computeIfAbsent(base + pattern, _ -> new ArrayList<>());
    for (HttpMethod method : taken) {
      names.add(method.name());
    }
    return this;
  }

  /** The patterns, with the methods that each takes. */
  public Map<String, List<String>> known() {
    return known;
  }

  /**
   * @param rest answers what is {@code under} this and no route takes
   */
  public RouterFunction<ServerResponse> build(String under, HandlerFunction<ServerResponse> rest) {
    return routes.route(path(under), rest).build();
  }
}
