package io.heddle.web;

import io.netty.handler.codec.http.HttpHeaders;
import java.util.Iterator;
import java.util.Map;
import org.apache.commons.text.similarity.LevenshteinDistance;
import org.jspecify.annotations.Nullable;

/**
 * The header that names the user, as some write it, and as proxies pass on what they do not know.
 * Who is named so would be taken for nobody, and nobody is the backend, which may see everything.
 */
final class UserHeader {

  /** Letters and digits of {@link HeaderNames#USER}. */
  private static final String LETTERS = "heddleuser";

  /** A parameter's, whatever stands between. */
  private static final String BY_ID = "userid";

  /** So many letters may be wrong, missing or too many; Heddle's other headers differ in more. */
  private static final LevenshteinDistance WRONG = new LevenshteinDistance(2);

  private static final int SHORTEST = 8;
  private static final int LONGEST = 24;

  private UserHeader() {}

  /** The first name that is nearly the header's, or null. */
  static @Nullable String misspelt(HttpHeaders headers) {
    Iterator<Map.Entry<CharSequence, CharSequence>> all = headers.iteratorCharSequence();
    while (all.hasNext()) {
      CharSequence name = all.next().getKey();
      if (isNear(name) && !name.toString().equalsIgnoreCase(HeaderNames.USER)) {
        return name.toString();
      }
    }
    return null;
  }

  private static boolean isNear(CharSequence name) {
    int length = name.length();
    // Nearly all names are told apart by this.
    if (length < SHORTEST || length > LONGEST) {
      return false;
    }
    int first = name.charAt(0) | 0x20;
    // As it is, or behind what others put in front of such a name: X-, HTTP_, Proxy-; and behind
    // anything.
    boolean usual = first == 'h' || first == 'x' || first == 'p';
    if (!usual && (name.charAt(length - 1) | 0x20) != 'r') {
      return false;
    }
    String plain = letters(name);
    return plain.contains(LETTERS)
        || (usual && WRONG.apply(first == 'x' ? plain.substring(1) : plain, LETTERS) >= 0);
  }

  /**
   * Whether a parameter that is there names a user to whoever sent it: {@code user}, {@code
   * user[]}, {@code heddle_user}, also behind a separator that is none here, as in {@code
   * amp;user}.
   */
  static boolean isInQuery(String name) {
    for (String part : name.split("[;&=?]")) {
      String plain = letters(part);
      if (plain.equals(Callers.QUERY) || plain.equals(BY_ID) || plain.contains(LETTERS)) {
        return true;
      }
    }
    return false;
  }

  /** In lower case, and nothing else. */
  private static String letters(CharSequence name) {
    StringBuilder letters = new StringBuilder(name.length());
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (Character.isLetterOrDigit(c)) {
        letters.append(Character.toLowerCase(c));
      }
    }
    return letters.toString();
  }
}
