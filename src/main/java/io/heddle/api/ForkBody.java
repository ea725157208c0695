package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.json.JsonReader;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What {@code POST …/fork} takes; nothing at all is the same as {@code {}}. */
record ForkBody(@Nullable String id, @Nullable String after) {

  static final ForkBody NONE = new ForkBody(null, null);

  static ForkBody read(JsonReader in) {
    String id = null;
    String after = null;
    Set<String> seen = new HashSet<>();
    in.object();
    while (in.nextMember(seen)) {
      switch (in.name()) {
        case "id" -> id = in.isNull() ? null : Ids.session(in);
        case "after" -> after = in.isNull() ? null : in.string(1, 1 << 10);
        default -> throw in.unknownField();
      }
    }
    if (after != null && !SessionKey.isId(after)) {
      throw Problem.field(ProblemCode.INVALID_CURSOR, "after", "after is no message id")
          .toException();
    }
    return new ForkBody(id, after);
  }
}
