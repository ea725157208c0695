package io.heddle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.heddle.base.ProblemCode;
import io.heddle.web.CloseCode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the pages name exists, and what exists and clients see is named by a page. */
class PagesTest {

  private static final String MAIN = "src/main/java/io/heddle";
  private static final int README_LINES = 200;

  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
  private static final Pattern SETTING = Pattern.compile("heddle(\\.[a-z0-9<>-]+)+(\\.\\*)?");
  private static final Pattern CALL =
      Pattern.compile("(GET|HEAD|POST|PUT|PATCH|DELETE)( (/[^\\s?]*))?(\\?.*)?");
  private static final Pattern STATUS_AND_CODE = Pattern.compile("\\b([45]\\d\\d) `([a-z-]+)`");

  static List<Path> pages() {
    return Pages.all();
  }

  @Test
  void theReadmeIsShort() {
    assertThat(Pages.text("README.md").lines().count()).isLessThanOrEqualTo(README_LINES);
  }

  @ParameterizedTest
  @MethodSource("pages")
  void everyLinkLeadsSomewhere(Path page) {
    for (MatchResult link :
        LINK.matcher(Pages.withoutBlocks(Pages.text(page))).results().toList()) {
      String to = link.group(1);
      if (to.startsWith("https://") || to.startsWith("http://")) {
        continue;
      }
      int hash = to.indexOf('#');
      String file = hash < 0 ? to : to.substring(0, hash);
      Path target = file.isEmpty() ? page : page.resolveSibling(file).normalize();
      assertThat(target).as("%s links to %s", page, to).exists();
      if (hash >= 0) {
        assertThat(headings(Pages.text(target)))
            .as("%s links to %s", page, to)
            .contains(to.substring(hash + 1));
      }
    }
  }

  @Test
  void theReadmeLeadsToEveryPage() {
    String readme = Pages.text("README.md");
    for (Path page : pages()) {
      if (page.startsWith(Pages.DOCS) && !page.getParent().endsWith("adr")) {
        assertThat(readme).contains("](" + page + ")");
      }
    }
  }

  /** Settings and meters have the same beginning, and a page means one of them. */
  @ParameterizedTest
  @MethodSource("pages")
  void everySettingAndMeterThatAPageNamesExists(Path page) throws IOException {
    Set<String> known = settings();
    known.addAll(meters());
    known.add("heddle.mv");
    List<String> missing = new ArrayList<>();
    for (String code : Pages.code(Pages.text(page))) {
      String prefix = code.endsWith(".*") ? code.substring(0, code.length() - 1) : code + ".";
      if (SETTING.matcher(code).matches()
          && !known.contains(code)
          && known.stream().noneMatch(one -> one.startsWith(prefix))) {
        missing.add(code);
      }
    }
    assertThat(missing).isEmpty();
  }

  @Test
  void everyMeterIsOnThePageOfOperations() throws IOException {
    List<String> named = Pages.code(Pages.text("operations.md"));
    assertThat(named).containsAll(meters());
  }

  @Test
  void thePageOfTheApiHasEveryCall() throws IOException {
    Map<String, Set<String>> named = calls(Pages.text("api.md"), "| call |", "/v1");
    documented()
        .forEach((path, methods) ->
            assertThat(named.getOrDefault(path, Set.of())).as(path).containsAll(methods));
  }

  @Test
  void thePageOfTheOpenAiApiHasEveryCall() {
    Map<String, Set<String>> named = calls(Pages.text("openai.md"), "| call under", "/");
    Map<String, Set<String>> routes = new TreeMap<>();
    Pattern.compile(
            "\\.(?:read\\(|write\\((?<write>[A-Z]+), |add\\()\"(?<path>/[^\"]*)\""
                + "(?:, model\\([^)]*\\), (?<model>[A-Z]+)\\))?")
        .matcher(Pages.sources(MAIN + "/openai"))
        .results()
        .filter(route -> !route.group("path").endsWith("/**"))
        .forEach(route -> {
          String write = route.group("write");
          String method = write == null ? route.group("model") : write;
          routes
              .computeIfAbsent(route.group("path").replace("{*", "{"), _ -> new TreeSet<>())
              .add(method == null ? "GET" : method);
        });

    assertThat(routes).hasSizeGreaterThan(10);
    assertThat(named).isEqualTo(routes);
  }

