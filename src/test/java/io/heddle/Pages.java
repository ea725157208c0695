package io.heddle;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The pages that people read: README, CONTRIBUTING and everything under {@code src/docs}. */
final class Pages {

  static final Path DOCS = Path.of("src/docs");

  private static final Pattern CODE = Pattern.compile("`([^`\n]+)`");

  private Pages() {}

  static List<Path> all() {
    try (Stream<Path> docs = Files.walk(DOCS)) {
      return Stream.concat(
              Stream.of(Path.of("README.md"), Path.of("CONTRIBUTING.md")),
              docs.filter(file -> file.toString().endsWith(".md")).sorted())
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String text(String page) {
    return text(
        page.contains(".md") && Files.exists(Path.of(page)) ? Path.of(page) : DOCS.resolve(page));
  }

  static String text(Path page) {
    try {
      return Files.readString(page);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What stands between backticks outside of blocks. */
  static List<String> code(String text) {
    return CODE.matcher(withoutBlocks(text)).results().map(found -> found.group(1)).toList();
  }

  static String withoutBlocks(String text) {
    return text.replaceAll("(?ms)^ *```.*?^ *```$", "");
  }

  /** The cells of a table's rows, from the header that begins so on. */
  static List<List<String>> table(String text, String header) {
    int from = text.indexOf(header);
    if (from < 0) {
      throw new AssertionError("there is no table " + header);
    }
    return text.substring(from)
        .lines()
        .skip(2)
        // It may be inside a list.
        .map(String::strip)
        .takeWhile(line -> line.startsWith("|"))
        .map(line -> Stream.of(line.split("(?<!\\\\)\\|")).skip(1).map(String::strip).toList())
        .toList();
  }

  /** The same of every table with a header that begins so. */
  static List<List<String>> tables(String text, String header) {
    return Pattern.compile("(?m)^" + Pattern.quote(header))
        .matcher(text)
        .results()
        .map(MatchResult::start)
        .flatMap(at -> table(text.substring(at), header).stream())
        .toList();
  }

  /** The sources of a package, joined. */
  static String sources(String directory) {
    try (Stream<Path> files = Files.walk(Path.of(directory))) {
      StringBuilder all = new StringBuilder();
      files
          .filter(file -> file.toString().endsWith(".java"))
          .sorted()
          .forEach(file -> all.append(text(file)));
      return all.toString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
