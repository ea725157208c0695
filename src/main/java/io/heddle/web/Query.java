package io.heddle.web;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of one request: only those the call knows, each at most once. Every refusal is a
 * {@code ProblemException} that names the parameter.
 */
public final class Query {

  private static final Query NONE = new Query(Map.of(), Set.of());

  private final Map<String, String> values;
  private final Set<String> repeated;

  private Query(Map<String, String> values, Set<String> repeated) {
    this.values = values;
    this.repeated = repeated;
  }

  /**
   * @param raw the query as it came, null when there is none
   * @param names the call's parameters; one that ends with a dot stands for all that begin so
   */
  public static Query of(@Nullable String raw, String... names) {
    return read(raw, names);
  }

  /**
   * Whatever parameters there are, for a wire that ignores those it does not know. One that is
   * there twice is refused when it is asked for.
   */
  public static Query lenient(@Nullable String raw) {
    return read(raw, null);
  }

  /**
   * @param names null for any
   */
  private static Query read(@Nullable String raw, String @Nullable [] names) {
    if (raw == null || raw.isEmpty()) {
      return NONE;
    }
    Map<String, String> values = new LinkedHashMap<>();
    Set<String> repeated = new HashSet<>();
    int from = 0;
    while (from <= raw.length()) {
      int end = raw.indexOf('&', from);
      end = end < 0 ? raw.length() : end;
      if (end > from) {
        int equals = raw.indexOf('=', from);
        int nameEnd = equals < 0 || equals > end ? end : equals;
        String name = decode(raw.substring(from, nameEnd), "query");
        String value = nameEnd == end ? "" : decode(raw.substring(nameEnd + 1, end), name);
        if (names != null && !known(name, names)) {
          throw Problem.field(
                  ProblemCode.UNKNOWN_FIELD, name, "This call does not know the parameter " + name)
              .toException();
        }
        if (values.putIfAbsent(name, value) != null) {
          if (names != null) {
            throw refuse(name, "is there twice");
          }
          repeated.add(name);
        }
      }
      from = end + 1;
    }
    return new Query(values, repeated);
  }

  /**
   * One parameter's value, whatever else the query has. Names are compared as they are decoded: the
   * same name in another spelling is the same parameter.
   */
  static @Nullable String find(@Nullable String raw, String name) {
    return raw == null || raw.isEmpty() ? null : lenient(raw).text(name);
  }

  /** Every parameter's name, decoded. */
  Set<String> names() {
    return values.keySet();
  }

  public @Nullable String text(String name) {
    if (repeated.contains(name)) {
      throw refuse(name, "is there twice");
    }
    return values.get(name);
  }

  /** A whole number, or {@code otherwise} when the parameter is not there. */
  public int integer(String name, int min, int max, int otherwise) {
    String text = text(name);
    if (text == null) {
      return otherwise;
    }
    if (!text.isEmpty() && text.length() < 10 && text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      int value = Integer.parseInt(text);
      if (value >= min && value <= max) {
        return value;
      }
    }
    throw refuse(name, "must be a whole number from " + min + " to " + max);
  }

  /** {@code true} or {@code false}; false when the parameter is not there. */
  public boolean flag(String name) {
    String text = text(name);
    if (text == null || text.equals("false")) {
      return false;
    }
    if (text.equals("true")) {
      return true;
    }
    throw refuse(name, "must be true or false");
  }

  /** Every parameter whose name begins so, by the rest of its name. */
  public Map<String, String> startingWith(String prefix) {
    Map<String, String> found = new LinkedHashMap<>();
    values.forEach((name, value) -> {
      if (name.startsWith(prefix)) {
        found.put(name.substring(prefix.length()), value);
      }
    });
    return found;
  }

  public static ProblemException refuse(String name, String detail) {
    return Problem.field(ProblemCode.INVALID_REQUEST, name, name + " " + detail).toException();
  }

  /** Whether it stands for itself, as nearly all that is sent does. */
  private static boolean isPlain(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c <= ' ' || c >= 0x7f || c == '%' || c == '+') {
        return false;
      }
    }
    return true;
  }

  private static boolean known(String name, String[] names) {
    for (String one : names) {
      boolean prefix = one.endsWith(".");
      if (prefix ? name.startsWith(one) && name.length() > one.length() : name.equals(one)) {
        return true;
      }
    }
    return false;
  }

  private static String decode(String text, String field) {
    if (isPlain(text)) {
      return text;
    }
    byte[] bytes = new byte[text.length()];
    int length = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '%') {
        int high = i + 2 < text.length() ? Character.digit(text.charAt(i + 1), 16) : -1;
        int low = high < 0 ? -1 : Character.digit(text.charAt(i + 2), 16);
        if (low < 0) {
          throw refuse(field, "is not percent-encoded as it must be");
        }
        bytes[length++] = (byte) (high << 4 | low);
        i += 2;
      } else {
        bytes[length++] = (byte) (c == '+' ? ' ' : c);
      }
    }
    try {
      String decoded =
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, 0, length)).toString();
      if (decoded.indexOf('\0') >= 0) {
        throw refuse(field, "has a NUL character");
      }
      return decoded;
    } catch (CharacterCodingException _) {
      throw refuse(field, "is not UTF-8");
    }
  }
}