  @ParameterizedTest
  @MethodSource("pages")
  void everyCallThatAPageNamesExists(Path page) throws IOException {
    Map<String, Set<String>> documented = documented();
    List<String> missing = new ArrayList<>();
    for (String code : Pages.code(Pages.text(page))) {
      Matcher call = CALL.matcher(code);
      if (call.matches() && call.group(3) != null && call.group(3).startsWith("/v1/")) {
        if (!documented.getOrDefault(call.group(3), Set.of()).contains(call.group(1))) {
          missing.add(code);
        }
      }
    }
    assertThat(missing).isEmpty();
  }

  @Test
  void everyCloseCodeHasItsLine() {
    List<String> named =
        Pages.table(Pages.text("watching.md"), "| code |").stream()
            .map(row -> row.getFirst().replace("`", ""))
            .toList();
    assertThat(named)
        .containsExactlyElementsOf(
            Arrays.stream(CloseCode.values()).map(code -> String.valueOf(code.number())).toList());
  }

  @Test
  void everyProblemHasItsLine() {
    List<List<String>> rows =
        Pages.table(Pages.text("api.md"), "| code |").stream()
            .map(row -> row.subList(0, 3))
            .toList();
    List<List<String>> problems =
        Arrays.stream(ProblemCode.values())
            .map(code ->
                List.of(
                    "`" + code.code() + "`",
                    String.valueOf(code.status()),
                    code.retryable() ? "yes" : "no"))
            .toList();
    assertThat(rows).containsExactlyInAnyOrderElementsOf(problems);
  }

  @ParameterizedTest
  @MethodSource("pages")
  void everyProblemThatAPageNamesExists(Path page) {
    Map<String, Integer> known =
        Arrays.stream(ProblemCode.values())
            .collect(Collectors.toMap(ProblemCode::code, ProblemCode::status));
    STATUS_AND_CODE
        .matcher(Pages.text(page))
        .results()
        .forEach(found ->
            assertThat(known).containsEntry(found.group(2), Integer.valueOf(found.group(1))));
  }

  /** The types of frames, as the code spells them. */
  @Test
  void everyFrameHasItsLine() {
    Set<String> types = new TreeSet<>();
    String changes = Pages.text(Path.of(MAIN, "session/Change.java"));
    find("return \"([a-z]+\\.[a-zA-Z]+)\"", changes, types);
    find(
        "\"(turn\\.[a-zA-Z]+|snapshot|gap|presence|typing)\"",
        Pages.sources(MAIN + "/live"),
        types);
    find("Frame\\.of\\(\"([a-z]+)\"", Pages.sources(MAIN + "/api"), types);
    types.addAll(List.of("turn.completed", "turn.failed", "turn.cancelled", "turn.incomplete"));

    Set<String> named = new TreeSet<>();
    Pages.table(Pages.text("watching.md"), "| type |")
        .forEach(row -> named.addAll(Pages.code(row.getFirst())));
    assertThat(named).isEqualTo(types);
  }

  @Test
  void everyRoomHasItsLine() throws IOException {
    Set<String> rooms;
    Path main = Path.of(MAIN);
    try (Stream<Path> files = Files.walk(main)) {
      rooms =
          files
              .filter(file -> Files.isDirectory(file) && !file.equals(main))
              .map(room -> main.relativize(room).toString().replace('/', '.'))
              .collect(Collectors.toCollection(TreeSet::new));
    }
    Set<String> named = new TreeSet<>();
    Pages.table(Pages.text("architecture.md"), "| room |")
        .forEach(row -> named.addAll(Pages.code(row.getFirst())));
    named.remove("io.heddle");
    assertThat(named).isEqualTo(rooms);
  }

  @Test
  void everyRecordOfSettingsHasItsLine() throws IOException {
    Pattern prefix = Pattern.compile("(?m)^@ConfigurationProperties\\(\"([^\"]+)\"\\)");
    Set<List<String>> records = new HashSet<>();
    Path main = Path.of(MAIN);
    try (Stream<Path> files = Files.walk(main)) {
      files
          .filter(file -> file.toString().endsWith("Properties.java"))
          .forEach(file ->
              prefix
                  .matcher(Pages.text(file))
                  .results()
                  .forEach(found ->
                      records.add(List.of(found.group(1), main.relativize(file).toString()))));
    }
    Set<List<String>> named = new HashSet<>();
    Pages.table(Pages.text("architecture.md"), "| settings |")
        .forEach(row ->
            named.add(
                List.of(Pages.code(row.getFirst()).getFirst(), Pages.code(row.get(1)).getFirst())));

    assertThat(named).hasSizeGreaterThan(10).isEqualTo(records);
  }

