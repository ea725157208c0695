package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A script file as a test reads it: what its header says, and which names its code leaves, defines
 * and takes from outside.
 */
final class LuaFile {

  static final Path FOLDER = Path.of("src/main/resources/redis");

  private static final String INCLUDE = "-- #include ";
  private static final Pattern SECTION =
      Pattern.compile("-- (KEYS|ARGV|Returns|Reads|Leaves|Defines): (.*)");
  private static final Pattern LEFT = Pattern.compile("what ([\\w ,]+?) (?:leaves?|reads)\\b");
  private static final Pattern TOKEN =
      Pattern.compile(
          "--[^\n]*|'(?:\\\\.|[^'\\\\])*'|\"(?:\\\\.|[^\"\\\\])*\"|[A-Za-z_]\\w*|\\d[\\w.]*"
              + "|\\.\\.\\.?|[=~<>]=|\\S");
  private static final Set<String> KEYWORDS =
      Set.of(
          ("and break do else elseif end false for function if in local nil not or repeat return"
                  + " then true until while")
              .split(" "));
  private static final Set<String> OPERATORS = Set.of("and", "or", "not", "nil", "true", "false");
  private static final Set<String> GLOBALS =
      Set.of(
          ("KEYS ARGV redis cmsgpack string table math type tonumber tostring unpack ipairs pairs"
                  + " error pcall")
              .split(" "));
  private static final Pattern MORE = Pattern.compile("\\.\\.\\. \\((\\d+) more arguments\\)");
  private static final Map<RedisScript, LuaFile> LOGGED = new ConcurrentHashMap<>();
  private static final Pattern CONSTANT = Pattern.compile("[A-Z]+_[A-Z_]+");

  final String path;
  final List<String> lines;
  private final Set<String> leaves = new TreeSet<>();
  private final Set<String> defines = new TreeSet<>();
  private final Set<String> reads = new TreeSet<>();

  private LuaFile(String path) {
    this.path = path;
    this.lines = lines(path);
    analyse();
  }

  /** By its path without the ending. */
  static LuaFile of(String path) {
    return new LuaFile(path);
  }

