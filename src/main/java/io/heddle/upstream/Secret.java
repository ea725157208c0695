package io.heddle.upstream;

import java.util.Objects;

/** A value that is sent and never shown. Taking one never fails: the error would show it. */
public final class Secret {

  private final String value;

  private Secret(String value) {
    this.value = value;
  }

  /** What a setting or a file says, without the spaces and line ends around it. */
  public static Secret of(String value) {
    return new Secret(value.strip());
  }

  String reveal() {
    return value;
  }

  boolean isEmpty() {
    return value.isEmpty();
  }

  /** Whether it can be the value of a header. */
  boolean isPlain() {
    return value.chars().allMatch(c -> c >= 0x20 && c < 0x7f || c == '\t');
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Secret secret && value.equals(secret.value);
  }

  @Override
  public int hashCode() {
    return Objects.hashCode(value);
  }

  @Override
  public String toString() {
    return isEmpty() ? "" : "***";
  }
}