  @Test
  void everyFolderOfScriptsHasItsLine() throws IOException {
    try (Stream<Path> folders = Files.list(Path.of("src/main/resources/redis"))) {
      Set<String> named = new TreeSet<>(Set.of("lib"));
      Pages.table(Pages.text("architecture.md"), "| folder in")
          .forEach(row -> named.addAll(Pages.code(row.getFirst())));
      assertThat(folders.map(folder -> folder.getFileName().toString()))
          .containsExactlyInAnyOrderElementsOf(named);
    }
  }

  /** A class, a file or a test that was given another name. */
  @ParameterizedTest
  @MethodSource("pages")
  void everyClassFileAndTestThatAPageNamesExists(Path page) throws IOException {
    Set<String> main = classes("src/main/java");
    Set<String> tests = classes("src/test/java");
    tests.addAll(classes("src/bench/java"));
    boolean ours = page.endsWith("architecture.md") || page.endsWith("guarantees.md");
    List<String> missing = new ArrayList<>();
    for (String code : Pages.code(Pages.text(page))) {
      boolean exists = true;
      if (code.matches("\\w+(IT|Test|Contract|Bench)")) {
        exists = tests.contains(code);
      } else if (ours && code.matches("[A-Z][a-z]+([A-Z][a-zA-Z]*)?(\\.[a-zA-Z_]+)?")) {
        exists = main.contains(code.replaceAll("\\..*", ""));
      } else if (code.matches("[a-z]+/[\\w/]+\\.(java|lua)")) {
        exists =
            Files.exists(Path.of(MAIN, code)) || Files.exists(Path.of("src/main/resources", code));
      }
      if (!exists) {
        missing.add(code);
      }
    }
    assertThat(missing).isEmpty();
  }

  /** What Heddle prints sends people to pages. */
  @Test
  void everyPageThatHeddleNamesExists() throws IOException {
    Set<Path> named = new TreeSet<>();
    try (Stream<Path> files = Files.walk(Path.of("src/main"))) {
      files
          .filter(file -> file.toString().matches(".*\\.(java|txt|yml|json)"))
          .forEach(file ->
              Pattern.compile("src/docs/[\\w/-]+\\.md")
                  .matcher(Pages.text(file))
                  .results()
                  .forEach(page -> named.add(Path.of(page.group()))));
    }

    assertThat(named).isNotEmpty();
    assertThat(pages()).containsAll(named);
  }

  /** A test that was given another name once left its command behind, which then ran nothing. */
  @Test
  void everyTestThatACommandNamesIsThere() throws IOException {
    List<String> classes = new ArrayList<>();
    try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
      files
          .map(Path::toString)
          .filter(name -> name.endsWith(".java"))
          .map(name -> name.replaceAll("^src/test/java/|\\.java$", "").replace('/', '.'))
          .forEach(classes::add);
    }
    List<String> named = new ArrayList<>();
    for (Path page : pages()) {
      Pattern.compile("-D(?:it\\.)?test='?([\\w.*,]+)")
          .matcher(Pages.text(page))
          .results()
          .forEach(found -> named.addAll(List.of(found.group(1).split(","))));
    }

