package io.heddle.settings;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.Environment;
import org.springframework.core.env.MapPropertySource;

/**
 * Gives the variables that people set for Redis the meaning they expect, as the properties that
 * Boot and Heddle know. Those properties win where they are set themselves.
 */
final class RedisVariables implements EnvironmentPostProcessor, Ordered {

  private static final String PREFIX = "spring.data.redis.";
  private static final int DEFAULT_PORT = 6379;
  private static final int MOST_PORT = 65535;

  /** What Kubernetes puts into REDIS_PORT of every pod when a service is called redis. */
  private static final Pattern SERVICE_LINK = Pattern.compile("tcp://[^/]*:([0-9]{1,5})");

  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9._-]+|\\[?[0-9A-Fa-f:.]+]?");

  private static final Pattern ADDRESS = Pattern.compile("[^@/\\s]*");

  @Override
  public int getOrder() {
    return ConfigDataEnvironmentPostProcessor.ORDER + 1;
  }

  @Override
  public void postProcessEnvironment(ConfigurableEnvironment environment, SpringApplication app) {
    Map<String, Object> properties = properties(environment);
    Map<String, Object> corrections = corrections(environment);
    if (!properties.isEmpty()) {
      environment.getPropertySources().addLast(new MapPropertySource("redisVariables", properties));
    }
    if (!corrections.isEmpty()) {
      environment
          .getPropertySources()
          .addFirst(new MapPropertySource("redisUrlInFull", corrections));
    }
  }

  private static Map<String, Object> properties(Environment environment) {
    Map<String, Object> properties = new LinkedHashMap<>();
    String ttl = EngineChoice.text(environment, "REDIS_TTL");
    if (ttl != null) {
      properties.put("heddle.session.default-ttl", seconds(ttl) + "s");
    }
    if (Boolean.FALSE.equals(enabled(environment))) {
      return properties;
    }
    String port = EngineChoice.text(environment, "REDIS_PORT");
    int number = port == null ? DEFAULT_PORT : port(port);
    String database = EngineChoice.text(environment, "REDIS_DB");
    if (database != null) {
      properties.put(PREFIX + "database", database("REDIS_DB", database));
    }
    String password = environment.getProperty("REDIS_PASSWORD");
    if (password != null && !password.isEmpty()) {
      properties.put(PREFIX + "password", password);
    }
    if (EngineChoice.addressProperty(environment) != null) {
      return properties;
    }
    String url = EngineChoice.text(environment, "REDIS_URL");
    String host = EngineChoice.text(environment, "REDIS_HOST");
    if (url != null) {
      url(url, properties);
    } else if (host != null) {
      if (!HOST.matcher(host).matches() || host.matches(".*[A-Za-z0-9]:[0-9]+")) {
        throw new BadSettingException(
            "REDIS_HOST is not the name or address of a host.",
            "Write the host alone, and its port in REDIS_PORT; a URL belongs into REDIS_URL.");
      }
      properties.put(PREFIX + "host", host);
      properties.put(PREFIX + "port", number);
    }
    return properties;
  }

  /** Boot takes a URL without a port for port -1, and does not tell that a URL asks for TLS. */
  private static Map<String, Object> corrections(Environment environment) {
    Map<String, Object> corrections = new LinkedHashMap<>();
    requireAddresses(environment);
    String url = EngineChoice.text(environment, PREFIX + "url");
    if (url == null) {
      return corrections;
    }
    try {
      URI uri = new URI(url);
      if (uri.getHost() == null || isTorn(uri)) {
        throw badUrl(PREFIX + "url", "names no host, or has characters that must be escaped");
      }
      // Boot's own report of another scheme shows the whole URL, too.
      requireRedis(PREFIX + "url", uri);
      if (uri.getPort() < 0) {
        String authority = uri.getRawAuthority();
        String named = authority.endsWith(":") ? authority : authority + ":";
        corrections.put(PREFIX + "url", url.replace("//" + authority, "//" + named + DEFAULT_PORT));
      }
      if ("rediss".equals(uri.getScheme())
          && EngineChoice.text(environment, PREFIX + "ssl.enabled") == null
          && EngineChoice.text(environment, PREFIX + "ssl.bundle") == null) {
        corrections.put(PREFIX + "ssl.enabled", true);
      }
    } catch (URISyntaxException e) {
      // Boot's own report shows the whole URL, with its password.
      throw badUrl(PREFIX + "url", "is not a URL");
    }
    return corrections;
  }

  /** {@code REDIS_ENABLED}, or null when it is not set. */
  static @Nullable Boolean enabled(Environment environment) {
    String text = EngineChoice.text(environment, "REDIS_ENABLED");
    return switch (text == null ? "" : text.toLowerCase(Locale.ROOT)) {
      case "" -> null;
      case "true", "yes", "on", "1" -> true;
      case "false", "no", "off", "0" -> false;
      default ->
          throw new BadSettingException(
              "REDIS_ENABLED is '" + text + "'.", "Set it to true or false.");
    };
  }

  private static void url(String text, Map<String, Object> properties) {
    URI uri;
    try {
      uri = new URI(text);
    } catch (URISyntaxException e) {
      throw badUrl("REDIS_URL", "is not a URL");
    }
    requireRedis("REDIS_URL", uri);
    boolean tls = "rediss".equals(uri.getScheme());
    if (uri.getHost() == null) {
      throw badUrl("REDIS_URL", "names no host");
    }
    if (isTorn(uri)) {
      throw badUrl("REDIS_URL", "has characters that must be escaped");
    }
    properties.put(PREFIX + "host", uri.getHost().replaceAll("^\\[|]$", ""));
    properties.put(PREFIX + "port", uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort());
    if (tls) {
      properties.put(PREFIX + "ssl.enabled", true);
    }
    String path = uri.getPath();
    if (path != null && path.length() > 1) {
      properties.put(PREFIX + "database", database("The path of REDIS_URL", path.substring(1)));
    }
    String credentials = uri.getRawUserInfo();
    if (credentials != null && !credentials.isEmpty()) {
      int colon = credentials.indexOf(':');
      String user = decoded(credentials.substring(0, Math.max(0, colon)));
      if (!user.isEmpty()) {
        properties.put(PREFIX + "username", user);
      }
      properties.put(PREFIX + "password", decoded(credentials.substring(colon + 1)));
    }
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  /**
   * Whether the URL was taken apart in the middle of a password, by a slash, a question mark or a
   * number sign in it: what seems to be the host or the database is a part of the password then.
   */
  private static boolean isTorn(URI uri) {
    return uri.getRawFragment() != null
        || String.valueOf(uri.getRawPath()).contains("@")
        || String.valueOf(uri.getRawQuery()).contains("@");
  }

  /** A host is told in the log; one with a password in front of it is none. */
  private static void requireAddresses(Environment environment) {
    Binder binder = Binder.get(environment);
    for (String name : List.of("host", "cluster.nodes", "sentinel.nodes")) {
      List<String> addresses =
          binder.bind(PREFIX + name, Bindable.listOf(String.class)).orElse(List.of());
      if (!addresses.stream().allMatch(address -> ADDRESS.matcher(address.strip()).matches())) {
        throw new BadSettingException(
            PREFIX + name + " has something that is no address.",
            "Write the host alone, a node as host:port, and the password in "
                + PREFIX
                + "password.");
      }
    }
    String port = EngineChoice.text(environment, PREFIX + "port");
    if (port != null && port.matches("[0-9]+") && number(port, 1, MOST_PORT) == null) {
      throw new BadSettingException(
          PREFIX + "port is '" + port + "'.", "Set it to a number from 1 to " + MOST_PORT + ".");
    }
  }

  private static void requireRedis(String name, URI uri) {
    if (!"redis".equals(uri.getScheme()) && !"rediss".equals(uri.getScheme())) {
      throw badUrl(name, "does not begin with redis:// or rediss://");
    }
    if (uri.getPort() == 0 || uri.getPort() > MOST_PORT) {
      throw badUrl(name, "has a port that is not from 1 to " + MOST_PORT);
    }
  }

  private static BadSettingException badUrl(String name, String problem) {
    return new BadSettingException(
        name + " " + problem + ".",
        "Write it as redis://user:password@host:6379/0, where user, password, port and database"
            + " may be left out, with rediss for TLS, and special characters of the password as"
            + " %40. Sentinel and Cluster are set by spring.data.redis.sentinel.* and"
            + " spring.data.redis.cluster.*.");
  }

  private static int port(String text) {
    Matcher link = SERVICE_LINK.matcher(text);
    Integer port = number(link.matches() ? link.group(1) : text, 1, MOST_PORT);
    if (port == null) {
      throw new BadSettingException(
          "REDIS_PORT is '" + text + "'.", "Set it to a number from 1 to 65535.");
    }
    return port;
  }

  private static int database(String name, String text) {
    Integer database = number(text, 0, 65535);
    if (database == null) {
      throw new BadSettingException(
          name + " is no database.", "Set it to the number of a database, 0 for the first.");
    }
    return database;
  }

  private static @Nullable Integer number(String text, int least, int most) {
    if (!text.matches("[0-9]{1,9}")) {
      return null;
    }
    int number = Integer.parseInt(text);
    return number < least || number > most ? null : number;
  }

  private static long seconds(String text) {
    try {
      Duration ttl =
          text.matches("[0-9]{1,10}")
              ? Duration.ofSeconds(Long.parseLong(text))
              : DurationStyle.detectAndParse(text);
      if (ttl.toSeconds() >= 1) {
        return ttl.toSeconds();
      }
    } catch (IllegalArgumentException notOne) {
      throw badTtl(text);
    }
    throw badTtl(text);
  }

  private static BadSettingException badTtl(String text) {
    return new BadSettingException(
        "REDIS_TTL is '" + text + "'.",
        "Set it to a number of seconds, or to a duration such as 90m or 7d.");
  }
}
