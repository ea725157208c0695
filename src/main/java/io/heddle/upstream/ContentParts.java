package io.heddle.upstream;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/** What the parts of a message's content say together. */
final class ContentParts {

  private final StringBuilder text = new StringBuilder();
  private final StringBuilder thoughts = new StringBuilder();
  private final StringBuilder refusal = new StringBuilder();
  private @Nullable String seal;

  /** A text that stands between them. */
  void take(String more) {
    text.append(more);
  }

  /** The object that the parser stands at. */
  void take(JsonParser in) {
    String type = "";
    String words = "";
    String thought = "";
    String refused = "";
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "type" -> {
          String word = LenientValues.scalar(in);
          type = word == null ? "" : word;
        }
        case "text" -> words = LenientValues.words(in);
        case "thinking", "reasoning", "summary" -> thought = LenientValues.words(in);
        case "refusal" -> refused = LenientValues.words(in);
        case "signature" -> {
          String signature = LenientValues.scalar(in);
          seal = signature == null || signature.isEmpty() ? seal : signature;
        }
        default -> in.skipChildren();
      }
    }
    if (type.contains("thinking") || type.contains("reasoning")) {
      thoughts.append(thought.isEmpty() ? words : thought);
    } else if (type.equals("refusal")) {
      refusal.append(refused.isEmpty() ? words : refused);
    } else {
      text.append(words);
      thoughts.append(thought);
    }
  }

  String text() {
    return text.toString();
  }

  String thoughts() {
    return thoughts.toString();
  }

  String refusal() {
    return refusal.toString();
  }

  /** With which the server signed the thoughts, or null. */
  @Nullable String seal() {
    return seal;
  }
}
