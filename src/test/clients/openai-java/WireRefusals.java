package io.heddle.clients;

import static io.heddle.clients.Cases.check;
import static io.heddle.clients.Cases.equal;
import static io.heddle.clients.Cases.says;
import static io.heddle.clients.Wire.CASES;
import static io.heddle.clients.Wire.ask;

import com.openai.core.JsonValue;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.models.responses.ResponseCreateParams;
import java.util.Map;
import java.util.function.Consumer;

/** Requests that cannot be answered: each error has the type, the code and the parameter. */
final class WireRefusals {

  private final Wire wire;

  WireRefusals(Wire wire) {
    this.wire = wire;
  }

  void run() {
    CASES.of(
        "wire: what is refused",
        () -> {
          refused(
              ask("x").previousResponseId("resp_unknown"),
              e -> equal("previous_response_not_found", bad(e).code().orElseThrow()));
          ResponseCreateParams.Builder prompt = ask("x");
          prompt.putAdditionalBodyProperty("prompt", JsonValue.from(Map.of("id", "p")));
          refused(
              prompt,
              e -> {
                equal("unsupported_parameter", bad(e).code().orElseThrow());
                equal("prompt", bad(e).param().orElseThrow());
              });
          refused(
              ask("x").model("nobody"),
              e -> {
                check(e instanceof NotFoundException, e);
                equal("model_not_found", ((NotFoundException) e).code().orElseThrow());
              });
        });
  }

  /** A conversation whose last call has no output. */
  static void open(Wire wire, String conversation) {
    new WireRefusals(wire)
        .refused(
            ask("Well?").conversation(conversation),
            e -> says("No tool output found for function call", bad(e)));
  }

  private void refused(ResponseCreateParams.Builder asked, Consumer<Throwable> check) {
    CASES.refused(check, () -> wire.client.responses().create(asked.build()));
  }

  private static BadRequestException bad(Throwable error) {
    check(error instanceof BadRequestException, error);
    return (BadRequestException) error;
  }
}
