package io.heddle.upstream;

import java.util.List;
import org.jspecify.annotations.Nullable;

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

  void take(Members part) {
    String type = part.scalarOrEmpty("type");
    String words = part.words("text");
    String thought = part.words(List.of("thinking", "reasoning", "summary"));
    String signature = part.filled("signature");
    seal = signature == null ? seal : signature;
    if (type.contains("thinking") || type.contains("reasoning")) {
      thoughts.append(thought.isEmpty() ? words : thought);
    } else if (type.equals("refusal")) {
      String refused = part.words("refusal");
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
