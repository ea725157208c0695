package io.heddle.api;

import io.heddle.json.JsonReader;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What {@code POST …/lock} and {@code PUT …/lock} take.
 *
 * @param waitFor null when the body does not say; then the header does
 */
record LockBody(Duration ttl, @Nullable Duration waitFor, @Nullable String label) {

  static final int MAX_TTL_SECONDS = 3600;
  static final int MAX_LABEL = 256;

  /** To take the lock: {@code {ttlSeconds, waitSeconds?, label?}}. */
  static LockBody read(JsonReader in) {
    return read(in, true);
  }

  /** To renew it: {@code {ttlSeconds}}. */
  static LockBody readRenewal(JsonReader in) {
    return read(in, false);
  }

  private static LockBody read(JsonReader in, boolean take) {
    Duration ttl = null;
    Duration wait = null;
    String label = null;
    Set<String> seen = new HashSet<>();
    in.object();
    while (in.nextMember(seen)) {
      String name = in.name();
      if (name.equals("ttlSeconds")) {
        ttl = Duration.ofSeconds(in.integer(1, MAX_TTL_SECONDS));
      } else if (take && name.equals("waitSeconds")) {
        wait = in.isNull() ? null : Duration.ofSeconds(in.integer(0, 60));
      } else if (take && name.equals("label")) {
        label = in.isNull() ? null : in.string(0, MAX_LABEL);
      } else {
        throw in.unknownField();
      }
    }
    if (ttl == null) {
      throw in.refuseMember("", "ttlSeconds", "is missing");
    }
    return new LockBody(ttl, wait, label);
  }
}
