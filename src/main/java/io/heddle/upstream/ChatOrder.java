package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The messages in an order that the server takes.
 *
 * @param system what stands before all messages, or null
 */
record ChatOrder(@Nullable String system, List<PromptMessage> messages) {

  private static final String BETWEEN = "\n\n";

  /** What an assistant says between the output of a tool and a user. */
  private static final PromptMessage UNDERSTOOD =
      PromptMessage.of(Json.of("{\"role\":\"assistant\",\"content\":\"Understood.\"}"));

  /** Behind an answer that is the last message. */
  private static final PromptMessage CONTINUE =
      PromptMessage.of(Json.of("{\"role\":\"user\",\"content\":\"Continue.\"}"));

  static ChatOrder of(@Nullable String system, List<PromptMessage> messages, Dialect dialect) {
    ChatOrder order = new ChatOrder(system, messages);
    order =
        switch (dialect.instructions()) {
          case AT_THEIR_PLACES -> order;
          case FIRST_ARE_ONE -> order.gathered(order.first());
          case ALL_ARE_ONE -> order.gathered(order.all());
        };
    return dialect.hasItsOwnForms() ? order.alternating() : order;
  }

  private static boolean isInstruction(PromptMessage message) {
    return message.isFrom("system") || message.isFrom("developer");
  }

  private List<PromptMessage> first() {
    int end = 0;
    while (end < messages.size() && isInstruction(messages.get(end))) {
      end++;
    }
    return messages.subList(0, end);
  }

  private List<PromptMessage> all() {
    return messages.stream().filter(ChatOrder::isInstruction).toList();
  }

  private ChatOrder gathered(List<PromptMessage> instructions) {
    boolean isAlone = system == null && instructions.size() == 1;
    if (instructions.isEmpty() || isAlone && messages.getFirst() == instructions.getFirst()) {
      return this;
    }
    List<PromptMessage> rest = new ArrayList<>(messages);
    rest.removeAll(instructions);
    List<String> texts = new ArrayList<>();
    if (system != null) {
      texts.add(system);
    }
    for (PromptMessage instruction : instructions) {
      for (PromptPart part : instruction.told()) {
        if (!(part instanceof PromptPart.Text text) || !text.isBare()) {
          rest.addFirst(inParts(instructions));
          return new ChatOrder(null, rest);
        }
        texts.add(text.text().text());
      }
    }
    return new ChatOrder(String.join(BETWEEN, texts), rest);
  }

  /** One message with all parts, and what stands beside their texts. */
  private PromptMessage inParts(List<PromptMessage> instructions) {
    JsonWriter out = new JsonWriter(256).ascii("{\"role\":\"system\",\"content\":[");
    if (system != null) {
      out.ascii("{\"type\":\"text\",\"text\":").string(system).ascii("}");
    }
    for (PromptMessage instruction : instructions) {
      JsonValue content = instruction.member("content");
      if (content != null && content.isString()) {
        content.writeTo(out.next().ascii("{\"type\":\"text\",\"text\":")).ascii("}");
      }
      for (JsonValue part : content == null ? List.<JsonValue>of() : content.elements()) {
        part.writeTo(out.next());
      }
    }
    return PromptMessage.of(out.ascii("]}").toJson());
  }

  /** No answer that says nothing, none at the end, and one between a tool and a user. */
  private ChatOrder alternating() {
    List<PromptMessage> told = new ArrayList<>(messages.size() + 2);
    for (PromptMessage message : messages) {
      if (message.isFrom("assistant") && saysNothing(message)) {
        continue;
      }
      if (message.isFrom("user") && !told.isEmpty() && told.getLast().isFrom("tool")) {
        told.add(UNDERSTOOD);
      }
      told.add(message);
    }
    if (!told.isEmpty() && told.getLast().isFrom("assistant") && !isPrefix(told.getLast())) {
      told.add(CONTINUE);
    }
    return new ChatOrder(system, told);
  }

  private static boolean saysNothing(PromptMessage message) {
    return message.calls().isEmpty()
        && message.refusal() == null
        && message.told().stream()
            .allMatch(
                part -> part instanceof PromptPart.Text text && PromptMessage.isEmpty(text.text()));
  }

  /** Whether the client wants the answer to begin with it. */
  private static boolean isPrefix(PromptMessage message) {
    JsonValue prefix = message.kept().message().get("prefix");
    return prefix != null && prefix.toString().equals("true");
  }
}
