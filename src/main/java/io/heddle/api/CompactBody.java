package io.heddle.api;

import io.heddle.json.JsonReader;
import io.heddle.turn.Compaction;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What {@code POST …/compact} takes; nothing at all is the same as {@code {}}. */
record CompactBody(@Nullable String model, int keep, @Nullable String instructions) {

  static final int MAX_KEEP = 1000;

  /** The last question and its answer. */
  private static final int DEFAULT_KEEP = 2;

  private static final int MAX_INSTRUCTIONS = 16_384;

  static final CompactBody NONE = new CompactBody(null, DEFAULT_KEEP, null);

  static CompactBody read(JsonReader in) {
    String model = null;
    String instructions = null;
    int keep = DEFAULT_KEEP;
    Set<String> seen = new HashSet<>();
    in.object();
    while (in.nextMember(seen)) {
      switch (in.name()) {
        case "model" -> model = TurnBody.model(in);
        case "keep" -> keep = in.isNull() ? DEFAULT_KEEP : (int) in.integer(0, MAX_KEEP);
        case "instructions" -> instructions = in.isNull() ? null : in.string(1, MAX_INSTRUCTIONS);
        default -> throw in.unknownField();
      }
    }
    return new CompactBody(model, keep, instructions);
  }

  Compaction.Order order() {
    return new Compaction.Order(model, keep, instructions);
  }
}
