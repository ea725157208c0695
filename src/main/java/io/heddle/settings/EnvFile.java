package io.heddle.settings;

import io.github.cdimascio.dotenv.Dotenv;
import io.github.cdimascio.dotenv.DotenvEntry;
import io.github.cdimascio.dotenv.DotenvException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MutablePropertySources;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/**
 * Takes the lines of a file {@code .env} in the working directory for environment variables. The
 * real environment wins. {@code heddle.env-file} names another file; empty for none.
 *
 * <p>Before the configuration files are read, so that a line may name a profile or a place of
 * theirs.
 */
final class EnvFile implements EnvironmentPostProcessor, Ordered {

  /** Boot maps names like {@code HEDDLE_EMBEDDED_PATH} only in sources whose name ends so. */
  static final String SOURCE =
      "envFile-" + StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME;

  private static final String PROPERTY = "heddle.env-file";

  @Override
  public int getOrder() {
    return ConfigDataEnvironmentPostProcessor.ORDER - 1;
  }

  @Override
  public void postProcessEnvironment(ConfigurableEnvironment environment, SpringApplication app) {
    String name =
        environment.getProperty(PROPERTY, environment.getProperty("HEDDLE_ENV_FILE", ".env"));
    if (name.isBlank()) {
      return;
    }
    Map<String, Object> variables = read(Path.of(name).toAbsolutePath().normalize());
    if (variables.isEmpty()) {
      return;
    }
    MutablePropertySources sources = environment.getPropertySources();
    SystemEnvironmentPropertySource source = new SystemEnvironmentPropertySource(SOURCE, variables);
    if (sources.contains(StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME)) {
      sources.addAfter(StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, source);
    } else {
      sources.addLast(source);
    }
  }

  private static Map<String, Object> read(Path file) {
    Map<String, Object> variables = new LinkedHashMap<>();
    try {
      Dotenv read =
          Dotenv.configure()
              .directory(String.valueOf(file.getParent()))
              .filename(String.valueOf(file.getFileName()))
              .ignoreIfMissing()
              .load();
      for (DotenvEntry entry : read.entries(Dotenv.Filter.DECLARED_IN_ENV_FILE)) {
        variables.put(entry.getKey(), unquoted(entry.getValue()));
      }
    } catch (DotenvException e) {
      // Its message shows the line, and the line may be a password.
      throw new BadSettingException(
          "The file " + file + " has a line that is not NAME=value.",
          "Write one NAME=value a line; lines that begin with # are left out.");
    }
    return variables;
  }

  /** The library takes double quotes off, and leaves single ones. */
  private static String unquoted(String value) {
    return value.length() > 1 && value.startsWith("'") && value.endsWith("'")
        ? value.substring(1, value.length() - 1)
        : value;
  }
}
