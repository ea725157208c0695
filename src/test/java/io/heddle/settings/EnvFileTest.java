package io.heddle.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.MutablePropertySources;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

class EnvFileTest {

  @TempDir Path directory;

  @Test
  void linesAreVariables() throws IOException {
    StandardEnvironment environment =
        environment(
            """
            # a comment
            REDIS_URL=redis://file:6379
            HEDDLE_EMBEDDED_PATH="some where/heddle.mv"
            SPRING_DATA_REDIS_USERNAME='ann'
            EMPTY=
            """,
            Map.of());

    assertThat(environment.getProperty("REDIS_URL")).isEqualTo("redis://file:6379");
    assertThat(environment.getProperty("heddle.embedded.path")).isEqualTo("some where/heddle.mv");
    assertThat(environment.getProperty("spring.data.redis.username")).isEqualTo("ann");
    assertThat(environment.getProperty("EMPTY")).isEmpty();
  }

  @Test
  void theRealEnvironmentWins() throws IOException {
    StandardEnvironment environment =
        environment(
            "REDIS_URL=redis://file\nHEDDLE_EMBEDDED_PATH=file.mv\n",
            Map.of("REDIS_URL", "redis://real", "HEDDLE_EMBEDDED_PATH", "real.mv"));

    assertThat(environment.getProperty("REDIS_URL")).isEqualTo("redis://real");
    assertThat(environment.getProperty("heddle.embedded.path")).isEqualTo("real.mv");
  }

  @Test
  void aLineThatIsNoneIsRefusedWithoutShowingIt() {
    assertThatThrownBy(() -> environment("A=1\ns3cret\n", Map.of()))
        .isInstanceOf(BadSettingException.class)
        .hasMessageContaining(directory.resolve(".env").toString())
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void withoutAFileNothingHappens() {
    StandardEnvironment environment = empty(Map.of());
    environment
        .getPropertySources()
        .addFirst(
            new MapPropertySource(
                "test", Map.of("heddle.env-file", directory.resolve("none").toString())));

    new EnvFile().postProcessEnvironment(environment, new SpringApplication());

    assertThat(environment.getPropertySources().contains(EnvFile.SOURCE)).isFalse();
  }

  private StandardEnvironment environment(String file, Map<String, Object> real)
      throws IOException {
    Path path = directory.resolve(".env");
    Files.writeString(path, file);
    StandardEnvironment environment = empty(real);
    environment
        .getPropertySources()
        .addFirst(new MapPropertySource("test", Map.of("heddle.env-file", path.toString())));
    new EnvFile().postProcessEnvironment(environment, new SpringApplication());
    ConfigurationPropertySources.attach(environment);
    return environment;
  }

  private static StandardEnvironment empty(Map<String, Object> real) {
    StandardEnvironment environment = new StandardEnvironment();
    MutablePropertySources sources = environment.getPropertySources();
    sources.remove(StandardEnvironment.SYSTEM_PROPERTIES_PROPERTY_SOURCE_NAME);
    sources.replace(
        StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
        new SystemEnvironmentPropertySource(
            StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, real));
    return environment;
  }
}
