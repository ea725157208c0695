package io.heddle.web;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/**
 * What every request passes before anything is routed, whatever its method and path: its form, as
 * {@link RequestTargetCheck} found it, the host that it names, and the page that it comes from.
 *
 * <p>Without this, any page that somebody opens may use that person's browser to call a server that
 * only this machine or network can reach: simple requests need no permission, and a request without
 * a body is one.
 */
public final class RequestGate implements WebFilter {

  private static final String FOREIGN = RequestGate.class.getName() + ".foreign";

  /** A socket is closed with a code that says why; its page would not see a status. */
  private static final String SOCKET = "/v1/socket";

  private static final String OPENAI = "/openai/";
  private static final String ALLOW = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
  private static final String METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
  private static final String EXPOSED = String.join(", ", HeaderNames.EXPOSED);
  private static final int PREFLIGHT_SECONDS = 3600;

  private final Hosts hosts;
  private final Origins origins;
  private final PathNames names;
  private final Function<Problem, BytesResponse> openAi;

  /**
   * @param hosts the server's names
   * @param origins whose pages may call beside its own
   * @param patterns of the native routes, by which a refusal names the variable that is wrong
   * @param openAi how the OpenAI wire tells a refusal
   */
  public RequestGate(
      List<String> hosts,
      List<String> origins,
      List<String> patterns,
      Function<Problem, BytesResponse> openAi) {
    this.hosts = new Hosts(hosts);
    this.origins = new Origins(origins);
    this.names = new PathNames(patterns);
    this.openAi = openAi;
  }

