package io.heddle.settings;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Parameter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.config.YamlPropertiesFactoryBean;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.core.io.ClassPathResource;

class CommandLineTest {

  @Test
  void helpAndVersionAreAnswered() {
    assertThat(CommandLine.answerTo(List.of("--help"))).contains("REDIS_URL", "8080", ".env");
    assertThat(CommandLine.answerTo(List.of("--server.port=1", "-h"))).contains("REDIS_URL");
    assertThat(CommandLine.answerTo(List.of("--version"))).startsWith("heddle ");
  }

  @Test
  void anythingElseStartsTheServer() {
    assertThat(CommandLine.answerTo(List.of())).isNull();
    assertThat(CommandLine.answerTo(List.of("--server.port=1", "--heddle.engine=redis"))).isNull();
  }

  /** A setting whose default was changed in one place only was once told wrong by the other. */
  @Test
  void theHelpTellsTheDefaultsThatApply() throws IOException {
    Map<String, String> defaults = new TreeMap<>(Map.of("heddle.engine", "auto"));
    YamlPropertiesFactoryBean yaml = new YamlPropertiesFactoryBean();
    yaml.setResources(new ClassPathResource("application.yml"));
    yaml.getObject().forEach((name, value) -> defaults.put(String.valueOf(name), value.toString()));
    for (Class<?> type : SettingsCheck.RECORDS) {
      String prefix = type.getAnnotation(ConfigurationProperties.class).value();
      for (Parameter setting : type.getDeclaredConstructors()[0].getParameters()) {
        DefaultValue value = setting.getAnnotation(DefaultValue.class);
        if (value != null) {
          String name = setting.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
          defaults.put(prefix + "." + name, String.join(",", value.value()));
        }
      }
    }
    TreeMap<String, String> told = new TreeMap<>();
    try (InputStream in = CommandLine.class.getResourceAsStream("/help.txt")) {
      Pattern.compile("(heddle\\.[a-z.-]+)=(\\S+)")
          .matcher(new String(in.readAllBytes(), StandardCharsets.UTF_8))
          .results()
          .forEach((MatchResult found) -> told.put(found.group(1), found.group(2)));
    }

    assertThat(told).hasSizeGreaterThan(10);
    assertThat(defaults).containsAllEntriesOf(told);
  }
}
