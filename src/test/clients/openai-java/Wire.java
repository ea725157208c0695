package io.heddle.clients;

import static io.heddle.clients.Cases.check;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.ObjectMappers;
import com.openai.core.http.StreamResponse;
import com.openai.models.conversations.Conversation;
import com.openai.models.conversations.items.ConversationItem;
import com.openai.models.conversations.items.ItemListParams;
import com.openai.models.responses.EasyInputMessage;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseInputItem;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/** The library over one base URL: it holds every answer to OpenAI's schema. */
final class Wire {

  static final Cases CASES = new Cases("openai-java", "openai-java");
  static final Duration PATIENCE = Duration.ofSeconds(60);

  final OpenAIClient client;

  Wire(String url) {
    client = client(url);
  }

  static OpenAIClient client(String url) {
    return OpenAIOkHttpClient.builder()
        .baseUrl(url)
        .apiKey("anything")
        .timeout(PATIENCE)
        .responseValidation(true)
        .build();
  }

  // ---- calls

  Response create(ResponseCreateParams.Builder asked) {
    return CASES.call(() -> client.responses().create(asked.build()));
  }

  Response retrieve(String id) {
    return CASES.call(() -> client.responses().retrieve(id));
  }

  Conversation conversation() {
    return CASES.call(() -> client.conversations().create());
  }

  /** All items, oldest first, with as many pages as it takes. */
  List<ConversationItem> items(String conversation) {
    ItemListParams params =
        ItemListParams.builder()
            .conversationId(conversation)
            .order(ItemListParams.Order.ASC)
            .limit(10L)
            .build();
    return CASES.call(() -> {
      List<ConversationItem> items = new ArrayList<>();
      client.conversations().items().list(params).autoPager().forEach(items::add);
      return items;
    });
  }

  List<String> texts(String conversation) {
    return items(conversation).stream().map(Wire::text).collect(Collectors.toList());
  }

  /** All texts of the thread that a response is in: its id ends with that of the conversation. */
  List<String> thread(Response response) {
    return texts(response.id().split("_", 3)[2]);
  }

  // ---- requests

  static ResponseCreateParams.Builder ask(String text) {
    return ResponseCreateParams.builder().model("echo").input(text);
  }

  static ResponseCreateParams.Builder ask(List<ResponseInputItem> items) {
    return ResponseCreateParams.builder().model("echo").inputOfResponse(items);
  }

  static EasyInputMessage user(String text) {
    return EasyInputMessage.builder().role(EasyInputMessage.Role.USER).content(text).build();
  }

  // ---- answers

  static <T> List<T> all(StreamResponse<T> response) {
    try (response) {
      return response.stream().collect(Collectors.toList());
    }
  }

  static String text(ConversationItem item) {
    return tree(json(item)).at("/content/0/text").asText();
  }

  static String text(Response response) {
    StringBuilder text = new StringBuilder();
    for (JsonNode item : tree(json(response)).get("output")) {
      for (JsonNode part : item.path("content")) {
        text.append(part.path("text").asText());
      }
    }
    return text.toString();
  }

  static String json(Object value) {
    try {
      return ObjectMappers.jsonMapper().writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  static JsonNode tree(String json) {
    try {
      return ObjectMappers.jsonMapper().readTree(json);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  /** Asks again and again until it is true. */
  static void await(Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.call()) {
      check(System.nanoTime() < end, "It has not become true.");
      LockSupport.parkNanos(20_000_000);
    }
  }
}
