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
    int size = 128;
    for (Item item : items) {
      size += item.json().length() + 1;
    }
    JsonWriter data = new JsonWriter(size);
    data.array(items, (item, to) -> to.raw(item.json()));
    return JsonWriter.object(size + 128)
        .string("object", "list")
        .raw("data", data.toJson())
        .string("first_id", items.isEmpty() ? "" : items.getFirst().id())
        .string("last_id", items.isEmpty() ? "" : items.getLast().id())
        .bool("has_more", hasMore)
        .done();
  }
}
