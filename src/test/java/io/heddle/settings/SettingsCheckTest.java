package io.heddle.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.context.annotation.ClassPathScanningCandidateComponentProvider;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.SimpleCommandLinePropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.core.io.ClassPathResource;
import org.springframework.core.type.filter.AnnotationTypeFilter;

/**
 * A replica was started with {@code --heddle.engin=redis}. Nobody said anything: it kept its
 * sessions in a file of its own, beside the Redis that it was meant to use.
 */
class SettingsCheckTest {

  @ParameterizedTest
  @CsvSource({
    "heddle.engin, heddle.engine",
    "heddle.sesion.default-ttl, heddle.session.default-ttl",
    "heddle.session.default-tll, heddle.session.default-ttl",
    "heddle.session, heddle.session.max-state",
    "heddle.turns.lease.seconds, heddle.turns.lease",
    "heddle.upstreams.openai.base-uri, heddle.upstreams.*.base-url",
    "heddle.upstreams.openai.breaker.windw, heddle.upstreams.*.breaker.window",
    "heddle.limits.rules.writes.limits, heddle.limits.rules.*.limit",
    "hedle.engine, heddle.engine",
    "heddel.session.default-ttl, heddle.session.default-ttl",
    "heddles.limits.rules.x.limit, heddle.limits.rules.*.limit",
    "eddle.engine, heddle.engine",
    "heddle.live.origins.first, heddle.live.origins",
    "heddle.upstreams.a.models.first, heddle.upstreams.*.models",
    // Words with something else between them than dots.
    "heddle_engine, heddle.engine",
    "heddle-engine, heddle.engine",
    "heddle/engine, heddle.engine",
    "heddle:engin, heddle.engine",
    "heddleEngine, heddle.engine",
    "HEDDLE_SESION_DEFAULTTTL, heddle.session.default-ttl",
    "heddleSession.default-ttl, heddle.session.default-ttl",
    "heddle_upstreams_a_base-url, heddle.upstreams.*.base-url",
  })
  void aNameThatIsNoSettingStopsTheStart(String name, String nearest) {
    assertThatThrownBy(() -> check(Map.of(name, "secret-value"), Map.of()))
        .isInstanceOfSatisfying(
            BadSettingException.class,
            e -> {
              assertThat(e).hasMessageContaining(name).hasMessageNotContaining("secret-value");
              if (!name.equals("heddle.session")) {
                assertThat(e.action()).contains(nearest);
              }
            });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "heddle.engine",
        "heddle.env-file",
        "heddle.default-model",
        "heddle.defaultModel",
        "heddle.session.default-ttl",
        "heddle.session.defaultTtl",
        "heddle.session.default_ttl",
        "heddle.live.origins",
        "heddle.live.origins[0]",
        "heddle.limits.rules.any-name.limit",
        "heddle.limits.rules.writes.paths[1]",
        "heddle.upstreams.my-server.headers.x-anything",
        "heddle.upstreams.a.models[0]",
        "heddle.test.redis",
        "heddle.it.turns",
        "heddlesome.other",
        "heddlesome-other",
        "heddlesomeOther",
        "HEDDLE_TEST_REDIS",
        "hurdle.other",
        "handle.engine.type",
        "spring.data.redis.host"
      })
  void everyFormOfASettingIsKnown(String name) {
    assertThatCode(() -> check(Map.of(name, "x"), Map.of())).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @CsvSource({
    "HEDDLE_ENGIN, HEDDLE_ENGINE",
    "HEDDLE_SESION_DEFAULTTTL, HEDDLE_SESSION_DEFAULTTTL",
    "HEDDLE_SESSION_DEFAULTTLL, HEDDLE_SESSION_DEFAULTTTL",
    "HEDDLE_UPSTREAMS_OPENAI_URL, HEDDLE_UPSTREAMS",
    "HEDDLE_REDIS_PORT, HEDDLE_",
    "HEDDLE_SERVER_PORT, HEDDLE_",
    "HEDLE_ENGINE, HEDDLE_ENGINE",
    "HEDDEL_LIMITS_RULES_X_LIMIT, HEDDLE_LIMITS_RULES_*_LIMIT",
    "HEDDLE_LIVE_ORIGINS_FIRST, HEDDLE_LIVE_ORIGINS",
    "HEDDLEENGINE, HEDDLE_ENGINE",
    "HEDDLE-ENGINE, HEDDLE_ENGINE",
    // A pod may have variables with the names that stand in a file.
    "heddle.engin, HEDDLE_ENGINE",
    "HEDDLE.SESION.DEFAULT-TTL, HEDDLE_SESSION_DEFAULTTTL",
  })
  void aVariableThatIsNoSettingStopsTheStart(String name, String nearest) {
    assertThatThrownBy(() -> check(Map.of(), Map.of(name, "6379")))
        .isInstanceOfSatisfying(
            BadSettingException.class,
            e -> {
              assertThat(e).hasMessageContaining(name + " (in the environment)");
              assertThat(e.action()).contains(nearest);
            });
  }

  /** {@code heddle.engine=redis} without its dashes set nothing either, and nobody said so. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "heddle.engine=topsecret",
        "-Dheddle.engine=topsecret",
        "-heddle.engine=topsecret",
        "topsecret",
        "--heddle.engine|topsecret",
        "--heddle.engine=redis|topsecret",
        // The end of Base64, as passwords have it.
        "topsecret=",
        "topsecret|heddle.engine=redis"
      })
  void aWordThatIsNoOptionStopsTheStart(String words) {
    StandardEnvironment environment = new StandardEnvironment();
    environment
        .getPropertySources()
        .addFirst(new SimpleCommandLinePropertySource(words.split("\\|")));
    assertThatThrownBy(
            () -> new SettingsCheck().postProcessEnvironment(environment, new SpringApplication()))
        .isInstanceOfSatisfying(
            BadSettingException.class,
            e -> {
              assertThat(e).hasMessageNotContaining("topsecret");
              assertThat(e.action()).contains("--heddle.engine=redis");
            });
  }

  @ParameterizedTest
  @CsvSource({
    "HEDDLE_ENGINE, redis",
    "heddle.engine, redis",
    "heddle.session.default-ttl, 1h",
    "HEDDLE_ENV_FILE, x",
    "HEDDLE_ENVFILE, x",
    "HEDDLE_SESSION_DEFAULTTTL, 1h",
    "HEDDLE_SESSION_DEFAULT_TTL, 1h",
    "HEDDLE_LIVE_ORIGINS_0, x",
    "HEDDLE_UPSTREAMS_OPENAI_BASEURL, x",
    "HEDDLE_UPSTREAMS_OPENAI_BASE_URL, x",
    "HEDDLE_UPSTREAMS_OPENAI_BREAKER_OPENFOR, 1s",
    "HEDDLE_LIMITS_RULES_WRITES_LIMIT, 5",
    // Of the tests and of compose.
    "HEDDLE_TEST_REDIS, redis://h",
    "HEDDLE_PORT, 8080",
    // What Kubernetes tells every pod of the services heddle and heddle-redis.
    "HEDDLE_PORT, tcp://10.0.0.1:80",
    "HEDDLE_SERVICE_HOST, 10.0.0.1",
    "HEDDLE_SERVICE_PORT, 80",
    "HEDDLE_SERVICE_PORT_HTTP, 80",
    "HEDDLE_PORT_80_TCP, tcp://10.0.0.1:80",
    "HEDDLE_PORT_80_TCP_PROTO, tcp",
    "HEDDLE_PORT_80_TCP_PORT, 80",
    "HEDDLE_PORT_80_TCP_ADDR, 10.0.0.1",
    "HEDDLE_REDIS_SERVICE_HOST, 10.0.0.2",
    "HEDDLE_REDIS_SERVICE_PORT, 6379",
    "HEDDLE_REDIS_SERVICE_PORT_REDIS, 6379",
    "HEDDLE_REDIS_PORT, tcp://10.0.0.2:6379",
    "HEDDLE_REDIS_PORT_6379_TCP, tcp://10.0.0.2:6379",
    "HEDDLE_REDIS_PORT_6379_TCP_ADDR, 10.0.0.2",
    "HEDDLE_MY_OTHER_SERVICE_HOST, 10.0.0.3",
    "HEDDLESOME_THING, x",
  })
  void aSettingOrWhatIsNoneIsLetThrough(String name, String value) {
    assertThatCode(() -> check(Map.of(), Map.of(name, value))).doesNotThrowAnyException();
  }

  @Test
  void allThatIsWrongIsToldAtOnceAndWhereItStands() throws Exception {
    StandardEnvironment environment = new StandardEnvironment();
    new YamlPropertySourceLoader()
        .load(
            "file",
            new ByteArrayResource(
                "heddle:\n  engine: auto\n  sesion:\n    max-state: 1MB\n".getBytes(),
                "config/application.yml"))
        .forEach(environment.getPropertySources()::addLast);
    environment
        .getPropertySources()
        .addFirst(new MapPropertySource("commandLineArgs", Map.of("heddle.engin", "redis")));

    assertThatThrownBy(() -> new SettingsCheck().postProcessEnvironment(environment, app()))
        .hasMessageContaining("heddle.engin (on the command line)")
        .hasMessageContaining("heddle.sesion.max-state (")
        .hasMessageContaining("config/application.yml")
        .hasMessageContaining("line 4");
  }

  /** A YAML file with {@code heddle.engine=redis} in it is a text, and was passed over. */
  @ParameterizedTest
  @ValueSource(strings = {"heddle.engine=secret\n", "- heddle:\n    engine: secret\n"})
  void aFileWithoutNamesStopsTheStart(String yaml) throws Exception {
    StandardEnvironment environment = new StandardEnvironment();
    new YamlPropertySourceLoader()
        .load("application.yml", new ByteArrayResource(yaml.getBytes(), "application.yml"))
        .forEach(environment.getPropertySources()::addLast);

    assertThatThrownBy(() -> new SettingsCheck().postProcessEnvironment(environment, app()))
        .isInstanceOf(BadSettingException.class)
        .hasMessageContaining("application.yml")
        .hasMessageNotContaining("secret");
  }

  @Test
  void everySettingOfTheShippedFileIsKnown() throws Exception {
    StandardEnvironment environment = new StandardEnvironment();
    new YamlPropertySourceLoader()
        .load("file", new ClassPathResource("application.yml"))
        .forEach(environment.getPropertySources()::addLast);

    assertThatCode(() -> new SettingsCheck().postProcessEnvironment(environment, app()))
        .doesNotThrowAnyException();
  }

  /** A record that is left out here would make all of its settings unknown. */
  @Test
  void everyRecordOfSettingsIsLookedAt() {
    ClassPathScanningCandidateComponentProvider scanner =
        new ClassPathScanningCandidateComponentProvider(false);
    scanner.addIncludeFilter(new AnnotationTypeFilter(ConfigurationProperties.class));

    assertThat(SettingsCheck.RECORDS)
        .extracting(Class::getName)
        .containsExactlyInAnyOrderElementsOf(
            scanner.findCandidateComponents("io.heddle").stream()
                .map(definition -> definition.getBeanClassName())
                .collect(Collectors.toSet()));
  }

  private static void check(Map<String, Object> commandLine, Map<String, Object> variables) {
    StandardEnvironment environment = new StandardEnvironment();
    environment
        .getPropertySources()
        .replace(
            StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
            new SystemEnvironmentPropertySource(
                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                new HashMap<>(variables)));
    environment
        .getPropertySources()
        .addFirst(new MapPropertySource("commandLineArgs", commandLine));
    new SettingsCheck().postProcessEnvironment(environment, app());
  }

  private static SpringApplication app() {
    return new SpringApplication(SettingsCheckTest.class);
  }
}
