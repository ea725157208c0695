package io.heddle;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.conditions.ArchPredicates.are;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import io.heddle.json.JsonParsers;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.reactivestreams.Publisher;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * The arrows between the rooms, which are the packages under {@code io.heddle}. A package that has
 * no line is refused, and so is a line that has no package.
 */
class ArchitectureTest {
  private static final JavaClasses MAIN =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.heddle");

  private static final Set<String> PORTS = Set.of("session", "limit", "answercache");
  private static final Set<String> SERVICES =
      Set.of("session", "turn", "live", "limit", "answercache");

  /** A room, and the rooms it may use beside itself, {@code base} and {@code json}. */
  private static final Map<String, Set<String>> MAY_USE =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("json", Set.of()),
              Map.entry("base", Set.of()),
              Map.entry("session", Set.of()),
              Map.entry("nearcache", Set.of("session")),
              Map.entry("turn", Set.of("session", "limit", "answercache")),
              Map.entry("live", Set.of("session", "nearcache", "turn")),
              Map.entry("limit", Set.of()),
              Map.entry("engine", PORTS),
              Map.entry("redis", with(PORTS, "engine")),
              Map.entry("embedded", with(PORTS, "engine")),
              Map.entry("upstream", Set.of("turn")),
              Map.entry("web", Set.of("live", "session", "limit")),
              Map.entry("api", with(SERVICES, "web")),
              Map.entry("openai", with(SERVICES, "web")),
              Map.entry("security", Set.of()),
              Map.entry("answercache", Set.of("session")),
              Map.entry(
                  "settings",
                  Set.of(
                      "answercache",
                      "embedded",
                      "limit",
                      "live",
                      "nearcache",
                      "openai",
                      "redis",
                      "security",
                      "session",
                      "turn",
                      "upstream",
                      "web")),
              Map.entry(
                  "config",
                  with(
                      SERVICES,
                      "web",
                      "settings",
                      "nearcache",
                      "api",
                      "embedded",
                      "engine",
                      "openai",
                      "ops",
                      "redis",
                      "upstream")),
              // Health and metrics tell how well this replica follows the changes, and its models.
              Map.entry("ops", with(SERVICES, "nearcache", "upstream", "engine"))));

  private static final String[] DRIVERS = {
    "io.lettuce..",
    "org.redisson..",
    "org.springframework.data.redis..",
    "org.springframework.boot.data.redis.."
  };
  private static final String[] HTTP = {
    "org.springframework.web..", "org.springframework.http..", "reactor.netty.http.."
  };

  private static final ArchRule NOTHING_BLOCKS =
      noClasses()
          .should()
          .accessTargetWhere(
              new DescribedPredicate<JavaAccess<?>>("it waits for a publisher on this thread") {
                @Override
                public boolean test(JavaAccess<?> call) {
                  String name = call.getName();
                  return assignableTo(Publisher.class).test(call.getTargetOwner())
                      && (name.startsWith("block")
                          || name.equals("toIterable")
                          || name.equals("toStream"));
                }
              });

  @TestFactory
  Stream<DynamicTest> aRoomUsesOnlyWhatItsLineSays() {
    return MAY_USE.entrySet().stream()
        .map(line ->
            DynamicTest.dynamicTest(
                line.getKey(), () -> mayUse(line.getKey(), line.getValue()).check(MAIN)));
  }

  @Test
  void everyPackageIsARoom() {
    Set<String> rooms = new TreeSet<>();
    for (JavaClass type : MAIN) {
      String name = type.getPackageName();
      if (!name.equals("io.heddle")) {
        rooms.add(name.substring("io.heddle.".length()).split("\\.", 2)[0]);
      }
    }
    assertThat(MAY_USE.keySet()).isEqualTo(rooms);
  }

  /** A sub-room has its room's line. */
  @Test
  void thePageSaysWhatEachRoomMayUse() {
    Map<String, Set<String>> said = new TreeMap<>();
    for (List<String> row : Pages.table(Pages.text("architecture.md"), "| room |")) {
      Set<String> uses = new TreeSet<>(Pages.code(row.get(2)));
      if (row.get(2).contains("services")) {
        uses.addAll(SERVICES);
      }
      Pages.code(row.getFirst()).stream()
          .filter(room -> !room.contains("."))
          .forEach(room -> said.put(room, uses));
    }
    assertThat(said).isEqualTo(MAY_USE);
  }

  @Test
  void noCycles() {
    slices().matching("io.heddle.(*)..").should().beFreeOfCycles().check(MAIN);
  }

  @Test
  void onlyTheRedisEngineAndTheWiringSeeRedis() {
    noClasses()
        .that(resideOutsideOfPackages("io.heddle", "io.heddle.config..", "io.heddle.redis.."))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(DRIVERS)
        .check(MAIN);
  }

  @Test
  void onlyTheEmbeddedEngineSeesItsStore() {
    noClasses()
        .that(resideOutsideOfPackage("io.heddle.embedded.."))
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.h2..")
        .check(MAIN);
  }

  @Test
  void portsAndEnginesDoNotKnowTheServicesOverThem() {
    noClasses()
        .that(
            resideInAnyPackage(
                "io.heddle.session",
                "io.heddle.engine..",
                "io.heddle.redis..",
                "io.heddle.embedded..",
                "io.heddle.nearcache..",
                "io.heddle.live.."))
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.heddle.session.service..")
        .check(MAIN);
  }

  @Test
  void enginesAndServicesNeverSeeHttp() {
    noClasses()
        .that(
            resideInAnyPackage(
                "io.heddle.json..",
                "io.heddle.base..",
                "io.heddle.session..",
                "io.heddle.nearcache..",
                "io.heddle.turn..",
                "io.heddle.redis..",
                "io.heddle.embedded.."))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(HTTP)
        .check(MAIN);
  }

  @Test
  void onlyWebReachesBelowSpringToTheConnection() {
    noClasses()
        .that(
            resideInAnyPackage(
                "io.heddle.api..",
                "io.heddle.openai..",
                "io.heddle.console..",
                "io.heddle.security..",
                "io.heddle.ops.."))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("reactor.netty..", "io.netty..")
        .allowEmptyShould(true)
        .check(MAIN);
  }

  @Test
  void everyPackageIsNullMarkedAndDescribed() {
    Set<String> unmarked = new TreeSet<>();
    for (JavaClass type : MAIN) {
      boolean marked =
          type.getPackage()
              .tryGetPackageInfo()
              .filter(info -> info.isAnnotatedWith(NullMarked.class))
              .isPresent();
      if (!marked) {
        unmarked.add(type.getPackageName());
      }
    }
    assertThat(unmarked).as("packages without a @NullMarked package-info").isEmpty();
  }

  @Test
  void nothingBlocks() {
    NOTHING_BLOCKS.check(MAIN);
  }

  @Test
  void theRuleAgainstBlockingFindsACallThatBlocks() {
    JavaClasses blocking = new ClassFileImporter().importClasses(BlockHoundTest.class);
    assertThat(NOTHING_BLOCKS.evaluate(blocking).hasViolation()).isTrue();
  }

  /**
   * A factory of its own was left where answers of model servers are read: members that a user had
   * a model name could fill up its table of names, for everybody.
   */
  @Test
  void allJsonIsReadByOneFactory() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName(JsonParsers.class.getName())
        .and()
        .doNotHaveFullyQualifiedName(JsonParsers.class.getName() + "$Factory")
        .and()
        .doNotHaveFullyQualifiedName(JsonParsers.class.getName() + "$Learner")
        .should()
        .callMethod(JsonFactory.class, "builder")
        .orShould()
        .callConstructor(JsonFactory.class)
        .orShould()
        .callConstructor(JsonMapper.class)
        .orShould()
        .callMethod(JsonMapper.class, "builder")
        .check(MAIN);
  }

  @Test
  void nothingSleepsOrPrints() {
    noClasses().should().callMethod(Thread.class, "sleep", long.class).check(MAIN);
    noClasses().should().accessField(System.class, "out").check(MAIN);
    noClasses().should().accessField(System.class, "err").check(MAIN);
  }

  private static ArchRule mayUse(String room, Set<String> others) {
    Set<String> allowed = new TreeSet<>(others);
    allowed.add(room);
    if (!room.equals("json")) {
      allowed.add("base");
      allowed.add("json");
    }
    String[] packages =
        allowed.stream().map(name -> "io.heddle." + name + "..").toArray(String[]::new);
    return classes()
        .that(resideInAnyPackage("io.heddle." + room + ".."))
        .should()
        .onlyDependOnClassesThat(
            are(resideOutsideOfPackage("io.heddle..")).or(resideInAnyPackage(packages)))
        .allowEmptyShould(true);
  }

  private static Set<String> with(Set<String> rooms, String... others) {
    Set<String> all = new TreeSet<>(rooms);
    all.addAll(Set.of(others));
    return all;
  }
}
