package io.heddle.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.settings.EngineChoice.Kind;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

class RedisVariablesTest {

  private static final String DEFAULT_TTL = "heddle.session.default-ttl";

  @Test
  void withoutAnyVariableTheEngineIsEmbedded() {
    StandardEnvironment environment = environment(Map.of());

    assertThat(EngineChoice.of(environment))
        .isEqualTo(new EngineChoice(Kind.EMBEDDED, "no Redis is configured"));
    assertThat(redis(environment, "host")).isNull();
  }

  @Test
  void aUrlIsTakenApart() {
    StandardEnvironment environment =
        environment(Map.of("REDIS_URL", "rediss://ann:p%40ss+w:rd@redis.example:6380/3"));

    assertThat(EngineChoice.of(environment))
        .isEqualTo(new EngineChoice(Kind.REDIS, "REDIS_URL is set"));
    assertThat(redis(environment, "host")).isEqualTo("redis.example");
    assertThat(redis(environment, "port")).isEqualTo("6380");
    assertThat(redis(environment, "username")).isEqualTo("ann");
    assertThat(redis(environment, "password")).isEqualTo("p@ss+w:rd");
    assertThat(redis(environment, "database")).isEqualTo("3");
    assertThat(redis(environment, "ssl.enabled")).isEqualTo("true");
  }

  /** A slash, a question mark or a number sign in a password ends what a URL calls its host. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "redis://secret/part@h:6379/0",
        "redis://secret#part@h:6379",
        "redis://secret?part@h",
        "redis://:secret/part@h:6379",
        "redis://:secret#part@h:6379",
        "redis://ann:sec@ret@h:6379",
        "redis://ann:sec ret@h",
        "redis://ann:secret%zz@h",
        "redis://h:6379/secret",
        "secret://h",
      })
  void noPartOfAPasswordIsShown(String url) {
    for (String name : new String[] {"REDIS_URL", "spring.data.redis.url"}) {
      if (name.startsWith("spring") && (url.startsWith("secret") || url.endsWith("/secret"))) {
        continue;
      }
      assertThatThrownBy(() -> environment(Map.of(name, url)))
          .isInstanceOfSatisfying(
              BadSettingException.class,
              e -> {
                assertThat(e.getMessage())
                    .contains(name)
                    .doesNotContain("secret", "part", "sec@", "ret");
                assertThat(e.action()).doesNotContain("secret");
              });
    }
  }

  /**
   * Boot shows the whole URL of another scheme, and the log tells the nodes of a Cluster, each with
   * the password that somebody wrote in front of it. A port that is none was a long stack.
   */
  @ParameterizedTest
  @CsvSource({
    "url, redis-sentinel://:secret@h:6379",
    "url, http://ann:secret@h",
    "url, //:secret@h",
    "url, redis://:secret@h:99999",
    "url, redis://:secret@h:0",
    "host, :secret@h",
    "host, redis://secret@h",
    "cluster.nodes, :secret@h:7000",
    "cluster.nodes, 'h:7000,ann:secret@h:7001'",
    "cluster.nodes[0], redis://:secret@h:7000",
    "sentinel.nodes, secret@h:26379",
    "port, 99999",
    "port, 0",
  })
  void whatIsNoAddressIsNeitherUsedNorShown(String name, String value) {
    assertThatThrownBy(() -> environment(Map.of("spring.data.redis." + name, value)))
        .isInstanceOfSatisfying(
            BadSettingException.class,
            e ->
                assertThat(e.getMessage() + e.action())
                    .contains("spring.data.redis." + name.replace("[0]", ""))
                    .doesNotContain("secret"));
    if (name.equals("url")) {
      assertThatThrownBy(() -> environment(Map.of("REDIS_URL", value)))
          .isInstanceOf(BadSettingException.class)
          .hasMessageNotContaining("secret");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "host, h",
    "host, ::1",
    "cluster.nodes, 'h:7000, 10.0.0.1:7001,[::1]:7002'",
    "sentinel.nodes, redis-sentinel.default.svc:26379",
    "port, 6380",
  })
  void addressesAreTaken(String name, String value) {
    assertThat(redis(environment(Map.of("spring.data.redis." + name, value)), name))
        .isEqualTo(value);
  }

