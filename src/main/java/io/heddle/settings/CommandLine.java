package io.heddle.settings;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The two questions that the command line answers without starting a server. */
public final class CommandLine {

  private static final String HELP = "/help.txt";

  private CommandLine() {}

  /** Answers {@code --help} or {@code --version} on standard output; false for anything else. */
  public static boolean answer(String[] args) {
    String text = answerTo(List.of(args));
    if (text == null) {
      return false;
    }
    try (OutputStream out = new FileOutputStream(FileDescriptor.out)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    } catch (IOException closed) {
      // Whoever asked has stopped reading, as "| head" does.
      return true;
    }
    return true;
  }

  static @Nullable String answerTo(List<String> args) {
    if (args.contains("--help") || args.contains("-h")) {
      return help();
    }
    return args.contains("--version") ? "heddle " + version() + System.lineSeparator() : null;
  }

  /** The version of the jar this runs from. */
  public static String version() {
    String version = CommandLine.class.getPackage().getImplementationVersion();
    return version == null ? "(not from a jar)" : version;
  }

  private static String help() {
    try (InputStream in = CommandLine.class.getResourceAsStream(HELP)) {
      if (in == null) {
        throw new IllegalStateException("there is no " + HELP);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
