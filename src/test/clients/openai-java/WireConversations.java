package io.heddle.clients;

import static io.heddle.clients.Cases.check;
import static io.heddle.clients.Cases.equal;
import static io.heddle.clients.Wire.CASES;
import static io.heddle.clients.Wire.json;
import static io.heddle.clients.Wire.text;
import static io.heddle.clients.Wire.tree;
import static io.heddle.clients.Wire.user;

import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClient;
import com.openai.core.JsonValue;
import com.openai.core.ObjectMappers;
import com.openai.errors.NotFoundException;
import com.openai.models.conversations.Conversation;
import com.openai.models.conversations.ConversationCreateParams;
import com.openai.models.conversations.ConversationUpdateParams;
import com.openai.models.conversations.items.ConversationItem;
import com.openai.models.conversations.items.ItemCreateParams;
import com.openai.models.conversations.items.ItemDeleteParams;
import com.openai.models.conversations.items.ItemListPage;
import com.openai.models.conversations.items.ItemListParams;
import com.openai.models.conversations.items.ItemRetrieveParams;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Conversations and their items. */
final class WireConversations {

  private static final int ITEMS = 47;

  private final Wire wire;

  WireConversations(Wire wire) {
    this.wire = wire;
  }

  void run() {
    CASES.of("wire: a conversation", this::conversation);
    CASES.of("wire: items", this::items);
    CASES.of("wire: items of a type that nobody knows", this::unknown);
  }

  private void conversation() {
    OpenAIClient client = wire.client;
    Conversation made =
        CASES.call(() ->
            client
                .conversations()
                .create(
                    ConversationCreateParams.builder()
                        .metadata(
                            ConversationCreateParams.Metadata.builder()
                                .putAdditionalProperty("topic", JsonValue.from("looms"))
                                .build())
                        .addItem(user("m0"))
                        .build()));
    check(made.id().matches("conv_[0-9a-f]{48}"), made);
    equal(List.of("m0"), wire.texts(made.id()));
    Conversation updated =
        CASES.call(() ->
            client
                .conversations()
                .update(
                    made.id(),
                    ConversationUpdateParams.builder()
                        .metadata(
                            ConversationUpdateParams.Metadata.builder()
                                .putAdditionalProperty("topic", JsonValue.from("heddles"))
                                .build())
                        .build()));
    check(json(updated).contains("heddles"), updated);
    Conversation read = CASES.call(() -> client.conversations().retrieve(made.id()));
    check(json(read).contains("heddles"), read);
    check(CASES.call(() -> client.conversations().delete(made.id())).deleted(), made);
    CASES.refused(
        e -> check(e instanceof NotFoundException, e),
        () -> client.conversations().retrieve(made.id()));
  }

  private void items() {
    OpenAIClient client = wire.client;
    String id = wire.conversation().id();
    for (int from = 0; from < ITEMS; from += 20) {
      ItemCreateParams.Builder items = ItemCreateParams.builder().conversationId(id);
      IntStream.range(from, Math.min(ITEMS, from + 20)).forEach(i -> items.addItem(user("m" + i)));
      CASES.call(() -> client.conversations().items().create(items.build()));
    }
    equal(
        IntStream.range(0, ITEMS).mapToObj(i -> "m" + i).collect(Collectors.toList()),
        wire.texts(id));
    // Without an order, the newest first.
    ItemListPage newest = CASES.call(() -> client.conversations().items().list(id));
    equal(20, newest.data().size());
    equal("m46", text(newest.data().get(0)));
    equal(true, newest.hasMore().orElseThrow());

    String last = newest.lastId().orElseThrow();
    ItemRetrieveParams one = ItemRetrieveParams.builder().conversationId(id).itemId(last).build();
    equal("m27", text(CASES.call(() -> client.conversations().items().retrieve(one))));
    ItemDeleteParams away = ItemDeleteParams.builder().conversationId(id).itemId(last).build();
    equal(id, CASES.call(() -> client.conversations().items().delete(away)).id());
    CASES.refused(
        e -> check(e instanceof NotFoundException, e),
        () -> client.conversations().items().retrieve(one));
    // A cursor whose item is gone goes on from where it stood.
    ItemListParams after =
        ItemListParams.builder().conversationId(id).after(last).limit(2L).build();
    equal(
        List.of("m26", "m25"),
        CASES.call(() -> client.conversations().items().list(after)).data().stream()
            .map(Wire::text)
            .collect(Collectors.toList()));
  }

  private void unknown() throws Exception {
    OpenAIClient lenient = wire.client.withOptions(options -> options.responseValidation(false));
    String weird =
        "{\"type\":\"a_type_of_next_year\",\"n\":123456789012345678,\"empty\":[],\"o\":{}}";
    ConversationCreateParams params =
        ConversationCreateParams.builder()
            .putAdditionalBodyProperty("items", JsonValue.from(List.of(tree(weird))))
            .build();
    Conversation made = CASES.call(() -> lenient.conversations().create(params));
    ConversationItem item =
        CASES.call(() -> lenient.conversations().items().list(made.id())).data().get(0);
    JsonNode shown = ObjectMappers.jsonMapper().valueToTree(item._json().orElseThrow());
    tree(weird)
        .properties()
        .forEach(member -> equal(member.getValue(), shown.get(member.getKey())));
  }
}
