package io.heddle.settings;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.config.ConfigDataEnvironmentPostProcessor;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.Environment;

/**
 * Refuses to listen where other machines can reach a server that asks nobody to sign in, unless
 * whoever sets it up says so by name; and refuses to believe headers that any caller can write.
 */
public final class ListenAddress implements EnvironmentPostProcessor, Ordered {

  private static final String ADDRESS = "server.address";
  private static final String MANAGEMENT_ADDRESS = "management.server.address";
  private static final String MANAGEMENT_PORT = "management.server.port";
  private static final String MODE = "heddle.security.mode";
  private static final String FORWARDED = "server.forward-headers-strategy";

  @Override
  public int getOrder() {
    return ConfigDataEnvironmentPostProcessor.ORDER + 2;
  }

  @Override
  public void postProcessEnvironment(ConfigurableEnvironment environment, SpringApplication app) {
    String strategy = EngineChoice.text(environment, FORWARDED);
    if (strategy != null && !strategy.equalsIgnoreCase("none")) {
      throw new BadSettingException(
          FORWARDED + " is '" + strategy + "', which believes what any caller writes.",
          "Leave it out. heddle.http.trusted-proxies names the proxies whose X-Forwarded-For and"
              + " X-Forwarded-Proto are believed.");
    }
    if (isOpen(environment)) {
      return;
    }
    refuseUnlessLoopback(ADDRESS, EngineChoice.text(environment, ADDRESS));
    if (hasManagementPort(environment)) {
      refuseUnlessLoopback(MANAGEMENT_ADDRESS, EngineChoice.text(environment, MANAGEMENT_ADDRESS));
    }
  }

  private static boolean isOpen(Environment environment) {
    String mode = EngineChoice.text(environment, MODE);
    return switch (mode == null ? "local" : mode.toLowerCase(Locale.ROOT)) {
      case "open" -> true;
      case "local" -> false;
      default ->
          throw new BadSettingException(
              MODE + " is '" + mode + "'.",
              "Set it to local, which serves this machine only, or to open.");
    };
  }

  /** The server's own port is shared where there is none, or where it is the same. */
  private static boolean hasManagementPort(Environment environment) {
    String port = EngineChoice.text(environment, MANAGEMENT_PORT);
    return port != null
        && !port.startsWith("-")
        && !port.equals(EngineChoice.text(environment, "server.port"));
  }

  private static void refuseUnlessLoopback(String name, @Nullable String address) {
    if (isLoopback(address)) {
      return;
    }
    throw new BadSettingException(
        (address == null
                ? name + " is not set, which means every interface"
                : name + " is " + address)
            + ": other machines could reach this server, and it asks nobody to sign in.",
        "Set "
            + name
            + " to 127.0.0.1; or, where only those reach it who may read and write every session,"
            + " set heddle.security.mode (HEDDLE_SECURITY_MODE) to open and name the server's DNS"
            + " names in heddle.hosts (HEDDLE_HOSTS).");
  }

  /**
   * @param address null stands for every interface
   */
  public static boolean isLoopback(@Nullable String address) {
    try {
      return address != null && InetAddress.getByName(address).isLoopbackAddress();
    } catch (UnknownHostException _) {
      // Boot says so itself; whatever it is, it is no loopback address.
      return false;
    }
  }
}
