package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the headers of the script files say is so: keys and arguments by name, answers, and of a
 * part what it reads, leaves and defines. {@link FullRedisScriptsIT} and {@link ScriptTimesIT} hold
 * the calls to the numbers of keys and arguments.
 */
class ScriptHeadersTest {

  private static final Pattern LITERAL = Pattern.compile("(KEYS|ARGV)\\[(\\d+)\\]");
  private static final Pattern NAMED = Pattern.compile("local ([\\w, ]+) = (.*)");
  private static final Pattern UNPACKED =
      Pattern.compile("unpack\\((KEYS|ARGV)(?:, (\\d+))?(?:, \\d+)?\\)");

  static List<String> files() {
    return LuaFile.paths();
  }

  @Test
  void everyScriptHasItsConstantAndEveryPartItsUser() {
    Set<String> used = new TreeSet<>(Set.of("lib/split"));
    Arrays.stream(RedisScript.values()).map(RedisScript::path).forEach(used::add);
    files()
        .forEach(
            file -> LuaFile.of(file).includes().stream().map("lib/"::concat).forEach(used::add));
    assertThat(files()).containsExactlyElementsOf(used);
  }

  @ParameterizedTest
  @MethodSource("files")
  void headerIsWhole(String path) {
    LuaFile file = LuaFile.of(path);
    assertThat(file.lines.getFirst()).matches("-- [A-Z].*");
    for (String section : List.of("KEYS", "ARGV", "Returns")) {
      assertThat(file.section(section)).as(section).matches(file.isPart() ? ".*" : ".+");
    }
    assertThat(file.parameters("KEYS")).allMatch(key -> key.isEmpty() || key.matches("\\w+[?*]?"));
    assertThat(file.parameters("ARGV"))
        .allMatch(each -> each.isEmpty() || each.matches("\\w+[?*]?|\\[\\w+(, +\\w+)*\\]\\*"));
  }

  @ParameterizedTest
  @MethodSource("files")
  void namesAreThoseOfTheHeader(String path) {
    LuaFile file = LuaFile.of(path);
    Set<String> shared = new HashSet<>();
    Set<String> reads = file.names("Reads", shared);
    assertThat(file.reads()).as("reads").containsAll(reads);
    reads.addAll(shared);
    assertThat(reads).as("reads").containsAll(file.reads());
    if (file.isPart()) {
      Set<String> left = new HashSet<>();
      Set<String> leaves = file.names("Leaves", left);
      Set<String> defines = file.names("Defines", left);
      leaves.addAll(left);
      leaves.addAll(defines);
      Set<String> all = new TreeSet<>(file.leaves());
      all.addAll(file.defines());
      assertThat(leaves).as("leaves and defines").containsExactlyInAnyOrderElementsOf(all);
      defines.removeAll(file.defines());
      assertThat(defines).as("functions that are none").isEmpty();
    }
  }

  /** No bare {@code KEYS[3]} below the first lines, and there each name is the header's. */
  @ParameterizedTest
  @MethodSource("files")
  void argumentsAreNamedInTheFirstLines(String path) {
    LuaFile file = LuaFile.of(path);
    boolean head = true;
    for (String line : file.lines) {
      head &= line.startsWith("--") || line.startsWith("local ");
      assertThat(LITERAL.matcher(line).find() && !head && !line.startsWith("--"))
          .as(line)
          .isFalse();
      Matcher named = NAMED.matcher(line);
      if (named.matches() && !file.section("KEYS").isEmpty()) {
        check(file, named.group(1).split(", "), named.group(2));
      }
    }
  }

  private static void check(LuaFile file, String[] names, String values) {
    Matcher unpacked = UNPACKED.matcher(values);
    if (unpacked.matches()) {
      int first = unpacked.group(2) == null ? 1 : Integer.parseInt(unpacked.group(2));
      for (int i = 0; i < names.length; i++) {
        check(file, names[i], unpacked.group(1), first + i);
      }
      return;
    }
    String[] each = values.split(", ");
    for (int i = 0; i < names.length && each.length == names.length; i++) {
      Matcher literal = LITERAL.matcher(each[i]);
      if (literal.lookingAt()) {
        check(file, names[i], literal.group(1), Integer.parseInt(literal.group(2)));
      }
    }
  }

  private static void check(LuaFile file, String name, String section, int index) {
    List<String> parameters = file.parameters(section);
    String stated = parameters.get(Math.min(index, parameters.size()) - 1).replace("?", "");
    // After the first that may be many, the place does not say which one it is.
    if (parameters.stream().limit(index).noneMatch(each -> each.endsWith("*"))) {
      assertThat(name).isEqualTo(section.equals("KEYS") ? "key_" + stated : stated);
    }
  }
}
