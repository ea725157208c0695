package io.heddle.base;

import org.jspecify.annotations.Nullable;

/**
 * Who sends a request.
 *
 * @param user the user the request acts for; a caller with a user sees that user's sessions only
 * @param subject what limits count under: the user, or the address of a caller without one
 * @param admin whether the caller may see every session of the tenant and force a lock
 * @param address the client's, or its network's, as far as a share of this process's memory is its
 *     own; null when that is not known, or when many share it
 */
public record Caller(
    Tenant tenant, @Nullable String user, String subject, boolean admin, @Nullable String address) {

  public Caller(Tenant tenant, @Nullable String user, String subject, boolean admin) {
    this(tenant, user, subject, admin, null);
  }

  /** The owner a session must have for this caller to see it, or null when any owner will do. */
  public @Nullable String owner() {
    return admin ? null : user;
  }

  /** Whose share of the bytes in flight its requests are. */
  public ByteBudget.Holder holder() {
    return ByteBudget.Holder.of(tenant, user, address);
  }
}
