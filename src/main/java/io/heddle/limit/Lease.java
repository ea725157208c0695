package io.heddle.limit;

import java.util.List;

/**
 * Permits that were counted ahead of their use.
 *
 * @param permits how many were counted under every rule; 0 when one of them had none left
 * @param decisions one a rule, in the order of the question; what remains is after all permits
 */
public record Lease(long permits, List<Decision> decisions) {}
