package io.heddle.settings;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

class ListenAddressTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "server.address=127.0.0.1",
        "server.address=127.9.9.9",
        "server.address=::1",
        "server.address=localhost",
        "server.address=127.0.0.1 management.server.port=-1",
        "server.address=127.0.0.1 server.port=8080 management.server.port=8080",
        "server.address=127.0.0.1 management.server.port=9090 management.server.address=::1",
        "server.address=0.0.0.0 heddle.security.mode=open",
        "server.address= heddle.security.mode=OPEN",
        "server.address=127.0.0.1 server.forward-headers-strategy=none",
      })
  void starts(String settings) {
    assertThatCode(() -> check(settings)).doesNotThrowAnyException();
  }

  /** Without an address, a server listens everywhere, and so does the port for operators. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "server.address=0.0.0.0",
        "server.address=::",
        "server.address=",
        "server.port=8080",
        "server.address=192.0.2.7",
        "server.address=10.0.0.1 heddle.security.mode=local",
        "server.address=127.0.0.1 management.server.port=9090",
        "server.address=127.0.0.1 management.server.port=9090 management.server.address=0.0.0.0",
      })
  void doesNotListenToOtherMachinesUnlessSaidByName(String settings) {
    assertThatThrownBy(() -> check(settings))
        .isInstanceOfSatisfying(
            BadSettingException.class,
            refusal ->
                org.assertj.core.api.Assertions.assertThat(refusal.action())
                    .contains("127.0.0.1", "heddle.security.mode", "open", "heddle.hosts"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "server.address=127.0.0.1 server.forward-headers-strategy=native",
        "server.address=127.0.0.1 server.forward-headers-strategy=FRAMEWORK",
        "server.address=0.0.0.0 heddle.security.mode=open"
            + " server.forward-headers-strategy=framework",
      })
  void doesNotBelieveHeadersOfAnybody(String settings) {
    assertThatThrownBy(() -> check(settings))
        .isInstanceOf(BadSettingException.class)
        .hasMessageContaining("server.forward-headers-strategy");
  }

  @ParameterizedTest
  @ValueSource(strings = {"server.address=127.0.0.1 heddle.security.mode=closed"})
  void anUnknownModeIsRefused(String settings) {
    assertThatThrownBy(() -> check(settings))
        .isInstanceOf(BadSettingException.class)
        .hasMessageContaining("heddle.security.mode");
  }

  private static void check(String settings) {
    Map<String, Object> map = new HashMap<>();
    for (String setting : settings.split(" ")) {
      String[] parts = setting.split("=", 2);
      map.put(parts[0], parts[1]);
    }
    StandardEnvironment environment = new StandardEnvironment();
    environment
        .getPropertySources()
        .forEach(source -> environment.getPropertySources().remove(source.getName()));
    environment.getPropertySources().addFirst(new MapPropertySource("given", map));
    ConfigurationPropertySources.attach(environment);
    new ListenAddress().postProcessEnvironment(environment, new SpringApplication());
  }
}
