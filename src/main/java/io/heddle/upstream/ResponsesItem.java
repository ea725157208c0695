package io.heddle.upstream;

import io.heddle.json.JsonValue;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An item of a response, as far as it matters; also one that is only begun.
 *
 * @param callId what a tool's output names; some servers have only one id for both
 * @param arguments of a function, or the input of a custom tool; null when it is not there
 */
record ResponsesItem(
    String type,
    @Nullable String id,
    @Nullable String callId,
    @Nullable String name,
    @Nullable String arguments,
    @Nullable String phase,
    @Nullable String encrypted,
    List<Part> content,
    List<Part> summary) {

  /** Of an item that never ends. */
  private static final int MOST_PARTS = 4096;

  /**
   * A part of what an item says.
   *
   * @param type as the server calls it
   */
  record Part(String type, String text) {

    static Part of(JsonValue part) {
      if (!part.isObject()) {
        return new Part("", LenientValues.words(part));
      }
      Members members = Members.of(part);
      String text = members.words("text");
      return new Part(
          members.scalarOrEmpty("type"), text.isEmpty() ? members.words("refusal") : text);
    }
  }

  static ResponsesItem of(Members item) {
    String id = item.filled("id");
    String callId = item.filled("call_id");
    String arguments = item.json("arguments");
    return new ResponsesItem(
        item.scalarOrEmpty("type"),
        id,
        callId == null ? id : callId,
        item.filled("name"),
        arguments == null ? item.json("input") : arguments,
        item.filled("phase"),
        item.filled("encrypted_content"),
        parts(item.get("content")),
        parts(item.get("summary")));
  }

  /** Of a list, of one part, or of a text alone. */
  private static List<Part> parts(@Nullable JsonValue said) {
    List<Part> parts = new ArrayList<>(1);
    if (said != null && said.isArray()) {
      said.elements().stream().limit(MOST_PARTS).map(Part::of).forEach(parts::add);
    } else if (said != null && (said.isString() || said.isObject())) {
      parts.add(Part.of(said));
    }
    return parts;
  }
}
