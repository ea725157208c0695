package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.web.BytesResponse;
import io.heddle.web.ProblemWriter;
import io.heddle.web.Query;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.PathContainer;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;
import reactor.core.publisher.Mono;

/**
 * Answers what no route takes: 405 where other methods are known, 400 for an empty id, else 404.
 */
final class NoSuchRoute implements HandlerFunction<ServerResponse> {

  private final Map<PathPattern, List<String>> methods = new LinkedHashMap<>();

  /**
   * @param known by pattern
   */
  NoSuchRoute(Map<String, List<String>> known) {
    known.forEach(
        (pattern, names) -> methods.put(PathPatternParser.defaultInstance.parse(pattern), names));
  }

  @Override
  public Mono<ServerResponse> handle(ServerRequest request) {
    PathContainer path = request.requestPath().pathWithinApplication();
    List<String> known = new ArrayList<>();
    methods.forEach((pattern, names) -> {
      if (pattern.matches(path)) {
        known.addAll(names);
      }
    });
    return Mono.just(answer(request, path.value(), known));
  }

  private static BytesResponse answer(ServerRequest request, String path, List<String> known) {
    if (!known.isEmpty()) {
      known.sort(null);
      String allowed = String.join(", ", known);
      String detail = "This path does not take " + request.method() + "; it takes " + allowed;
      return ProblemWriter.answer(Problem.of(ProblemCode.METHOD_NOT_ALLOWED, detail))
          .header(HttpHeaders.ALLOW, allowed);
    }
    if (path.startsWith("/v1/sessions//")) {
      return ProblemWriter.answer(Query.refuse("id", "in the path is empty").problem());
    }
    return ProblemWriter.answer(Problem.of(ProblemCode.NOT_FOUND, "There is nothing at " + path));
  }
}
