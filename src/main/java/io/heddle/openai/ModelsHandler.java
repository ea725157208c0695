package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.turn.Upstream;
import io.heddle.web.BytesResponse;
import java.util.List;
import reactor.core.publisher.Mono;

/** {@code GET /models} and {@code GET /models/{id}}. */
final class ModelsHandler {

  private final Upstream upstream;

  ModelsHandler(Upstream upstream) {
    this.upstream = upstream;
  }

  Mono<BytesResponse> list(RequestContext call) {
    List<Json> models = upstream.models().stream().map(ModelsHandler::json).toList();
    return Mono.just(
        ConversationsHandler.json(
            JsonWriter.object(256)
                .string("object", "list")
                .raw("data", Json.array(models))
                .done()));
  }

  Mono<BytesResponse> get(RequestContext call) {
    // A model's name may have slashes.
    String id = call.variable("id").replaceFirst("^/", "");
    return Mono.justOrEmpty(
            upstream.models().stream().filter(model -> model.id().equals(id)).findFirst())
        .map(model -> ConversationsHandler.json(json(model)))
        .switchIfEmpty(Mono.error(() -> notFound(id)));
  }

  static WireException notFound(String id) {
    return new WireError(
            404,
            "The model '" + id + "' does not exist or you do not have access to it.",
            WireError.INVALID,
            "model",
            "model_not_found",
            null,
            0)
        .toException();
  }

  /** When it was made only its server knows. */
  private static Json json(Upstream.Model model) {
    return JsonWriter.object(128)
        .string("id", model.id())
        .string("object", "model")
        .number("created", 0)
        .string("owned_by", model.owner())
        .done();
  }
}
