package io.heddle.web;

import io.netty.handler.codec.http.HttpHeaders;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The header that names the user, as some write it, and as proxies pass on what they do not know.
 * Who is named so would be taken for nobody, and nobody is the backend, which may see everything.
 */
final class UserHeader {

  /** Letters and digits of {@link Callers#HEADER}, and what others call the same. */
  private static final Set<String> LETTERS =
      Set.of("heddleuser", "heddleuserid", "heddleusername", "heddleusers");

  private static final int SHORTEST = 10;
  private static final int LONGEST = 24;

  private UserHeader() {}

  /** The first name that is nearly the header's, or null. */
  static @Nullable String misspelt(HttpHeaders headers) {
    Iterator<Map.Entry<CharSequence, CharSequence>> all = headers.iteratorCharSequence();
    while (all.hasNext()) {
      CharSequence name = all.next().getKey();
      if (isNear(name) && !name.toString().equalsIgnoreCase(Callers.HEADER)) {
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
    if (first != 'h' && first != 'x') {
      return false;
    }
    StringBuilder letters = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      char c = name.charAt(i);
      if (Character.isLetterOrDigit(c)) {
        letters.append(Character.toLowerCase(c));
      }
    }
    String plain = letters.toString();
    return LETTERS.contains(first == 'x' ? plain.substring(1) : plain);
  }
}
