package io.heddle.base;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Who owns sessions. Every key, cache entry and query is inside one tenant.
 *
 * @param name {@code [a-z0-9][a-z0-9-]{0,62}}, so that it can stand in a key before a slash
 */
public record Tenant(String name) {

  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]{0,62}");

  /** The tenant of a server that was told of no other. */
  public static final Tenant DEFAULT = new Tenant("default");

  public Tenant {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException("a tenant is [a-z0-9][a-z0-9-]{0,62}: " + name);
    }
  }

  // By hand, as in all that is looked up for every request: what the compiler makes for a record is
  // linked through method handles, which cost several times as much where they are not inlined.

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other || (other instanceof Tenant tenant && name.equals(tenant.name));
  }

  @Override
  public int hashCode() {
    return name.hashCode();
  }

  @Override
  public String toString() {
    return name;
  }
}
