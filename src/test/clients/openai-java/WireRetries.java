package io.heddle.clients;

import static io.heddle.clients.Cases.check;
import static io.heddle.clients.Cases.equal;
import static io.heddle.clients.Wire.CASES;
import static io.heddle.clients.Wire.PATIENCE;
import static io.heddle.clients.Wire.ask;

import com.openai.client.OpenAIClient;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A client whose answer was lost sends its request again, without any key. The turn was begun twice
 * then, the thread had the question twice, and both answers were paid for.
 */
final class WireRetries {

  private final Wire wire;
  private final URI base;

  WireRetries(Wire wire, String url) {
    this.wire = wire;
    this.base = URI.create(url);
  }

  void run() {
    CASES.of(
        "wire: a second try is given the turn of the first while it runs",
        () -> {
          String conversation = wire.conversation().id();
          ResponseCreateParams.Builder asked =
              WireResponses.echo(
                  ask("again").conversation(conversation), Map.of("firstAfter", "1500ms"));
          // The question is in the thread as soon as the turn has begun.
          tryTwice(
              asked,
              link -> !wire.client.conversations().items().list(conversation).data().isEmpty());
        });
    CASES.of(
        "wire: a second try is given the turn of the first that has ended",
        () -> tryTwice(ask("again"), LossyLink::answered));
  }

  private interface Moment {
    boolean isThere(LossyLink link) throws Exception;
  }

  /** No answer comes through before the connection breaks. */
  private void tryTwice(ResponseCreateParams.Builder asked, Moment moment) throws Exception {
    try (LossyLink link = new LossyLink(base.getPort())) {
      OpenAIClient cutOff = Wire.client("http://127.0.0.1:" + link.port() + base.getPath());
      CompletableFuture<Response> answer =
          CompletableFuture.supplyAsync(() -> cutOff.responses().create(asked.build()));
      Wire.await(() -> moment.isThere(link));
      int before = link.accepted();
      link.cut();
      Response response = CASES.call(() -> answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
      check(link.accepted() > before, "no second try");
      equal(List.of("again", "again"), wire.thread(response));
      cutOff.close();
    }
  }
}
