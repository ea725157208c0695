package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.session.Message;
import io.heddle.turn.Conversation;
import io.heddle.turn.Summary;
import io.heddle.turn.SummaryText;
import io.heddle.turn.Usage;
import io.heddle.web.BytesResponse;
import io.heddle.web.RequestContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/**
 * {@code POST /responses/compact}: a conversation in fewer words, for a client that keeps it
 * itself. Its users' messages stay as they are, everything that was said and done is in one item
 * behind them. Nothing is stored.
 */
final class CompactHandler {

  /** Others are of calls for an answer: clients send the same members as there. */
  private static final List<String> MEMBERS =
      List.of("model", "input", "instructions", "previous_response_id");

  private final WireServices services;
  private final StatelessResponses alone;

  CompactHandler(WireServices services, StatelessResponses alone) {
    this.services = services;
    this.alone = alone;
  }

  Mono<ServerResponse> create(RequestContext call) {
    services.gate().requireAllowed(call.admission());
    return services
        .bodies()
        .object(call)
        .flatMap(body -> {
          ResponseRequest ask = ResponseRequest.read(known(body.fields()), HostedTools.DROP);
          String model = ask.model();
          if (model == null || model.isEmpty()) {
            throw OpenAiJson.missing("model");
          }
          if (ask.input().size() > ResponseCreation.MAX_INPUT) {
            throw OpenAiJson.refuse(
                "input", "has more than " + ResponseCreation.MAX_INPUT + " items");
          }
          return alone
              .messages(call, ask)
              .flatMap(messages -> {
                Conversation conversation = Conversation.of(messages);
                return services
                    .calls()
                    .summarise(call.caller(), model, conversation.all(), ask.instructions())
                    .map(text -> answer(ask, messages, conversation, text));
              });
        })
        .map(BytesResponse::json);
  }

  private static JsonValue known(JsonValue body) {
    JsonWriter known = JsonWriter.object(body.length() + 16);
    MEMBERS.forEach(name -> known.some(name, body.raw(name)));
    return OpenAiJson.object(known.done());
  }

  private Json answer(
      ResponseRequest ask, List<Message> messages, Conversation conversation, SummaryText text) {
    ResponseId previous = ask.previous() == null ? null : ResponseId.parse(ask.previous());
    List<Json> output = new ArrayList<>();
    // What the client sent before is its own; what was read is the session's.
    for (Message message : kept(messages, conversation)) {
      output.addAll(items(message, previous));
    }
    Json summary = new Summary(output.size(), 0).body(text.content());
    output.add(CompactionItem.json(ItemIds.COMPACTION + services.random(), summary));
    return JsonWriter.object(text.content().length() + 1024)
        .string("id", ResponseId.PREFIX + services.random())
        .string("object", "response.compaction")
        .number("created_at", services.clock().instant().getEpochSecond())
        .raw("output", Json.array(output))
        .raw("usage", usage(text.usage()))
        .done();
  }

  private static Json usage(@Nullable Usage usage) {
    return ResponseEnd.usage(Objects.requireNonNullElse(usage, new Usage(0, 0, 0, 0)));
  }

  /** What users said, and the instructions that it all begins with. */
  private static List<Message> kept(List<Message> messages, Conversation conversation) {
    List<Message> kept = new ArrayList<>();
    for (Message message : messages) {
      if (!isOf(message, "system", "developer")) {
        break;
      }
      kept.add(message);
    }
    for (Message message : conversation.rest()) {
      if (isOf(message, "user")) {
        kept.add(message);
      }
    }
    return kept;
  }

  private static boolean isOf(Message message, String... roles) {
    return List.of(roles).contains(OpenAiJson.object(message.body()).word("role"));
  }

  private List<Json> items(Message message, @Nullable ResponseId previous) {
    Message named =
        message.id().isEmpty()
            ? new Message(
                ItemIds.MESSAGE + services.random(), 0, message.createdAt(), message.body())
            : message;
    String session = message.seq() > 0 && previous != null ? previous.session() : "";
    return ItemOutput.items(named, session).stream().map(Item::json).toList();
  }
}