  static List<String> paths() {
    try (Stream<Path> files = Files.walk(FOLDER)) {
      return files
          .map(file -> FOLDER.relativize(file).toString())
          .filter(file -> file.endsWith(".lua"))
          .map(file -> file.substring(0, file.length() - ".lua".length()))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  boolean isPart() {
    return path.startsWith("lib/");
  }

  /** Locals that stand at the top when the file is over. */
  Set<String> leaves() {
    return leaves;
  }

  /** Functions that stand at the top when the file is over. */
  Set<String> defines() {
    return defines;
  }

  /** Names that the code uses and does not declare. */
  Set<String> reads() {
    return reads;
  }

  Set<String> includes() {
    return lines.stream()
        .map(String::strip)
        .filter(line -> line.startsWith(INCLUDE))
        .map(line -> line.substring(INCLUDE.length()))
        .collect(Collectors.toSet());
  }

  /** What stands in a section of the header; empty when there is none. */
  String section(String name) {
    StringBuilder text = new StringBuilder();
    boolean inside = false;
    for (String line : lines) {
      if (!line.startsWith("-- ") || line.startsWith("-- #")) {
        break;
      }
      Matcher start = SECTION.matcher(line);
      if (start.matches()) {
        inside = start.group(1).equals(name);
        text.append(inside ? start.group(2) : "");
      } else if (inside && line.startsWith("--   ")) {
        text.append(' ').append(line.substring(5));
      } else {
        inside = false;
      }
    }
    return text.toString();
  }

  /** Names in a section; what other parts leave is looked up in {@code shared}, if it is given. */
  Set<String> names(String section, Set<String> shared) {
    String text = section(section).replaceAll(" *\\([^)]*\\)", "");
    Matcher left = LEFT.matcher(text);
    while (left.find()) {
      for (String part : left.group(1).split(",| and ")) {
        LuaFile other = of("lib/" + part.strip());
        shared.addAll(left.group().endsWith("reads") ? other.reads() : other.leaves());
        shared.addAll(left.group().endsWith("reads") ? Set.of() : other.defines());
      }
    }
    Set<String> names = new TreeSet<>();
    for (String name : left.replaceAll("").split(",")) {
      if (!name.isBlank() && !GLOBALS.contains(name.strip())) {
        names.add(name.strip());
      }
    }
    return names;
  }

  /**
   * The keys or arguments that the header names, those of a part in the place of its name: {@code
   * name}, {@code name?}, {@code name*} or {@code [name, name]*}.
   */
  List<String> parameters(String section) {
    String text = section(section).replaceAll(" *\\([^)]*\\)", "");
    List<String> all = new ArrayList<>();
    for (String item : text.split(",(?![^\\[]*\\])")) {
      String name = item.strip();
      if (name.startsWith("@")) {
        all.addAll(of("lib/" + name.substring(1)).parameters(section));
      } else if (!name.equals("none")) {
        all.add(name);
      }
    }
    return all;
  }

  /** Whether a call may have so many keys or arguments. */
  boolean takes(String section, int count) {
    String pattern =
        parameters(section).stream()
            .map(name -> name.replaceAll("\\w+", "x").replaceAll("[ ,]", ""))
            .map(name -> name.replace('[', '(').replace(']', ')'))
            .collect(Collectors.joining());
    return "x".repeat(count).matches(pattern);
  }

  /** Holds a call that Redis logged, as far as it did, to the header of its script. */
  static void check(List<String> call) {
    for (RedisScript script : RedisScript.values()) {
      if (call.getFirst().equalsIgnoreCase("EVALSHA") && call.get(1).equals(script.sha())) {
        Matcher more = MORE.matcher(call.getLast());
        int words =
            more.matches() ? call.size() - 1 + Integer.parseInt(more.group(1)) : call.size();
        int keys = Integer.parseInt(call.get(2));
        LuaFile file = LOGGED.computeIfAbsent(script, it -> of(it.path()));
        assertThat(file.takes("KEYS", keys)).as("%s: %d keys", script, keys).isTrue();
        int args = words - 3 - keys;
        assertThat(file.takes("ARGV", args)).as("%s: %d arguments", script, args).isTrue();
      }
    }
  }

  private static List<String> lines(String path) {
    try {
      return Files.readAllLines(FOLDER.resolve(path + ".lua"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String expanded(String path) {
    return lines(path).stream()
        .map(line ->
            line.strip().startsWith(INCLUDE)
                ? expanded("lib/" + line.strip().substring(INCLUDE.length()))
                : line)
        .collect(Collectors.joining("\n"));
  }

  /** Goes through the names of the code, block by block. */
  private void analyse() {
    List<String> tokens =
        TOKEN
            .matcher(expanded(path))
            .results()
            .map(token -> token.group())
            .filter(token -> !token.startsWith("--"))
            .toList();
    Deque<Set<String>> scopes = new ArrayDeque<>();
    scopes.push(new HashSet<>());
    Set<String> ofLoop = new HashSet<>();
    boolean until = false;
    for (int i = 0; i < tokens.size(); i++) {
      String token = tokens.get(i);
      if (until && KEYWORDS.contains(token) && !OPERATORS.contains(token)) {
        // What a loop ends on may name what is local to it.
        scopes.pop();
        until = false;
      }
      switch (token) {
        case "until" -> until = true;
        case "for" -> {
          while (!tokens.get(++i).matches("=|in")) {
            ofLoop.add(tokens.get(i));
          }
        }
        case "do" -> {
          scopes.push(new HashSet<>(ofLoop));
          ofLoop.clear();
        }
        case "then", "repeat" -> scopes.push(new HashSet<>());
        case "else" -> {
          scopes.pop();
          scopes.push(new HashSet<>());
        }
        case "elseif", "end" -> scopes.pop();
        case "function" -> {
          Set<String> parameters = new HashSet<>();
          while (!tokens.get(++i).equals(")")) {
            parameters.add(tokens.get(i));
          }
          scopes.push(parameters);
        }
        case "local" -> {
          boolean function = tokens.get(i + 1).equals("function");
          do {
            String name = tokens.get(i + (function ? 2 : 1));
            scopes.element().add(name);
            if (scopes.size() == 1 && !GLOBALS.contains(name)) {
              (function ? defines : leaves).add(name);
            }
            i += function ? 2 : 1;
          } while (!function && tokens.get(i + 1).equals(",") && ++i > 0);
          if (function) {
            // Its parameters follow, as those of one without a name.
            Set<String> parameters = new HashSet<>();
            while (!tokens.get(++i).equals(")")) {
              parameters.add(tokens.get(i));
            }
            scopes.push(parameters);
          }
        }
        default -> {
          boolean name = Character.isLetter(token.charAt(0)) || token.charAt(0) == '_';
          String before = i == 0 ? "" : tokens.get(i - 1);
          boolean field =
              before.equals(".")
                  || before.equals(":")
                  || (before.matches("[{,]")
                      && i + 1 < tokens.size()
                      && tokens.get(i + 1).equals("=")
                      && !isAssigned(tokens, i));
          if (name
              && !field
              && !KEYWORDS.contains(token)
              && !GLOBALS.contains(token)
              && !CONSTANT.matcher(token).matches()
              && scopes.stream().noneMatch(scope -> scope.contains(token))) {
            reads.add(token);
          }
        }
      }
    }
  }

  /** Whether a name before a {@code =} is the last one of a list that is assigned to. */
  private static boolean isAssigned(List<String> tokens, int at) {
    int braces = 0;
    for (int i = at; i >= 0; i--) {
      braces += tokens.get(i).equals("}") ? 1 : tokens.get(i).equals("{") ? -1 : 0;
      if (braces < 0) {
        return false;
      }
    }
    return true;
  }
}
