package io.heddle.web;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Under which names callers reach this server.
 *
 * @param hosts DNS names, in lower case, that callers may use for this server beside {@code
 *     localhost} and IP addresses. {@code *}: any name.
 */
@ConfigurationProperties("heddle")
public record HostProperties(@DefaultValue List<String> hosts) {

  static final String ANY = "*";

  private static final Pattern NAME = Pattern.compile("[a-z0-9_-]{1,63}(\\.[a-z0-9_-]{1,63})*");
  private static final int LONGEST = 253;

  public HostProperties {
    hosts = hosts.stream().map(HostProperties::name).distinct().toList();
  }

  private static String name(String given) {
    String name = given.strip().toLowerCase(Locale.ROOT).replaceFirst("\\.$", "");
    if (!name.equals(ANY) && (name.length() > LONGEST || !NAME.matcher(name).matches())) {
      throw new IllegalArgumentException(
          "heddle.hosts must be names such as heddle.example.org, without scheme and port: "
              + given);
    }
    return name;
  }
}
