package io.heddle.redis;

import io.heddle.base.SessionKey;
import java.nio.charset.StandardCharsets;
import java.util.List;
import reactor.core.publisher.Mono;

/**
 * How this Redis is used, written down in it by the first replica. One that would put keys
 * elsewhere, or publish otherwise, must not run beside it.
 */
final class RedisSchema {

  static final String LAYOUT = "1";
  static final String HASH = "murmur3_x86_32";

  private RedisSchema() {}

  /** Completes when this replica agrees; errors with {@link Disagrees} when it does not. */
  static Mono<Void> agree(RedisLink link, PublishCommand publish) {
    List<String> fields = List.of("layout", "hash", "partitions", "publish");
    List<String> mine =
        List.of(LAYOUT, HASH, Integer.toString(SessionKey.PARTITIONS), publish.name());
    ScriptArgs args = new ScriptArgs();
    for (int i = 0; i < fields.size(); i++) {
      args.text(fields.get(i)).text(mine.get(i));
    }
    byte[][] keys = {RedisKeys.SCHEMA};
    return link.write(RedisScript.SCHEMA, keys, args.toArray())
        .flatMap(held -> {
          for (int i = 0; i < fields.size(); i++) {
            if (!held.text(i).equals(mine.get(i))) {
              return Mono.error(new Disagrees(fields.get(i), held.text(i), mine.get(i)));
            }
          }
          return Mono.empty();
        });
  }

  /** This replica and the data in Redis do not fit together. */
  static final class Disagrees extends RuntimeException {

    private static final long serialVersionUID = 1L;

    Disagrees(String field, String held, String mine) {
      super(
          "Redis holds Heddle data with "
              + field
              + " "
              + held
              + ", this Heddle uses "
              + mine
              + " (key "
              + new String(RedisKeys.SCHEMA, StandardCharsets.UTF_8)
              + "). Run the version that wrote it, or give this one another Redis database.");
    }
  }
}
