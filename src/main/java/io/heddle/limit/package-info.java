/**
 * How often callers may call, how many tokens they may use, and how much they may have at once.
 *
 * <pre>
 * Requests, by {@link Limits}; a replica leases permits so that most requests ask nobody:
 *
 *   RateLimiter.lease ──► Lease ──► RunningLease ──use──► Admission ──replay──► Refund
 *     (one subject's PermitPool)         └──unused at its end─────────────────► Refund
 *   RateLimiter.take ───────────────────────────────────► Admission ──replay──► Refund
 *                                                   RateLimiter.giveBack(Refunds) ◄┘
 *
 * Tokens, by {@link TokenLimits}; what is estimated before the call is corrected after it:
 *
 *   RateLimiter.reserve ──► ReservationResult ──► TokenReservation, kept with the turn
 *                             └─ Reservation ──► RateLimiter.settle(Reservation, used)
 *
 * What a user has, by {@link Quotas}: a UserAccount each, told to the UsageStore now and then.
 * </pre>
 */
@NullMarked
package io.heddle.limit;

import org.jspecify.annotations.NullMarked;
