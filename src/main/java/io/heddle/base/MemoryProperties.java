package io.heddle.base;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * How many bytes may be in flight in the process.
 *
 * @param budget Bytes in flight in the process: request bodies, unfinished messages, responses that
 *     wait to be written, texts that wait to be counted. When they are used up, new work is refused
 *     with 503 {@code overloaded}. 0B: a quarter of the heap.
 * @param callerShare Percentage of the budget for one user.
 * @param addressShare Percentage of the budget for one address.
 */
@ConfigurationProperties("heddle.memory")
public record MemoryProperties(
    @DefaultValue("0B") DataSize budget,
    @DefaultValue("25") int callerShare,
    @DefaultValue("50") int addressShare) {

  private static final long LEAST = 1 << 20;

  public MemoryProperties {
    Bounds.of("heddle.memory")
        .require(budget.toBytes() == 0 || budget.toBytes() >= LEAST, "budget", "0 or at least 1MB")
        .within("caller-share", callerShare, 1, 100)
        .within("address-share", addressShare, 1, 100);
  }

  public ByteBudget toBudget() {
    long total =
        budget.toBytes() > 0
            ? budget.toBytes()
            : Math.max(LEAST, Runtime.getRuntime().maxMemory() / 4);
    return new ByteBudget(total, total / 100 * callerShare, total / 100 * addressShare);
  }
}
