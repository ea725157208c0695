import com.google.googlejavaformat.java.Main;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Runs google-java-format over every Java source of the repository: {@code check} lists what is not
 * formatted and fails, {@code fix} formats it. A program and not a shell line, so that it works the
 * same on every system and with any number of files.
 */
final class Format {
  public static void main(String[] args) throws Exception {
    boolean fix = args[0].equals("fix");
    List<String> arguments = new ArrayList<>();
    arguments.addAll(fix ? List.of("--replace") : List.of("--dry-run", "--set-exit-if-changed"));
    for (String root : List.of(".mvn", "src")) {
      try (Stream<Path> files = Files.walk(Path.of(root))) {
        files.map(Path::toString).filter(f -> f.endsWith(".java")).sorted().forEach(arguments::add);
      }
    }
    PrintWriter out = new PrintWriter(System.out, true);
    PrintWriter err = new PrintWriter(System.err, true);
    int status = new Main(out, err, System.in).format(arguments.toArray(String[]::new));
    out.flush();
    err.flush();
    if (status != 0 && !fix) {
      err.println("The files above are not formatted. Format them: ./mvnw -q -Pformat");
    }
    System.exit(status);
  }
}