    assertThat(named).hasSizeGreaterThan(5);
    for (String name : named) {
      String pattern = "(.*\\.)?" + name.replace(".", "\\.").replace("*", ".*");
      assertThat(classes).as(name).anyMatch(one -> one.matches(pattern));
    }
  }

  /** An answer that was shortened has three dots and is left out. */
  @Test
  void whatLooksLikeJsonIsJson() {
    JsonMapper mapper = new JsonMapper();
    List<String> read = new ArrayList<>();
    for (Path page : pages()) {
      Pattern.compile("(?ms)^```.*?\\n(.*?)^```")
          .matcher(Pages.text(page))
          .results()
          .flatMap(block -> block.group(1).lines())
          .forEach(line -> {
            String json = line.replaceFirst("^data: ", "").replaceFirst(".*--json '(.*)'$", "$1");
            if (json.startsWith("{") && !json.contains("…") && !json.equals("{")) {
              assertThatCode(() -> mapper.readTree(json)).as(json).doesNotThrowAnyException();
              read.add(json);
            }
          });
    }

    assertThat(read).hasSizeGreaterThan(30);
  }

  @Test
  void everyDecisionHasItsFourPartsAndItsLine() {
    String index = Pages.text("adr/README.md");
    List<Path> records =
        pages().stream()
            .filter(page -> page.getParent() != null && page.getParent().endsWith("adr"))
            .filter(page -> !page.endsWith("README.md"))
            .toList();

    assertThat(records).hasSizeGreaterThanOrEqualTo(12);
    for (Path record : records) {
      assertThat(Pages.text(record))
          .as(record.toString())
          .containsSubsequence("# ", "## Status", "## Context", "## Decision", "## Consequences");
      assertThat(index).contains("(" + record.getFileName() + ")");
    }
  }

  // ---- what exists

  private static Set<String> settings() throws IOException {
    try (InputStream in =
        PagesTest.class.getResourceAsStream("/META-INF/spring-configuration-metadata.json")) {
      return new JsonMapper()
          .readTree(in)
          .path("properties")
          .valueStream()
          .map(setting -> setting.path("name").asString())
          .collect(Collectors.toCollection(HashSet::new));
    }
  }

  /** Where meters are made, their names are literals. */
  private static Set<String> meters() throws IOException {
    Set<String> found = new TreeSet<>();
    find("\"(heddle\\.[a-z.]+[a-z])\"", Pages.sources(MAIN), found);
    Set<String> settings = settings();
    found.removeIf(name ->
        settings.stream()
            .anyMatch(setting -> setting.equals(name) || setting.startsWith(name + ".")));
    found.removeAll(Set.of("heddle.events", "heddle.guard", "heddle.progress", "heddle.socket"));
    return found;
  }

  private static Map<String, Set<String>> documented() throws IOException {
    JsonNode paths =
        new JsonMapper()
            .readTree(Files.readString(Path.of("src/main/resources/openapi.json")))
            .path("paths");
    Map<String, Set<String>> calls = new TreeMap<>();
    paths.forEachEntry((path, methods) -> {
      Set<String> known = new TreeSet<>();
      methods.forEachEntry((method, _) -> known.add(method.toUpperCase(Locale.ROOT)));
      known.removeIf(method -> !CALL.matcher(method).matches());
      calls.put(path, known);
    });
    return calls;
  }

  /** Of tables whose first cells have methods and paths, {@code `GET`, `PUT /v1/x?y`}. */
  private static Map<String, Set<String>> calls(String page, String header, String prefix) {
    Map<String, Set<String>> calls = new TreeMap<>();
    for (List<String> row : Pages.tables(page, header)) {
      Set<String> methods = new TreeSet<>();
      boolean ended = false;
      for (String code : Pages.code(row.getFirst())) {
        Matcher call = CALL.matcher(code);
        if (call.matches()) {
          if (ended) {
            methods = new TreeSet<>();
            ended = false;
          }
          methods.add(call.group(1));
        }
        String path = call.matches() ? call.group(3) : code.replaceAll("\\?.*", "");
        if (path != null && path.startsWith(prefix)) {
          calls.computeIfAbsent(path, _ -> new TreeSet<>()).addAll(methods);
          ended = true;
        }
      }
    }
    return calls;
  }

  private static Set<String> classes(String directory) throws IOException {
    try (Stream<Path> files = Files.walk(Path.of(directory))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".java"))
          .map(name -> name.replace(".java", ""))
          .collect(Collectors.toCollection(HashSet::new));
    }
  }

  private static void find(String pattern, String text, Set<String> to) {
    Pattern.compile(pattern).matcher(text).results().forEach(found -> to.add(found.group(1)));
  }

  private static List<String> headings(String page) {
    return Pattern.compile("(?m)^#+ (.+)$")
        .matcher(page.replaceAll("(?ms)^```.*?^```$", ""))
        .results()
        .map(found ->
            found.group(1).toLowerCase(Locale.ROOT).replaceAll("[^\\w\\- ]", "").replace(' ', '-'))
        .toList();
  }
}