  /** Whether a request for a socket comes from a page that may not have one. */
  public static boolean isForeign(ServerWebExchange exchange) {
    return exchange.getAttribute(FOREIGN) != null;
  }

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    ServerHttpRequest request = exchange.getRequest();
    HttpHeaders headers = request.getHeaders();
    String unformed = headers.getFirst(RequestTargetCheck.REFUSED);
    if (unformed != null) {
      return refuseUnformed(exchange, RequestTargetCheck.Refusal.parse(unformed));
    }
    String named = headers.getFirst(HttpHeaders.HOST);
    Problem misdirected = hosts.refusal(named);
    if (misdirected != null) {
      return refuse(exchange, misdirected);
    }
    List<String> given = headers.get(HttpHeaders.ORIGIN);
    if (origins.areSome()) {
      exchange.getResponse().getHeaders().add(HttpHeaders.VARY, HttpHeaders.ORIGIN);
    }
    if (given == null || given.isEmpty()) {
      return isCrossSite(request)
          ? refuse(exchange, foreign(HeaderNames.FETCH_SITE, "Pages of other sites may not call"))
          : next(exchange, chain);
    }
    String origin = given.getFirst();
    if (given.size() == 1 && origins.names(origin)) {
      allow(exchange, origin);
      return isPreflight(request) ? preflight(exchange) : next(exchange, chain);
    }
    if (given.size() == 1 && isOwn(origin, request, named)) {
      return next(exchange, chain);
    }
    if (isSocket(request)) {
      exchange.getAttributes().put(FOREIGN, true);
      return chain.filter(exchange);
    }
    return refuse(exchange, foreign(HttpHeaders.ORIGIN, "Pages of this origin may not call"));
  }

  private static Mono<Void> next(ServerWebExchange exchange, WebFilterChain chain) {
    ServerHttpRequest request = exchange.getRequest();
    if (request.getMethod().equals(HttpMethod.OPTIONS) && request.getPath().value().equals("/*")) {
      return BytesResponse.empty(204)
          .header(HttpHeaders.ALLOW, ALLOW)
          .writeTo(exchange.getResponse());
    }
    return chain.filter(exchange);
  }

  // ---- refusals

  private Mono<Void> refuseUnformed(ServerWebExchange exchange, RequestTargetCheck.Said said) {
    RequestTargetCheck.Refusal refusal = said.refusal();
    if (refusal.last()) {
      exchange.getResponse().getHeaders().set(HttpHeaders.CONNECTION, "close");
    }
    boolean openAiWire = said.target().startsWith(OPENAI);
    return write(exchange, problem(refusal, said.target()), openAiWire);
  }

  private Problem problem(RequestTargetCheck.Refusal refusal, String target) {
    String field = refusal.field();
    if (field != null) {
      boolean unknown = refusal.detail().equals(RequestTargetCheck.Refusal.UNKNOWN_CODING);
      return Problem.field(
          unknown ? ProblemCode.NOT_IMPLEMENTED : ProblemCode.INVALID_REQUEST,
          field,
          field + " " + refusal.detail());
    }
    if (refusal.segment() == RequestTarget.NO_SEGMENT) {
      return Problem.field(
          ProblemCode.INVALID_REQUEST, "target", "In the request, " + refusal.detail());
    }
    String name = names.of(target, refusal.segment());
    return name.equals(PathNames.NONE)
        ? Problem.field(
            ProblemCode.INVALID_REQUEST, name, "A segment of the path " + refusal.detail())
        : Query.refuse(name, "in the path " + refusal.detail()).problem();
  }

  private static Problem foreign(String header, String detail) {
    return Problem.field(
        ProblemCode.FORBIDDEN, header, detail + "; heddle.live.origins names those that may");
  }

  private Mono<Void> refuse(ServerWebExchange exchange, Problem problem) {
    boolean openAiWire = exchange.getRequest().getPath().value().startsWith(OPENAI);
    return write(exchange, problem, openAiWire);
  }

  /** Which form a refusal has is all that a path decides here. */
  private Mono<Void> write(ServerWebExchange exchange, Problem problem, boolean openAiWire) {
    BytesResponse answer = openAiWire ? openAi.apply(problem) : ProblemWriter.answer(problem);
    return answer.writeTo(exchange.getResponse());
  }

  // ---- pages

  private static boolean isOwn(String origin, ServerHttpRequest request, @Nullable String host) {
    return host != null
        && Origins.isOwn(origin, TrustedProxies.scheme(request), Authority.parse(host));
  }

  private static boolean isCrossSite(ServerHttpRequest request) {
    List<String> site = request.getHeaders().get(HeaderNames.FETCH_SITE);
    if (site == null || isNavigation(request)) {
      return false;
    }
    // A page of another port of this host is of the same site; what it sends that may do something
    // has an origin.
    return site.stream().anyMatch("cross-site"::equalsIgnoreCase)
        || (!isSafe(request) && site.stream().anyMatch("same-site"::equalsIgnoreCase));
  }

  private static boolean isSafe(ServerHttpRequest request) {
    return request.getMethod().equals(HttpMethod.GET)
        || request.getMethod().equals(HttpMethod.HEAD);
  }

  /** Somebody follows a link: the browser shows the answer and gives it to no page. */
  private static boolean isNavigation(ServerHttpRequest request) {
    String mode = request.getHeaders().getFirst(HeaderNames.FETCH_MODE);
    String destination = request.getHeaders().getFirst(HeaderNames.FETCH_DEST);
    return "navigate".equals(mode)
        && (destination == null || destination.equals("document"))
        && isSafe(request);
  }

  private static boolean isSocket(ServerHttpRequest request) {
    return request.getMethod().equals(HttpMethod.GET)
        && request.getHeaders().getUpgrade() != null
        && request.getPath().value().equals(SOCKET);
  }

  private static boolean isPreflight(ServerHttpRequest request) {
    return request.getMethod().equals(HttpMethod.OPTIONS)
        && request.getHeaders().containsHeader(HttpHeaders.ACCESS_CONTROL_REQUEST_METHOD);
  }

  private void allow(ServerWebExchange exchange, String origin) {
    HttpHeaders headers = exchange.getResponse().getHeaders();
    headers.set(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, origins.isAny() ? "*" : origin);
    headers.set(HttpHeaders.ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
  }

  private static Mono<Void> preflight(ServerWebExchange exchange) {
    List<String> wanted =
        exchange.getRequest().getHeaders().getOrEmpty(HttpHeaders.ACCESS_CONTROL_REQUEST_HEADERS);
    ServerHttpResponse response = exchange.getResponse();
    HttpHeaders headers = response.getHeaders();
    headers.add(HttpHeaders.VARY, HttpHeaders.ACCESS_CONTROL_REQUEST_METHOD);
    headers.add(HttpHeaders.VARY, HttpHeaders.ACCESS_CONTROL_REQUEST_HEADERS);
    headers.set(HttpHeaders.ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    if (!wanted.isEmpty()) {
      headers.set(HttpHeaders.ACCESS_CONTROL_ALLOW_HEADERS, String.join(", ", wanted));
    }
    headers.set(HttpHeaders.ACCESS_CONTROL_MAX_AGE, Integer.toString(PREFLIGHT_SECONDS));
    return BytesResponse.empty(200).header(HttpHeaders.CONTENT_LENGTH, "0").writeTo(response);
  }
}