  @ParameterizedTest
  @CsvSource({
    "redis://h, h, 6379,",
    "redis://h/, h, 6379,",
    "redis://:secret@h:1, h, 1, secret",
    "redis://secret@h, h, 6379, secret",
    "redis://[::1]:7000, ::1, 7000,",
    "redis://10.0.0.1, 10.0.0.1, 6379,",
  })
  void whatAUrlLeavesOutHasTheUsualValue(String url, String host, String port, String password) {
    StandardEnvironment environment = environment(Map.of("REDIS_URL", url));

    assertThat(redis(environment, "host")).isEqualTo(host);
    assertThat(redis(environment, "port")).isEqualTo(port);
    assertThat(redis(environment, "password")).isEqualTo(password);
    assertThat(redis(environment, "username")).isNull();
    assertThat(redis(environment, "ssl.enabled")).isNull();
  }

  @Test
  void theUrlWinsOverHostAndPortButLeavesThePasswordToItsVariable() {
    StandardEnvironment environment =
        environment(
            Map.of(
                "REDIS_URL", "redis://a:1",
                "REDIS_HOST", "b",
                "REDIS_PORT", "2",
                "REDIS_PASSWORD", "s3cret",
                "REDIS_DB", "4"));

    assertThat(redis(environment, "host")).isEqualTo("a");
    assertThat(redis(environment, "port")).isEqualTo("1");
    assertThat(redis(environment, "password")).isEqualTo("s3cret");
    assertThat(redis(environment, "database")).isEqualTo("4");
  }

  @Test
  void hostAloneIsEnough() {
    StandardEnvironment environment = environment(Map.of("REDIS_HOST", "db-1.example"));

    assertThat(EngineChoice.of(environment).engine()).isEqualTo(Kind.REDIS);
    assertThat(redis(environment, "host")).isEqualTo("db-1.example");
    assertThat(redis(environment, "port")).isEqualTo("6379");
  }

  /**
   * In a pod beside a Kubernetes service called redis, REDIS_PORT is tcp://10.0.0.1:6379 whether
   * anybody wants it or not; a server that took it for nonsense did not start there.
   */
  @Test
  void thePortOfAKubernetesServiceLinkIsUnderstood() {
    StandardEnvironment linked =
        environment(Map.of("REDIS_HOST", "redis", "REDIS_PORT", "tcp://10.0.0.1:6390"));
    assertThat(redis(linked, "port")).isEqualTo("6390");

    StandardEnvironment unwanted = environment(Map.of("REDIS_PORT", "tcp://10.0.0.1:6390"));
    assertThat(EngineChoice.of(unwanted).engine()).isEqualTo(Kind.EMBEDDED);
  }

  @ParameterizedTest
  @CsvSource({
    "spring.data.redis.url, redis://x:1",
    "spring.data.redis.host, x",
    "spring.data.redis.sentinel.master, m",
    "spring.data.redis.sentinel.nodes, 'x:1,y:2'",
    "spring.data.redis.cluster.nodes, 'x:1,y:2'",
    "spring.data.redis.cluster.nodes[0], x:1",
    "SPRING_DATA_REDIS_URL, redis://x:1",
    "SPRING_DATA_REDIS_CLUSTER_NODES, 'x:1,y:2'",
  })
  void springsOwnPropertiesChooseRedisAndWin(String name, String value) {
    StandardEnvironment alone = environment(Map.of(name, value));
    assertThat(EngineChoice.of(alone).engine()).isEqualTo(Kind.REDIS);
    assertThat(EngineChoice.of(alone).reason()).startsWith("spring.data.redis.");

    StandardEnvironment both =
        environment(Map.of(name, value, "REDIS_URL", "redis://other:9", "REDIS_HOST", "other"));
    assertThat(redis(both, "host")).isNotEqualTo("other");
    assertThat(redis(both, "port")).isNull();
  }

  @Test
  void explicitPartsWinOneByOne() {
    StandardEnvironment environment =
        environment(
            Map.of(
                "REDIS_HOST", "h",
                "REDIS_PASSWORD", "variable",
                "spring.data.redis.password", "explicit",
                "spring.data.redis.port", "7"));

    assertThat(redis(environment, "host")).isEqualTo("h");
    assertThat(redis(environment, "port")).isEqualTo("7");
    assertThat(redis(environment, "password")).isEqualTo("explicit");
  }

  @Test
  void anExplicitUrlIsGivenThePortAndTheTlsThatItMeans() {
    StandardEnvironment environment =
        environment(Map.of("spring.data.redis.url", "rediss://ann:p%40s@x/2"));

    assertThat(redis(environment, "url")).isEqualTo("rediss://ann:p%40s@x:6379/2");
    assertThat(redis(environment, "ssl.enabled")).isEqualTo("true");
  }

