package io.heddle.json;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.TokenStreamContext;

/**
 * Where in a JSON text something is, as a client would write it: {@code messages[2].metadata.x}.
 */
final class JsonPath {

  private static final int SHOWN = 200;

  private JsonPath() {}

  /** Of the current value; empty for the text itself. */
  static String of(TokenStreamContext context) {
    String path = whole(context);
    return path.length() <= SHOWN ? path : path.substring(0, SHOWN) + "…";
  }

  private static String whole(@Nullable TokenStreamContext context) {
    if (context == null || context.inRoot()) {
      return "";
    }
    String parent = whole(context.getParent());
    if (context.inArray()) {
      return context.hasCurrentIndex() ? parent + "[" + context.getCurrentIndex() + "]" : parent;
    }
    if (!context.hasCurrentName()) {
      return parent;
    }
    return parent.isEmpty() ? context.currentName() : parent + "." + context.currentName();
  }
}
