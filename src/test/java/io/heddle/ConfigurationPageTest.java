package io.heddle;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.limit.LimitProperties.RuleProperties;
import io.heddle.upstream.UpstreamProperties;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.DefaultValue;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The page of settings is the metadata that the build makes: one setting a line. With {@code
 * -Dheddle.test.write-pages=true} this test writes the page instead of comparing it.
 */
class ConfigurationPageTest {

  static final Path PAGE = Path.of("src/docs/configuration.md");

  private static final String GENERATED = "<!-- ConfigurationPageTest ";
  private static final String METADATA = "/META-INF/spring-configuration-metadata.json";

  /** A part of the page and what its settings begin with, in the order of the page. */
  private static final Map<String, List<String>> PARTS = parts();

  @Test
  void thePageIsWhatTheMetadataSays() throws IOException {
    String page = Files.readString(PAGE);
    int head = page.indexOf('\n', page.indexOf(GENERATED)) + 1;
    String expected = page.substring(0, head) + tables();
    if (Boolean.getBoolean("heddle.test.write-pages")) {
      Files.writeString(PAGE, expected);
    }

    assertThat(Files.readString(PAGE))
        .as("run ./mvnw test -Dtest=ConfigurationPageTest -Dheddle.test.write-pages=true")
        .isEqualTo(expected);
  }

  @Test
  void everySettingIsDescribed() throws IOException {
    for (JsonNode setting : settings()) {
      assertThat(setting.path("description").asString(""))
          .as(setting.path("name").asString())
          .matches("(?s)[A-Z`].*\\.");
    }
  }

  /** The annotation processor does not see what is inside a map: a file of ours says it. */
  @Test
  void settingsInsideMapsAreDescribedWithTheirDefaults() throws IOException {
    Map<String, String> described = new LinkedHashMap<>();
    settings()
        .forEach(setting ->
            described.put(
                setting.path("name").asString(), setting.path("defaultValue").asString("")));

    described.remove("heddle.upstreams.<name>.headers.<header>");
    for (Map.Entry<String, String> setting :
        members("", UpstreamProperties.Server.class).entrySet()) {
      if (!List.of("headers", "breaker").contains(setting.getKey())) {
        assertThat(described)
            .containsEntry("heddle.upstreams.<name>." + setting.getKey(), setting.getValue());
      }
    }
    members("breaker.", UpstreamProperties.Breaker.class)
        .forEach((name, value) ->
            assertThat(described).containsEntry("heddle.upstreams.<name>." + name, value));
    members("", RuleProperties.class)
        .forEach((name, value) ->
            assertThat(described).containsEntry("heddle.limits.rules.<name>." + name, value));
  }

  private static Map<String, String> members(String prefix, Class<?> type) {
    Map<String, String> members = new LinkedHashMap<>();
    for (RecordComponent member : type.getRecordComponents()) {
      String name = member.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
      members.put(prefix + name, defaultOf(type, member));
    }
    return members;
  }

  private static String defaultOf(Class<?> type, RecordComponent member) {
    RecordComponent[] all = type.getRecordComponents();
    for (int i = 0; i < all.length; i++) {
      if (all[i].getName().equals(member.getName())) {
        DefaultValue value =
            type.getDeclaredConstructors()[0].getParameters()[i].getAnnotation(DefaultValue.class);
        return value == null ? "" : String.join(",", value.value());
      }
    }
    throw new IllegalStateException(member.getName());
  }

  private static List<JsonNode> settings() throws IOException {
    try (InputStream in = ConfigurationPageTest.class.getResourceAsStream(METADATA)) {
      assertThat(in).as("the compiler's annotation processor writes " + METADATA).isNotNull();
      return new JsonMapper().readTree(in).path("properties").valueStream().toList();
    }
  }

  private static String tables() throws IOException {
    Map<String, Map<String, JsonNode>> parts = new LinkedHashMap<>();
    PARTS.keySet().forEach(part -> parts.put(part, new TreeMap<>()));
    for (JsonNode setting : settings()) {
      String name = setting.path("name").asString();
      // The map itself; its members follow.
      if (!name.equals("heddle.upstreams")) {
        parts.get(partOf(name)).put(name, setting);
      }
    }
    StringBuilder out = new StringBuilder();
    parts.forEach((part, settings) -> {
      out.append("\n### ")
          .append(part)
          .append("\n\n| setting | default | meaning |\n|---|---|---|\n");
      settings.forEach((name, setting) -> out.append(row(name, setting)));
    });
    return out.toString();
  }

  private static String partOf(String name) {
    String found = "";
    int longest = -1;
    for (Map.Entry<String, List<String>> part : PARTS.entrySet()) {
      for (String prefix : part.getValue()) {
        if (name.startsWith(prefix) && prefix.length() > longest) {
          longest = prefix.length();
          found = part.getKey();
        }
      }
    }
    return found;
  }

  private static String row(String name, JsonNode setting) {
    String value = setting.path("defaultValue").asString("");
    String description =
        setting
            .path("description")
            .asString("")
            .replaceAll("\\{@code ([^}]*)}", "`$1`")
            .replace("|", "\\|")
            .replaceAll("\\s+", " ")
            .replaceAll("\\.$", "");
    return "| `%s` | %s | %s |\n"
        .formatted(name, value.isEmpty() ? "" : "`" + value + "`", description);
  }

  private static Map<String, List<String>> parts() {
    Map<String, List<String>> parts = new LinkedHashMap<>();
    parts.put("Engine and access", List.of("heddle."));
    parts.put("Sessions", List.of("heddle.session."));
    parts.put("Turns", List.of("heddle.turns."));
    parts.put(
        "Model servers", List.of("heddle.upstreams.", "heddle.default-model", "heddle.echo."));
    parts.put("OpenAI API", List.of("heddle.openai."));
    parts.put("Watching", List.of("heddle.live."));
    parts.put("Near cache", List.of("heddle.cache."));
    parts.put("Cached answers", List.of("heddle.answers."));
    parts.put("Limits and quotas", List.of("heddle.limits.", "heddle.quotas."));
    parts.put("Connections and memory", List.of("heddle.http.", "heddle.memory."));
    parts.put("Redis engine", List.of("heddle.redis."));
    parts.put("Embedded engine", List.of("heddle.embedded."));
    List<String> names = new ArrayList<>(parts.keySet());
    assertThat(names).doesNotHaveDuplicates();
    return parts;
  }
}