  @Test
  void redisCanBeSwitchedOffAndOn() {
    assertThat(
            EngineChoice.of(
                environment(Map.of("REDIS_ENABLED", "false", "REDIS_URL", "redis://x"))))
        .isEqualTo(new EngineChoice(Kind.EMBEDDED, "REDIS_ENABLED is false"));
    assertThat(EngineChoice.of(environment(Map.of("REDIS_ENABLED", "TRUE"))))
        .isEqualTo(new EngineChoice(Kind.REDIS, "REDIS_ENABLED is true"));
    assertThat(
            EngineChoice.of(environment(Map.of("REDIS_ENABLED", "0", "heddle.engine", "redis")))
                .engine())
        .isEqualTo(Kind.REDIS);
    assertThat(
            EngineChoice.of(
                    environment(Map.of("REDIS_URL", "redis://x", "HEDDLE_ENGINE", "embedded")))
                .engine())
        .isEqualTo(Kind.EMBEDDED);
  }

  @Test
  void whatIsSwitchedOffIsNotLookedAt() {
    StandardEnvironment environment =
        environment(Map.of("REDIS_ENABLED", "no", "REDIS_PORT", "abc", "REDIS_URL", "nonsense"));

    assertThat(redis(environment, "host")).isNull();
  }

  @Test
  void blankIsNotSet() {
    StandardEnvironment environment =
        environment(
            Map.of(
                "REDIS_URL",
                "",
                "REDIS_HOST",
                " ",
                "REDIS_PORT",
                "",
                "REDIS_DB",
                "",
                "REDIS_TTL",
                "",
                "REDIS_ENABLED",
                "",
                "REDIS_PASSWORD",
                ""));

    assertThat(EngineChoice.of(environment).engine()).isEqualTo(Kind.EMBEDDED);
    assertThat(redis(environment, "password")).isNull();
  }

  @ParameterizedTest
  @CsvSource({"3600, 3600s", "90m, 5400s", "7d, 604800s", "PT1H, 3600s"})
  void timeToLiveIsSecondsOrADuration(String value, String result) {
    assertThat(environment(Map.of("REDIS_TTL", value)).getProperty(DEFAULT_TTL)).isEqualTo(result);
  }

  @Test
  void theSettingOfTheSameNameWinsOverTheVariable() {
    assertThat(environment(Map.of("REDIS_TTL", "3600", DEFAULT_TTL, "2h")).getProperty(DEFAULT_TTL))
        .isEqualTo("2h");
  }

  @ParameterizedTest
  @CsvSource({
    "REDIS_PORT, abc",
    "REDIS_PORT, 0",
    "REDIS_PORT, 65536",
    "REDIS_PORT, -1",
    "REDIS_DB, one",
    "REDIS_DB, -1",
    "REDIS_TTL, soon",
    "REDIS_TTL, 0",
    "REDIS_TTL, -5",
    "REDIS_TTL, 5ms",
    "REDIS_ENABLED, maybe",
    "REDIS_HOST, redis://h",
    "REDIS_HOST, h:6379",
    "REDIS_HOST, a b",
    "heddle.engine, postgres",
  })
  void nonsenseIsRefusedByName(String name, String value) {
    assertThatThrownBy(() -> EngineChoice.of(environment(Map.of(name, value))))
        .isInstanceOfSatisfying(
            BadSettingException.class,
            e -> {
              assertThat(e).hasMessageContaining(name);
              assertThat(e.action()).isNotBlank();
            });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost:6379",
        "http://u:s3cret@h",
        "redis://u:s3cret@",
        "redis://u:s3cret#@h",
        "redis://u:s3c ret@h",
        "redis-sentinel://s3cret@h",
        "redis://u:s3cret@h/one"
      })
  void aBadUrlIsRefusedWithoutShowingIt(String url) {
    assertThatThrownBy(() -> environment(Map.of("REDIS_URL", url)))
        .isInstanceOf(BadSettingException.class)
        .hasMessageContaining("REDIS_URL")
        .hasMessageNotContaining("s3c");
  }

  private static String redis(StandardEnvironment environment, String name) {
    return environment.getProperty("spring.data.redis." + name);
  }

  /** As Boot prepares it: variables in capitals as the environment has them, the rest as given. */
  private static StandardEnvironment environment(Map<String, Object> settings) {
    StandardEnvironment environment = new StandardEnvironment();
    environment
        .getPropertySources()
        .forEach(s -> environment.getPropertySources().remove(s.getName()));
    environment
        .getPropertySources()
        .addLast(new SystemEnvironmentPropertySource("test-systemEnvironment", settings));
    environment.getPropertySources().addLast(new MapPropertySource("test", settings));
    ConfigurationPropertySources.attach(environment);
    new RedisVariables().postProcessEnvironment(environment, new SpringApplication());
    return environment;
  }
}
