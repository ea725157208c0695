package io.heddle.answercache;

import io.heddle.base.Caller;
import io.heddle.base.Tenant;
import org.jspecify.annotations.Nullable;

/**
 * Names one answer. Answers of one user are in a space of their own, those of callers without a
 * user in another, and what clients keep is apart from what Heddle keeps of models: nobody reads or
 * replaces an answer of another space, whatever name is chosen.
 *
 * @param user whose space it is; null for the tenant's
 * @param name 1 to {@value #LONGEST} characters, none of them a control character
 */
public record AnswerKey(Tenant tenant, Kind kind, @Nullable String user, String name) {

  public static final int LONGEST = 512;

  /** Who keeps the answer. */
  public enum Kind {
    /** A client, over {@code /v1/cache}. */
    CLIENT('c'),
    /** Heddle, of a model that a turn asked. */
    MODEL('m');

    private final char letter;

    Kind(char letter) {
      this.letter = letter;
    }
  }

  public AnswerKey {
    if (!isName(name)) {
      throw new IllegalArgumentException("not a name of an answer: " + name);
    }
  }

  /** In the caller's space. */
  public static AnswerKey of(Caller caller, Kind kind, String name) {
    return new AnswerKey(caller.tenant(), kind, caller.user(), name);
  }

  public static boolean isName(String name) {
    if (name.isEmpty() || name.length() > LONGEST) {
      return false;
    }
    // Half a surrogate pair has no form in UTF-8, where two such names would be one.
    return name.codePoints()
        .noneMatch(c -> Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE);
  }

  /** The store's key: no user has the newline that ends it, and none is empty. */
  String stored() {
    return kind.letter + (user == null ? "" : user) + "\n" + name;
  }
}
