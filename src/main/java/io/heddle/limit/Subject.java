package io.heddle.limit;

import io.heddle.base.Caller;
import io.heddle.base.Tenant;
import org.jspecify.annotations.Nullable;

/**
 * Under whose name something is counted, in one tenant.
 *
 * @param name any text
 */
public record Subject(Tenant tenant, String name) {

  /** A user is prefixed, so that no user's name is another caller's address. */
  public static Subject of(Caller caller) {
    return new Subject(
        caller.tenant(), caller.user() == null ? caller.subject() : "user:" + caller.user());
  }

  // By hand, see Tenant.

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof Subject subject
            && name.equals(subject.name)
            && tenant.equals(subject.tenant));
  }

  @Override
  public int hashCode() {
    return 31 * tenant.hashCode() + name.hashCode();
  }
}
