package io.heddle.limit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What became of a reservation.
 *
 * @param decisions one a rule, in the order of the question; what remains is after the reservation
 * @param reservation null when one of the rules had not so many left, or none were asked for
 */
public record ReservationResult(List<Decision> decisions, @Nullable Reservation reservation) {}
