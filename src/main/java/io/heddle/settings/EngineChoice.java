package io.heddle.settings;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.core.env.Environment;

/**
 * Which engine keeps the sessions.
 *
 * @param reason the setting that decides, never its value where that may be a secret
 */
public record EngineChoice(Kind engine, String reason) {

  public enum Kind {
    REDIS,
    EMBEDDED
  }

  private static final String PREFIX = "spring.data.redis.";
  private static final List<String> ADDRESSES = List.of("url", "host", "sentinel.master");
  private static final List<String> ADDRESS_LISTS =
      List.of("sentinel.nodes", "cluster.nodes", "masterreplica.nodes");

  public static EngineChoice of(Environment environment) {
    String wanted = text(environment, "heddle.engine");
    switch (wanted == null ? "auto" : wanted.toLowerCase(Locale.ROOT)) {
      case "redis" -> {
        return new EngineChoice(Kind.REDIS, "heddle.engine says so");
      }
      case "embedded" -> {
        return new EngineChoice(Kind.EMBEDDED, "heddle.engine says so");
      }
      case "auto" -> {}
      default ->
          throw new BadSettingException(
              "heddle.engine is '" + wanted + "'.", "Set it to auto, redis or embedded.");
    }
    Boolean enabled = RedisVariables.enabled(environment);
    if (Boolean.FALSE.equals(enabled)) {
      return new EngineChoice(Kind.EMBEDDED, "REDIS_ENABLED is false");
    }
    for (String variable : List.of("REDIS_URL", "REDIS_HOST")) {
      if (text(environment, variable) != null) {
        return new EngineChoice(Kind.REDIS, variable + " is set");
      }
    }
    String property = addressProperty(environment);
    if (property != null) {
      return new EngineChoice(Kind.REDIS, property + " is set");
    }
    return enabled != null
        ? new EngineChoice(Kind.REDIS, "REDIS_ENABLED is true")
        : new EngineChoice(Kind.EMBEDDED, "no Redis is configured");
  }

  /** The Spring property that says where Redis is, or null when none does. */
  static @Nullable String addressProperty(Environment environment) {
    for (String name : ADDRESSES) {
      if (text(environment, PREFIX + name) != null) {
        return PREFIX + name;
      }
    }
    Binder binder = Binder.get(environment);
    for (String name : ADDRESS_LISTS) {
      if (!binder.bind(PREFIX + name, Bindable.listOf(String.class)).orElse(List.of()).isEmpty()) {
        return PREFIX + name;
      }
    }
    return null;
  }

  /** A setting's text; null when it is not set or blank, as compose files leave variables. */
  public static @Nullable String text(Environment environment, String name) {
    String value = environment.getProperty(name);
    return value == null || value.isBlank() ? null : value.strip();
  }
}
