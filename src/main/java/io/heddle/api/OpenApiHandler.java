package io.heddle.api;

import io.heddle.web.BytesResponse;
import io.heddle.web.RequestContext;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import reactor.core.publisher.Mono;

/** {@code GET /v1/openapi.json}: this API as an OpenAPI 3.1 document. */
final class OpenApiHandler {

  private final byte[] document = load();

  Mono<BytesResponse> get(RequestContext call) {
    call.query();
    return Mono.just(BytesResponse.json(200, document));
  }

  static byte[] load() {
    try (InputStream in = OpenApiHandler.class.getResourceAsStream("/openapi.json")) {
      if (in == null) {
        throw new IllegalStateException("openapi.json is not on the class path");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
