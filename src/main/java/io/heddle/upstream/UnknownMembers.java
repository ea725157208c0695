package io.heddle.upstream;

import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.json.Utf8;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Members of a server's answer that nobody here understands, put together from the deltas of a
 * stream. Texts are continued and lists grow, as everybody's deltas do; what stands for something,
 * an id or a type, is the same in each delta and is not.
 */
final class UnknownMembers {

  private static final int DEEPEST = 32;

  /**
   * So many of a list's last elements may still be continued. Without a bound, a list of many
   * elements would be searched whole for each new one.
   */
  private static final int OPEN_ELEMENTS = 64;

  /** Members whose text is the same in each delta, or comes once. */
  private static final Set<String> LABELS =
      Set.of(
          "id",
          "type",
          "format",
          "role",
          "name",
          "index",
          "status",
          "object",
          "model",
          "provider",
          "created_at");

  /** Members whose text comes once, or in pieces. */
  private static final Set<String> SEALS =
      Set.of("signature", "thought_signature", "data", "encrypted_content", "encrypted");

  /** Members of elements that come in one piece. */
  private static final Set<String> WHOLE =
      Set.of("image_url", "url_citation", "file_citation", "file_path", "file", "url");

  private final Map<String, Object> members = new LinkedHashMap<>();

  boolean isEmpty() {
    return members.isEmpty();
  }

  /** Takes what the next delta says. */
  void add(Map<String, Object> more) {
    more.forEach(
        (name, value) -> members.merge(name, value, (old, next) -> merged(name, old, next)));
  }

  /** Takes what a message says, which is all there is so far. */
  void set(Map<String, Object> all) {
    members.putAll(all);
  }

  Json toJson() {
    JsonWriter out = new JsonWriter(256);
    write(members, out);
    return out.toJson();
  }

  // ---- values: maps, lists, texts, and all other scalars as they stand

  /**
   * The value that the parser stands at, which is read to its end; null for one that says nothing,
   * or is nested too deeply.
   */
  static @Nullable Object read(JsonParser in) {
    return read(in, 0);
  }

  private static @Nullable Object read(JsonParser in, int depth) {
    if (depth > DEEPEST) {
      in.skipChildren();
      return null;
    }
    return switch (in.currentToken()) {
      case START_OBJECT -> {
        Map<String, Object> members = new LinkedHashMap<>();
        while (in.nextToken() != JsonToken.END_OBJECT) {
          String name = in.currentName();
          in.nextToken();
          Object value = read(in, depth + 1);
          if (value != null) {
            members.put(name, value);
          }
        }
        yield members.isEmpty() ? null : members;
      }
      case START_ARRAY -> {
        List<Object> elements = new ArrayList<>();
        while (in.nextToken() != JsonToken.END_ARRAY) {
          Object value = read(in, depth + 1);
          if (value != null) {
            elements.add(value);
          }
        }
        yield elements.isEmpty() ? null : elements;
      }
      case VALUE_STRING -> in.getStringLength() == 0 ? null : new StringBuilder(in.getString());
      case VALUE_NULL -> null;
      // What is no number cannot be written again.
      default -> in.isNaN() ? null : Json.of(in.getString());
    };
  }

  /** Characters, about. */
  static long size(Object value) {
    return switch (value) {
      case Map<?, ?> members -> {
        long size = 2;
        for (Map.Entry<?, ?> member : members.entrySet()) {
          size += String.valueOf(member.getKey()).length() + 4 + size(member.getValue());
        }
        yield size;
      }
      case List<?> elements -> {
        long size = 2;
        for (Object element : elements) {
          size += 1 + size(element);
        }
        yield size;
      }
      case Json scalar -> scalar.length();
      default -> 2 + ((CharSequence) value).length();
    };
  }

  private static Object merged(String name, Object old, Object next) {
    if (old instanceof StringBuilder text && next instanceof StringBuilder more) {
      boolean same = text.compareTo(more) == 0;
      if (LABELS.contains(name) || SEALS.contains(name) && same) {
        return next;
      }
      return text.append(more);
    }
    if (old instanceof Map<?, ?> && next instanceof Map<?, ?>) {
      Map<String, Object> members = map(old);
      map(next).forEach((key, value) -> members.merge(key, value, (a, b) -> merged(key, a, b)));
      return members;
    }
    if (old instanceof List<?> && next instanceof List<?>) {
      List<Object> elements = list(old);
      int before = elements.size();
      for (Object element : list(next)) {
        if (isWhole(element)) {
          int oldest = Math.max(0, elements.size() - OPEN_ELEMENTS);
          List<Object> last = elements.subList(oldest, elements.size());
          if (last.stream().noneMatch(other -> isEqual(other, element))) {
            elements.add(element);
          }
          continue;
        }
        int at = continued(elements, before, element);
        if (at < 0) {
          elements.add(element);
        } else {
          elements.set(at, merged("", elements.get(at), element));
        }
      }
      return elements;
    }
    return next;
  }

  /** An image and a source come at once, and some servers give each the same number. */
  private static boolean isWhole(Object element) {
    return element instanceof Map<?, ?> part && WHOLE.stream().anyMatch(part::containsKey);
  }

  private static boolean isEqual(Object one, Object other) {
    return size(one) == size(other) && String.valueOf(one).equals(String.valueOf(other));
  }

  /** Which element of a list a delta's element goes on with; -1 for none. */
  private static int continued(List<Object> elements, int before, Object next) {
    if (!(next instanceof Map<?, ?> part)) {
      return -1;
    }
    Object index = part.get("index");
    int oldest = Math.max(0, before - OPEN_ELEMENTS);
    for (int i = before - 1; i >= oldest; i--) {
      if (!(elements.get(i) instanceof Map<?, ?> element)) {
        return -1;
      }
      if (index == null) {
        return goesOn(element, part) ? i : -1;
      }
      if (same(index, element.get("index")) && same(part.get("type"), element.get("type"))) {
        return i;
      }
    }
    return -1;
  }

  /** Of parts without a number: a sealed one is whole. */
  private static boolean goesOn(Map<?, ?> element, Map<?, ?> part) {
    boolean sealed = SEALS.stream().anyMatch(element::containsKey);
    return !sealed
        && !element.containsKey("index")
        && same(part.get("type"), element.get("type"))
        && same(part.get("id"), element.get("id"));
  }

  private static boolean same(@Nullable Object one, @Nullable Object other) {
    return String.valueOf(one).equals(String.valueOf(other));
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> map(Object value) {
    return (Map<String, Object>) value;
  }

  @SuppressWarnings("unchecked")
  private static List<Object> list(Object value) {
    return (List<Object>) value;
  }

  private static void write(Object value, JsonWriter out) {
    switch (value) {
      case Map<?, ?> members -> {
        JsonWriter.object(out);
        members.forEach((name, member) ->
            write(member, out.next().string(Utf8.mended(String.valueOf(name))).ascii(':')));
        out.end();
      }
      case List<?> elements -> out.array(elements, UnknownMembers::write);
      case Json scalar -> out.raw(scalar);
      default -> out.string(Utf8.mended(value.toString()));
    }
  }
}
