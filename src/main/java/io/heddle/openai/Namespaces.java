package io.heddle.openai;

import io.heddle.json.JsonValue;
import io.heddle.web.IdempotencyHashes;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Functions of namespaces, for servers that know none: one name says both. It can be taken apart
 * again where nobody knows the request any more, unless it had to be shortened.
 */
final class Namespaces {

  static final String TYPE = "namespace";

  /** Stands in no name that a person or a generator of tools would make. */
  private static final String BETWEEN = "-_-";

  private static final int LONGEST = 64;
  private static final int HASH_BYTES = 4;
  private static final Pattern LEGAL = Pattern.compile("[A-Za-z0-9_-]{1," + LONGEST + "}");
  private static final Pattern ILLEGAL = Pattern.compile("[^A-Za-z0-9_-]");

  private Namespaces() {}

  /** A function's name. */
  record Name(@Nullable String namespace, String name) {
    static Name of(String plain) {
      return new Name(null, plain);
    }
  }

  /** The one name of both, always the same. */
  static String flat(String namespace, String name) {
    String flat = namespace + BETWEEN + name;
    int at = flat.indexOf(BETWEEN);
    boolean apart =
        at == namespace.length() && at > 0 && at == flat.lastIndexOf(BETWEEN) && !name.isEmpty();
    if (apart && LEGAL.matcher(flat).matches()) {
      return flat;
    }
    byte[] hash =
        IdempotencyHashes.sha256()
            .digest((namespace + "\n" + name).getBytes(StandardCharsets.UTF_8));
    String end = "_" + HexFormat.of().formatHex(hash, 0, HASH_BYTES);
    String legal = ILLEGAL.matcher(name).replaceAll("_");
    return legal.substring(0, Math.min(legal.length(), LONGEST - end.length())) + end;
  }

  /** What {@link #flat} made of a name, as far as that can be seen. */
  static Name apart(String flat) {
    int at = flat.indexOf(BETWEEN);
    if (at > 0 && at == flat.lastIndexOf(BETWEEN) && at + BETWEEN.length() < flat.length()) {
      return new Name(flat.substring(0, at), flat.substring(at + BETWEEN.length()));
    }
    return Name.of(flat);
  }

  /** The functions of a request's namespaces by their one name. */
  static Map<String, Name> of(@Nullable JsonValue tools) {
    Map<String, Name> names = new HashMap<>();
    if (tools == null || !tools.isArray()) {
      return names;
    }
    for (JsonValue tool : tools.array()) {
      JsonValue fields = tool.object();
      JsonValue inner = fields.word("type").equals(TYPE) ? fields.get("tools") : null;
      if (inner != null && inner.isArray()) {
        for (JsonValue function : inner.array()) {
          Name name = new Name(fields.word("name"), function.object().word("name"));
          names.put(flat(fields.word("name"), name.name()), name);
        }
      }
    }
    return names;
  }
}
