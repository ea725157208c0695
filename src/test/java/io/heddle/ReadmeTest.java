package io.heddle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.heddle.answercache.AnswerProperties;
import io.heddle.base.MemoryProperties;
import io.heddle.embedded.EmbeddedProperties;
import io.heddle.limit.LimitProperties;
import io.heddle.live.LiveProperties;
import io.heddle.nearcache.CoherenceProperties;
import io.heddle.redis.RedisProperties;
import io.heddle.security.SecurityProperties;
import io.heddle.session.SessionProperties;
import io.heddle.turn.TurnProperties;
import io.heddle.upstream.UpstreamProperties;
import io.heddle.web.HostProperties;
import io.heddle.web.HttpProperties;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.convert.ApplicationConversionService;
import tools.jackson.databind.json.JsonMapper;

/** What README.md says of settings, of places and in JSON is so. */
class ReadmeTest {

  /** How the tables say what is not a value. */
  private static final Map<String, String> WORDS =
      Map.of(
          "any",
          "0",
          "half of it",
          "0",
          "a quarter of the heap",
          "0B",
          "none",
          "",
          "any name",
          "",
          "own host only",
          "");

  private static final Map<String, Class<?>> RECORDS =
      Map.ofEntries(
          Map.entry("heddle.memory.", MemoryProperties.class),
          Map.entry("heddle.http.", HttpProperties.class),
          Map.entry("heddle.security.", SecurityProperties.class),
          Map.entry("heddle.", HostProperties.class),
          Map.entry("heddle.session.", SessionProperties.class),
          Map.entry("heddle.cache.", CoherenceProperties.class),
          Map.entry("heddle.answers.", AnswerProperties.class),
          Map.entry("heddle.live.", LiveProperties.class),
          Map.entry("heddle.turns.", TurnProperties.class),
          Map.entry("heddle.limits.", LimitProperties.class),
          Map.entry("heddle.redis.", RedisProperties.class),
          Map.entry("heddle.embedded.", EmbeddedProperties.class));

  private static String text;

  @BeforeAll
  static void read() throws IOException {
    text = Files.readString(Path.of("README.md"));
  }

  /** A setting that the table leaves out, or whose default has changed since it was written. */
  @Test
  void theTableStatesTheDefaultsOfTheRecords() {
    Map<String, String> told = rows("| `heddle.");
    Binder nothing = new Binder(new MapConfigurationPropertySource());

    RECORDS.forEach((prefix, type) -> {
      Object record =
          nothing.bindOrCreate(prefix.substring(0, prefix.length() - 1), Bindable.of(type));
      defaults(prefix, record, told);
    });
  }

  @Test
  void theTableOfUpstreamsStatesTheirDefaults() {
    Map<String, String> told = new LinkedHashMap<>();
    String table = text.substring(text.indexOf("| `heddle.upstreams.<name>.` |"));
    table.lines().skip(2).takeWhile(line -> line.startsWith("| ")).forEach(line -> row(line, told));
    UpstreamProperties.Server server =
        new Binder(
                new MapConfigurationPropertySource(
                    Map.of("heddle.upstreams.x.base-url", "http://localhost:1/v1")))
            .bindOrCreate("heddle", Bindable.of(UpstreamProperties.class))
            .upstreams()
            .get("x");

    told.remove("headers.<name>");
    // Without a default: it must be said, or must not.
    List.of("base-url", "api-key", "api-key-file").forEach(name -> told.put(name, ""));
    defaults("breaker.", server.breaker(), told);
    for (RecordComponent setting : server.getClass().getRecordComponents()) {
      String name = kebab(setting.getName());
      if (!List.of("breaker", "headers", "base-url", "api-key", "api-key-file").contains(name)) {
        compare(name, value(setting, server), setting, told);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"README.md", "CONTRIBUTING.md"})
  void everyLinkLeadsSomewhere(String file) throws IOException {
    String page = Files.readString(Path.of(file));
    List<String> headings =
        Pattern.compile("(?m)^#+ (.+)$")
            .matcher(page)
            .results()
            .map(found ->
                found
                    .group(1)
                    .toLowerCase(Locale.ROOT)
                    .replaceAll("[^\\w\\- ]", "")
                    .replace(' ', '-'))
            .toList();
    List<MatchResult> links =
        Pattern.compile("\\]\\(([^)\\s]+)\\)").matcher(page).results().toList();

    assertThat(links).isNotEmpty();
    for (MatchResult link : links) {
      String to = link.group(1);
      if (to.startsWith("#")) {
        assertThat(headings).contains(to.substring(1));
      } else if (!to.startsWith("https://")) {
        assertThat(Path.of(to)).exists();
      }
    }
  }

  /** A test that was given another name once left its command behind, which then ran nothing. */
  @Test
  void everyTestThatACommandNamesIsThere() throws IOException {
    List<String> classes;
    try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
      classes =
          files
              .map(Path::toString)
              .filter(name -> name.endsWith(".java"))
              .map(name -> name.replaceAll("^src/test/java/|\\.java$", "").replace('/', '.'))
              .toList();
    }
    List<String> named =
        Pattern.compile("-D(?:it\\.)?test='?([\\w.*,]+)")
            .matcher(Files.readString(Path.of("CONTRIBUTING.md")))
            .results()
            .flatMap(found -> Stream.of(found.group(1).split(",")))
            .toList();

    assertThat(named).hasSizeGreaterThan(5);
    for (String name : named) {
      String pattern = "(.*\\.)?" + name.replace(".", "\\.").replace("*", ".*");
      assertThat(classes).as(name).anyMatch(one -> one.matches(pattern));
    }
  }

