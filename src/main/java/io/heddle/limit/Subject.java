package io.heddle.limit;

import io.heddle.base.Caller;
import io.heddle.base.Tenant;

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
}
