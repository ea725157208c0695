package io.heddle.base;

import java.time.Duration;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.util.unit.DataSize;

/**
 * The check of the settings below one name, for the constructors of their records. Bounds are
 * written as in a configuration file, {@code 500ms} or {@code 4KB}, and belong to what is allowed.
 */
public final class Bounds {

  private final String prefix;

  private Bounds(String prefix) {
    this.prefix = prefix;
  }

  /**
   * @param prefix what stands before the names of the settings, without a dot at its end
   */
  public static Bounds of(String prefix) {
    return new Bounds(prefix);
  }

  public Bounds within(String name, long value, long least, long most) {
    return require(value >= least && value <= most, name, least + " to " + most);
  }

  public Bounds within(String name, Duration value, String least, String most) {
    return require(
        value.compareTo(duration(least)) >= 0 && value.compareTo(duration(most)) <= 0,
        name,
        least + " to " + most);
  }

  public Bounds within(String name, DataSize value, String least, String most) {
    return require(
        value.compareTo(DataSize.parse(least)) >= 0 && value.compareTo(DataSize.parse(most)) <= 0,
        name,
        least + " to " + most);
  }

  public Bounds atLeast(String name, long value, long least) {
    return require(value >= least, name, least + " or more");
  }

  public Bounds atLeast(String name, Duration value, String least) {
    return require(value.compareTo(duration(least)) >= 0, name, least + " or more");
  }

  public Bounds atLeast(String name, DataSize value, String least) {
    return require(value.compareTo(DataSize.parse(least)) >= 0, name, least + " or more");
  }

  public Bounds atMost(String name, Duration value, String most) {
    return require(value.compareTo(duration(most)) <= 0, name, "at most " + most);
  }

  public Bounds positive(String name, Duration value) {
    return require(value.isPositive(), name, "more than 0");
  }

  /**
   * A bound that no other method has, such as one that is another setting.
   *
   * @param allowed ends the sentence "it must be"
   */
  public Bounds require(boolean good, String name, String allowed) {
    if (!good) {
      throw new IllegalArgumentException(prefix + "." + name + " must be " + allowed);
    }
    return this;
  }

  private static Duration duration(String text) {
    return DurationStyle.SIMPLE.parse(text);
  }
}
