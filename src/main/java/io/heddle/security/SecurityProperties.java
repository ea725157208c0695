package io.heddle.security;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Who may call.
 *
 * @param mode There is no sign-in yet. {@code local}: the server listens on loopback addresses
 *     only. {@code open}: it listens on {@code server.address}, and every caller that reaches it is
 *     trusted.
 */
@ConfigurationProperties("heddle.security")
public record SecurityProperties(@DefaultValue("local") Mode mode) {

  /** How callers are let in. */
  public enum Mode {
    /** Nobody signs in, and the server listens on this machine's loopback addresses only. */
    LOCAL,
    /** Nobody signs in, and the server listens wherever it is told to. */
    OPEN
  }
}
