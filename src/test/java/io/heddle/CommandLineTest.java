package io.heddle;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.config.YamlPropertiesFactoryBean;
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
    YamlPropertiesFactoryBean yaml = new YamlPropertiesFactoryBean();
    yaml.setResources(new ClassPathResource("application.yml"));
    TreeMap<String, String> told = new TreeMap<>();
    try (InputStream in = CommandLine.class.getResourceAsStream("/help.txt")) {
      Pattern.compile("(heddle\\.[a-z.-]+)=(\\S+)")
          .matcher(new String(in.readAllBytes(), StandardCharsets.UTF_8))
          .results()
          .forEach((MatchResult found) -> told.put(found.group(1), found.group(2)));
    }

    assertThat(told).hasSizeGreaterThan(10);
    told.forEach((name, value) ->
        assertThat(String.valueOf(yaml.getObject().get(name)))
            .as(name)
            .isIn(value, "${heddle.variables.redis-ttl:" + value + "}"));
  }
}
