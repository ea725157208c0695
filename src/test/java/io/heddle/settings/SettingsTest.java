package io.heddle.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.answercache.AnswerProperties;
import io.heddle.limit.LimitProperties;
import io.heddle.nearcache.CoherenceProperties;
import io.heddle.session.SessionProperties;
import io.heddle.session.StoreLimits;
import io.heddle.turn.TurnProperties;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.io.ClassPathResource;

class SettingsTest {

  @Test
  void anEngineKeepsByDefaultWhatTheStoreLimitsSay() {
    Binder nothing = new Binder(new MapConfigurationPropertySource());

    assertThat(bind(nothing, "heddle.session", SessionProperties.class).storeLimits())
        .isEqualTo(StoreLimits.DEFAULT);
  }

  @Test
  void oneRuleIsChangedWithoutTellingTheRest() throws IOException {
    LimitProperties limits =
        bind(
            Binder.get(file(Map.of("heddle.limits.rules.writes.limit", "7"))),
            "heddle.limits",
            LimitProperties.class);

    assertThat(limits.active()).hasSize(2);
    assertThat(limits.rules().get("writes").limit()).isEqualTo(7);
    assertThat(limits.rules().get("requests").limit()).isEqualTo(6000);
  }

  @ParameterizedTest
  @CsvSource({
    "default-ttl, 0s",
    "default-ttl, 4000d",
    "max-message, 0B",
    "max-request, 1KB",
    "max-session, 1KB",
    "max-state, 5MB",
    "checkpoints, 0",
    "checkpoint-bytes, 0B",
    "max-nesting, 1",
    "body-timeout, 0s",
    "lock-wait, 61s",
    "update-lease, 1ms",
    "fork-timeout, 60s",
    "index-every, 0s"
  })
  void aSettingOutOfItsBoundsIsRefusedByName(String name, String value) {
    Binder binder =
        new Binder(new MapConfigurationPropertySource(Map.of("heddle.session." + name, value)));

    assertThatThrownBy(() -> bind(binder, "heddle.session", SessionProperties.class))
        .hasRootCauseInstanceOf(IllegalArgumentException.class)
        .rootCause()
        .hasMessageContaining("heddle.session." + name);
  }

  @ParameterizedTest
  @CsvSource({
    "max-bytes, 0B",
    "max-age, 0s",
    "max-age, 31s",
    "pages-per-session, 0",
    "pages-per-session, 1001"
  })
  void aSettingOfTheNearCacheOutOfItsBoundsIsRefusedByName(String name, String value) {
    Binder binder =
        new Binder(new MapConfigurationPropertySource(Map.of("heddle.cache." + name, value)));

    assertThatThrownBy(() -> bind(binder, "heddle.cache", CoherenceProperties.class))
        .hasRootCauseInstanceOf(IllegalArgumentException.class)
        .rootCause()
        .hasMessageContaining("heddle.cache." + name);
  }

  @ParameterizedTest
  @CsvSource({
    "max-bytes, 0B",
    "max-bytes, 65MB",
    "default-life, 0s",
    "default-life, 8d",
    "longest-life, 0s",
    "longest-wait, 0s",
    "longest-wait, 601s"
  })
  void aSettingOfAnswersOutOfItsBoundsIsRefusedByName(String name, String value) {
    Binder binder =
        new Binder(new MapConfigurationPropertySource(Map.of("heddle.answers." + name, value)));

    assertThatThrownBy(() -> bind(binder, "heddle.answers", AnswerProperties.class))
        .hasRootCauseInstanceOf(IllegalArgumentException.class)
        .rootCause()
        .hasMessageContaining("heddle.answers.");
  }

  @ParameterizedTest
  @CsvSource({
    "lease, 100ms",
    "lease, 6m",
    "renew-every, 0s",
    "renew-every, 3s",
    "flush-every, 0ms",
    "flush-every, 3s",
    "reap-every, 0s",
    "max-queue, -1",
    "queue-deadline, 0s",
    "keep, 1s",
    "attempts, 0",
    "history-messages, 0",
    "history-tokens, 0",
    "reserve-output, -1",
    "max-answer, 1B",
    "max-running, -1",
    "drain, -1s"
  })
  void aSettingOfTurnsOutOfItsBoundsIsRefusedByName(String name, String value) {
    Binder binder =
        new Binder(new MapConfigurationPropertySource(Map.of("heddle.turns." + name, value)));

    assertThatThrownBy(() -> bind(binder, "heddle.turns", TurnProperties.class))
        .hasRootCauseInstanceOf(IllegalArgumentException.class)
        .rootCause()
        .hasMessageContaining("heddle.turns." + name);
  }

  private static <T> T bind(Binder binder, String prefix, Class<T> type) {
    return binder.bindOrCreate(prefix, Bindable.of(type));
  }

  private static StandardEnvironment file(Map<String, Object> over) throws IOException {
    StandardEnvironment environment = new StandardEnvironment();
    environment.getPropertySources().addFirst(new MapPropertySource("over", new HashMap<>(over)));
    new YamlPropertySourceLoader()
        .load("file", new ClassPathResource("application.yml"))
        .forEach(source -> environment.getPropertySources().addLast(source));
    return environment;
  }
}
