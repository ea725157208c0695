package io.heddle.upstream;

import io.heddle.json.JsonValue;
import io.heddle.turn.Usage;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One object of a server: an event of a stream, a whole response, or an error. Only what is asked
 * for is read: a response has its request in it, which may be long.
 *
 * @param event as it came
 * @param response that it is about: inside it, or itself
 */
record ResponsesEvent(Members event, Members response) {

  static ResponsesEvent of(Members event) {
    Members response = event.inner("response");
    return new ResponsesEvent(event, response.isEmpty() ? event : response);
  }

  /** Empty when it does not say. */
  String type() {
    return event.scalarOrEmpty("type");
  }

  @Nullable String itemId() {
    return event.scalar("item_id");
  }

  /** Which item it is about, -1 when it does not say. */
  int output() {
    return event.index("output_index");
  }

  /** Which part of the item it is about. */
  int part() {
    String name = event.has("content_index") ? "content_index" : "summary_index";
    return Math.max(0, event.index(name));
  }

  /** The next bit of it, or all of it. */
  String text() {
    String words = event.words(List.of("delta", "text", "refusal"));
    String json = event.json(event.has("arguments") ? "arguments" : "input");
    return words.isEmpty() && json != null ? json : words;
  }

  /** The response, or the event for what only stands beside it. */
  private Members with(String member) {
    return response.has(member) ? response : event;
  }

  @Nullable ResponsesItem item() {
    Members item = event.inner("item");
    return item.isEmpty() ? null : ResponsesItem.of(item);
  }

  @Nullable String model() {
    return with("model").scalar("model");
  }

  @Nullable Usage usage() {
    return UsageReader.read(with("usage").inner("usage"));
  }

  /** Of the response: {@code completed}, {@code incomplete}, {@code failed} …, or null. */
  @Nullable String status() {
    return response.text("status");
  }

  /** Why the response is incomplete, or null. */
  @Nullable String incomplete() {
    Members members = with("incomplete_details");
    JsonValue details = members.get("incomplete_details");
    if (details == null || !details.isObject()) {
      return members.scalar("incomplete_details");
    }
    String reason = Members.of(details).scalar("reason");
    return reason == null ? "other" : reason;
  }

  /** Of the response, as far as there are any. */
  List<ResponsesItem> items() {
    return with("output").objects("output").stream().map(ResponsesItem::of).toList();
  }

  /** Whether it is a response, and no event. */
  boolean isResponse() {
    return isObject() && type().isEmpty();
  }

  private boolean isObject() {
    return "response".equals(event.scalar("object"));
  }

  @Nullable ServerError error() {
    ServerError error = error(response);
    if (error == null) {
      error = error(event);
    }
    String type = type();
    boolean isAnswer = isObject() || response.hasList("output") || type.startsWith("response.");
    if (error != null || isAnswer) {
      return error;
    }
    ErrorMembers flat = ErrorMembers.of(event, "type");
    boolean hasOnlyWords = type.isEmpty() && flat.hasMessage();
    return type.equals("error") || hasOnlyWords || flat.isError() ? flat.error() : null;
  }

  private static @Nullable ServerError error(Members of) {
    ServerError error = of.error("error");
    return error == null || error.isEmpty() ? null : error;
  }
}
