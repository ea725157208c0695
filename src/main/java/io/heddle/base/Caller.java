package io.heddle.base;

import org.jspecify.annotations.Nullable;

/**
 * Who sends a request.
 *
 * @param user the user the request acts for; a caller with a user sees that user's sessions only
 * @param subject what limits count under: the user, or the address of a caller without one
 * @param admin whether the caller may see every session of the tenant and force a lock
 */
public record Caller(Tenant tenant, @Nullable String user, String subject, boolean admin) {

  /** The owner a session must have for this caller to see it, or null when any owner will do. */
  public @Nullable String owner() {
    return admin ? null : user;
  }
}