  /** An answer that was shortened has three dots and is left out. */
  @Test
  void whatLooksLikeJsonIsJson() {
    JsonMapper mapper = new JsonMapper();
    List<String> read = new ArrayList<>();
    Pattern.compile("(?ms)^```\\w*\\n(.*?)^```")
        .matcher(text)
        .results()
        .flatMap(block -> block.group(1).lines())
        .forEach(line -> {
          String json = line.replaceFirst("^data: ", "").replaceFirst(".*--json '(.*)'$", "$1");
          if (json.startsWith("{") && !json.contains("…") && !json.equals("{")) {
            assertThatCode(() -> mapper.readTree(json)).as(json).doesNotThrowAnyException();
            read.add(json);
          }
        });

    assertThat(read).hasSizeGreaterThan(30);
  }

  /** Each setting of the rows that begin so, and its default. */
  private static Map<String, String> rows(String start) {
    Map<String, String> told = new LinkedHashMap<>();
    text.lines()
        .filter(line -> line.startsWith(start) && !line.contains("<name>"))
        .forEach(line -> row(line, told));
    return told;
  }

  /** A row names several settings of one prefix, which the first of them has. */
  private static void row(String line, Map<String, String> told) {
    String[] cells = line.split("\\|", -1);
    List<String> names =
        Pattern.compile("`([^`]+)`")
            .matcher(cells[1])
            .results()
            .map(name -> name.group(1))
            .toList();
    List<String> values = List.of(cells[2].replace("`", "").strip().split(", "));
    String prefix = names.getFirst().substring(0, names.getFirst().lastIndexOf('.') + 1);
    if (names.size() != values.size()) {
      assertThat(values).as(line).containsExactly("");
    }
    for (int i = 0; i < names.size(); i++) {
      String value = values.size() == 1 ? values.getFirst() : values.get(i);
      told.put(i == 0 ? names.getFirst() : prefix + names.get(i), value);
    }
  }

  private static void defaults(String prefix, Object record, Map<String, String> told) {
    for (RecordComponent setting : record.getClass().getRecordComponents()) {
      String name = prefix + kebab(setting.getName());
      // These have a row of their own words.
      if (!name.equals("heddle.limits.rules")) {
        compare(name, value(setting, record), setting, told);
      }
    }
  }

  private static void compare(
      String name, Object value, RecordComponent setting, Map<String, String> told) {
    assertThat(told).containsKey(name);
    String said = WORDS.getOrDefault(told.get(name), told.get(name));
    Object read =
        said.isEmpty() && setting.getType() == List.class
            ? List.of()
            : ApplicationConversionService.getSharedInstance().convert(said, setting.getType());
    assertThat(read).as(name).isEqualTo(value);
  }

  private static Object value(RecordComponent setting, Object record) {
    try {
      setting.getAccessor().setAccessible(true);
      return setting.getAccessor().invoke(record);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String kebab(String name) {
    return name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
  }
}
