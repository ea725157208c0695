package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import java.util.List;

/**
 * An item as a client is shown it.
 *
 * @param message the id of the message it is of
 */
record Item(String id, String message, Json json) {

  /** The {@code list} object of a page of items. */
  static Json list(List<Item> items, boolean hasMore) {
    return list(
        items.stream().map(Item::json).toList(),
        items.isEmpty() ? "" : items.getFirst().id(),
        items.isEmpty() ? "" : items.getLast().id(),
        hasMore);
  }

  static Json list(List<Json> data, String first, String last, boolean hasMore) {
    Json all = Json.array(data);
    return JsonWriter.object(all.length() + first.length() + last.length() + 96)
        .string("object", "list")
        .raw("data", all)
        .string("first_id", first)
        .string("last_id", last)
        .bool("has_more", hasMore)
        .done();
  }
}
