package io.heddle.settings;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.boot.json.JsonParseException;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.reader.ReaderException;

/**
 * Says which configuration file cannot be read, and at which line, in place of a stack trace. It
 * never shows the line itself, which may hold a password.
 */
final class ConfigFileFailureAnalyzer implements FailureAnalyzer {

  private static final String UNREADABLE = "IO error on loading imports";
  private static final String BAD_JSON =
      "SPRING_APPLICATION_JSON (or spring.application.json) is not a JSON object";

  private static final Set<String> JSON =
      Set.of("org.springframework.boot.support.SpringApplicationJsonEnvironmentPostProcessor");

  private static final Set<String> READERS =
      Set.of(
          "org.springframework.boot.support.SpringApplicationJsonEnvironmentPostProcessor",
          "org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor");

  @Override
  public @Nullable FailureAnalysis analyze(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof YAMLException || cause instanceof CharacterCodingException) {
        return analysis(describe(cause), cause);
      }
      if (cause instanceof IOException
          && String.valueOf(failure.getMessage()).startsWith(UNREADABLE)) {
        return analysis("A configuration file cannot be read: " + cause.getMessage(), cause);
      }
      if ((cause instanceof IllegalStateException
              || cause instanceof IllegalArgumentException
              || cause instanceof JsonParseException)
          && isOf(cause, READERS)) {
        return analysis(isOf(cause, JSON) ? BAD_JSON : unread(cause), cause);
      }
    }
    return null;
  }

  /** Where Spring Boot reads what is configured. */
  private static boolean isOf(Throwable failure, Set<String> readers) {
    return Arrays.stream(failure.getStackTrace())
        .anyMatch(frame -> readers.contains(frame.getClassName()));
  }

  /** Boot's message names a place, a profile or a form, and nothing of what a file holds. */
  private static String unread(Throwable cause) {
    Throwable root = cause;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String message = cause.getMessage() + (root == cause ? "" : ": " + root.getMessage());
    return "The configuration cannot be read: "
        + message.replaceAll("//[^/@\\s]*@", "//…@").replaceAll("[.\\s]+$", "");
  }

  private static FailureAnalysis analysis(String description, Throwable cause) {
    return new FailureAnalysis(
        description + ".", "Correct it; src/docs/configuration.md lists every setting.", cause);
  }

  private static String describe(Throwable cause) {
    String file = broken(Path.of(""));
    String subject = file == null ? "A configuration file" : "The configuration file " + file;
    return subject + " is not YAML: " + where(cause);
  }

  private static String where(Throwable error) {
    return switch (error) {
      case MarkedYAMLException marked when marked.getProblemMark() != null ->
          "line "
              + (marked.getProblemMark().getLine() + 1)
              + ", column "
              + (marked.getProblemMark().getColumn() + 1)
              + ", "
              + kind(marked);
      case ReaderException unreadable ->
          "the character at position " + unreadable.getPosition() + " is not allowed";
      case CharacterCodingException _ -> "it is not UTF-8";
      default -> "it cannot be parsed";
    };
  }

  /** The parser's problem without what it found there. */
  private static String kind(MarkedYAMLException marked) {
    String problem = String.valueOf(marked.getProblem());
    return problem
        .replaceAll(",? but (found|got) .*", "")
        .replaceAll(
            "(undefined alias|duplicate anchor|duplicate key|[Tt]ag is not allowed|tag) .*", "$1");
  }

  /** The first file that Spring Boot would read here and that does not parse. */
  private static @Nullable String broken(Path directory) {
    for (Path folder : List.of(directory, directory.resolve("config"))) {
      try (Stream<Path> files = Files.list(folder.toAbsolutePath())) {
        for (Path file : files.sorted().toList()) {
          if (file.getFileName().toString().matches("application.*\\.ya?ml") && !parses(file)) {
            return Path.of("").toAbsolutePath().relativize(file).toString();
          }
        }
      } catch (IOException _) {
        // No such folder, or one that cannot be listed: Boot has read nothing there either.
        continue;
      }
    }
    return null;
  }

  private static boolean parses(Path file) {
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    try (InputStream in = Files.newInputStream(file)) {
      new Yaml(new SafeConstructor(options)).loadAll(in).forEach(_ -> {});
      return true;
    } catch (IOException | YAMLException e) {
      return false;
    }
  }
}
