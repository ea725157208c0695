package io.heddle.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.boot.support.SpringApplicationJsonEnvironmentPostProcessor;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.io.ByteArrayResource;

/**
 * A quote was missing in {@code config/application.yml}. The start ended with sixty lines of stack,
 * of which one showed the password that the quote should have closed.
 */
class ConfigFileFailureAnalyzerTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          heddle:\\n  engine: redis\\n password: "secret\\n | line 3, column 2
          heddle:\\n  engine: [secret\\n                    | line 3, column 1
          heddle: secret\\nheddle: b\\n                     | line 2, column 1
          \\theddle: secret\\n                              | line 1, column 1
          a: b: secret\\n                                   | line 1, column 5
          a: *secret\\n                                     | line 1, column 4
          a: !!secret x\\n                                  | line 1, column 4
          a: %secret\\n                                     | line 1, column 4
          a: "\\1secret"\\n                                 | position 4
          """)
  void aBrokenFileIsToldByItsLineAndNotByWhatItHolds(String text, String place) {
    String yaml = text.translateEscapes();

    FailureAnalysis analysis =
        new ConfigFileFailureAnalyzer().analyze(failure(yaml.getBytes(StandardCharsets.UTF_8)));

    assertThat(analysis).isNotNull();
    assertThat(analysis.getDescription())
        .contains("onfiguration file", place)
        .doesNotContain("secret", "\n");
  }

  @Test
  void aFileInAnotherEncodingIsToldToo() {
    byte[] latin = "a: \u00fc\n".getBytes(StandardCharsets.ISO_8859_1);

    FailureAnalysis analysis = new ConfigFileFailureAnalyzer().analyze(failure(latin));

    assertThat(analysis).isNotNull();
    assertThat(analysis.getDescription()).contains("onfiguration file").doesNotContain("\n");
  }

  @Test
  void aFileThatMayNotBeReadIsToldToo() {
    Throwable failure =
        new IllegalStateException(
            "IO error on loading imports from [file:./config/]",
            new IOException("config/application.yml (Permission denied)"));

    FailureAnalysis analysis = new ConfigFileFailureAnalyzer().analyze(failure);

    assertThat(analysis).isNotNull();
    assertThat(analysis.getDescription()).contains("config/application.yml (Permission denied)");
  }

  /** What is no YAML was told by forty lines of stack. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          spring.application.json         | {"a":"secret"             | is not a JSON object
          spring.application.json         | ["secret"]                | is not a JSON object
          spring.application.json         | secret                    | is not a JSON object
          spring.config.import            | vault://u:secret@host     | cannot be read
          spring.config.import            | FILE.properties           | u005cuxxxx
          spring.config.location          | FILE.txt                  | extension
          """)
  void whatCannotBeReadIsToldByItsPlace(
      String name, String value, String told, @TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("a.properties"), "a=\\uZZsecret");
    Files.writeString(folder.resolve("a.txt"), "a=secret");
    StandardEnvironment environment = new StandardEnvironment();
    String set = value.replace("FILE", "file:" + folder.resolve("a"));
    environment.getPropertySources().addFirst(new MapPropertySource("test", Map.of(name, set)));

    Throwable failure =
        catchThrowable(() -> {
          new SpringApplicationJsonEnvironmentPostProcessor()
              .postProcessEnvironment(environment, new SpringApplication());
          ConfigDataEnvironmentPostProcessor.applyTo(environment);
        });

    assertThat(failure).isNotNull();
    FailureAnalysis analysis = new ConfigFileFailureAnalyzer().analyze(failure);
    assertThat(analysis).isNotNull();
    assertThat(analysis.getDescription())
        .contains(told.replace("u005c", "\\"))
        .doesNotContain("secret", "\n");
  }

  @Test
  void otherFailuresAreNotItsOwn() {
    assertThat(new ConfigFileFailureAnalyzer().analyze(new IllegalStateException("port"))).isNull();
    assertThat(new ConfigFileFailureAnalyzer().analyze(new IOException("pipe"))).isNull();
  }

  private static Throwable failure(byte[] yaml) {
    Throwable failure =
        catchThrowable(
            () -> new YamlPropertySourceLoader().load("file", new ByteArrayResource(yaml)));
    assertThat(failure).isNotNull();
    return failure;
  }
}
