package io.heddle.settings;

import static java.util.regex.Pattern.CASE_INSENSITIVE;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.commons.text.similarity.LevenshteinDistance;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * The names of all settings, as a tree that is read from the records they are bound to. A name may
 * be written in each of the forms that Spring Boot binds: {@code default-ttl}, {@code defaultTtl},
 * {@code default_ttl}; in the environment {@code DEFAULTTTL} and {@code DEFAULT_TTL}.
 */
final class SettingNames {

  private static final String PREFIX = "HEDDLE";

  /** So many letters of the prefix may be wrong. */
  private static final LevenshteinDistance WRONG = new LevenshteinDistance(2);

  private static final Pattern WITH_PREFIX = Pattern.compile("heddle[.\\[]", CASE_INSENSITIVE);

  private final Node root = new Node();

  private SettingNames() {}

  /**
   * @param records each with {@link ConfigurationProperties}
   * @param others names of settings that are bound to no record
   */
  static SettingNames of(List<Class<?>> records, List<String> others) {
    SettingNames names = new SettingNames();
    for (Class<?> type : records) {
      names.at(type.getAnnotation(ConfigurationProperties.class).value()).addRecord(type);
    }
    others.forEach(names::at);
    return names;
  }

  private Node at(String name) {
    Node node = root;
    for (String element : name.split("\\.")) {
      node = node.child(element);
    }
    return node;
  }

  /**
   * Whether a setting has this name.
   *
   * @param elements in Boot's uniform form: lower case, letters and digits only
   */
  boolean knows(List<String> elements) {
    return root.matches(elements, 0, false);
  }

  /** Whether a setting has this name in the environment, {@code HEDDLE_SESSION_DEFAULTTTL}. */
  boolean knowsVariable(String name) {
    return root.matches(List.of(name.toLowerCase(Locale.ROOT).split("_", -1)), 0, true);
  }

  /** Whether only the first element, {@code heddle} itself, keeps this from being a setting. */
  boolean knowsNearly(List<String> elements) {
    return isNearlyPrefix(elements.getFirst()) && knows(withPrefix(elements));
  }

  /** The same of a name in the environment. */
  boolean knowsVariableNearly(String name) {
    List<String> elements = List.of(name.toLowerCase(Locale.ROOT).split("_", -1));
    return isNearlyPrefix(elements.getFirst()) && root.matches(withPrefix(elements), 0, true);
  }

  private static boolean isNearlyPrefix(String element) {
    int wrong = WRONG.apply(element, "heddle");
    return wrong == 1 || (wrong == 2 && element.startsWith("h"));
  }

  /** Whether only what stands between its words keeps this from being a setting. */
  boolean knowsJoined(String name) {
    String words = joined(name);
    return words.startsWith("heddle")
        && !WITH_PREFIX.matcher(name).lookingAt()
        && all().stream().anyMatch(known -> words.matches(joined(known).replace("*", ".+")));
  }

  private static String joined(String name) {
    return plain(name).replace(".", "");
  }

  private static List<String> withPrefix(List<String> elements) {
    List<String> right = new ArrayList<>(elements);
    right.set(0, "heddle");
    return right;
  }

  /** The known name that is spelled most like this one, with {@code *} for a name of the user's. */
  String nearestTo(String name) {
    String wanted = plain(name);
    return all().stream()
        .min(
            Comparator.comparingInt(
                known -> LevenshteinDistance.getDefaultInstance().apply(plain(known), wanted)))
        .orElseThrow();
  }

  /** The same in the environment's form. */
  String nearestVariableTo(String name) {
    return nearestTo(name.replace('_', '.'))
        .replace("-", "")
        .replace('.', '_')
        .toUpperCase(Locale.ROOT);
  }

  /** Whether this begins with Heddle's name and with what does not separate it in a file. */
  static boolean isPrefixed(String name) {
    int end = PREFIX.length();
    return name.length() > end
        && name.substring(0, end).equalsIgnoreCase(PREFIX)
        && !Character.isLetterOrDigit(name.charAt(end))
        && ".[".indexOf(name.charAt(end)) < 0;
  }

  /** The name with dots between its words, whatever stood there. */
  static String dotted(String name) {
    return name.replaceAll("[^A-Za-z0-9]+", ".");
  }

  /** Every name, one a setting. */
  List<String> all() {
    List<String> names = new ArrayList<>();
    root.collect("", names);
    return names;
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9.*]", "");
  }

  /** One element of a name; a leaf has neither children nor a node for any name. */
  private static final class Node {
    private final Map<String, Node> children = new LinkedHashMap<>();
    private @Nullable Node any;
    private boolean open;
    private boolean list;

    Node child(String name) {
      return children.computeIfAbsent(name, _ -> new Node());
    }

    void addRecord(Class<?> type) {
      for (RecordComponent component : type.getRecordComponents()) {
        String name = component.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
        child(name).addType(component.getGenericType());
      }
    }

    private void addType(Type type) {
      if (type instanceof Class<?> raw) {
        if (raw.isRecord() && raw.getName().startsWith("io.heddle.")) {
          addRecord(raw);
        } else {
          // A list or a map that is not told what it holds takes anything.
          list = Iterable.class.isAssignableFrom(raw);
          open = list || Map.class.isAssignableFrom(raw);
        }
      } else if (type instanceof ParameterizedType generic) {
        Type[] arguments = generic.getActualTypeArguments();
        if (generic.getRawType() instanceof Class<?> raw
            && Map.class.isAssignableFrom(raw)
            && arguments[1] instanceof Class<?> value
            && value.isRecord()) {
          any = new Node();
          any.addType(value);
        } else {
          list =
              generic.getRawType() instanceof Class<?> raw && Iterable.class.isAssignableFrom(raw);
          open = true;
        }
      }
    }

    boolean isLeaf() {
      return children.isEmpty() && any == null;
    }

    boolean matches(List<String> elements, int from, boolean variable) {
      if (from == elements.size()) {
        return isLeaf();
      }
      if (open) {
        // What a list holds has a number; by a name nothing is added to it.
        return !list || elements.get(from).chars().allMatch(c -> c >= '0' && c <= '9');
      }
      for (Map.Entry<String, Node> child : children.entrySet()) {
        if (elements.get(from).equals(child.getKey().replace("-", ""))
            && child.getValue().matches(elements, from + 1, variable)) {
          return true;
        }
        List<String> words = List.of(child.getKey().split("-"));
        if (variable
            && words.size() > 1
            && from + words.size() <= elements.size()
            && elements.subList(from, from + words.size()).equals(words)
            && child.getValue().matches(elements, from + words.size(), true)) {
          return true;
        }
      }
      return any != null && any.matches(elements, from + 1, variable);
    }

    void collect(String before, List<String> names) {
      if (isLeaf()) {
        names.add(before);
      }
      children.forEach(
          (name, child) -> child.collect(before.isEmpty() ? name : before + "." + name, names));
      if (any != null) {
        any.collect(before + ".*", names);
      }
    }
  }
}
