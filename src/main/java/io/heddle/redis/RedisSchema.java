package io.heddle.redis;

import io.heddle.base.SessionKey;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
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
    Map<String, String> mine =
        new LinkedHashMap<>(
            Map.of(
                "layout",
                LAYOUT,
                "hash",
                HASH,
                "partitions",
                Integer.toString(SessionKey.PARTITIONS),
                "publish",
                publish.name()));
    ScriptArgs args = ScriptArgs.of(mine.size() * 2);
    mine.forEach((field, value) -> args.text(field).text(value));
    byte[][] keys = {RedisKeys.SCHEMA};
    return link.write(RedisScript.SCHEMA, keys, args.toArray())
        .flatMap(held -> {
          ScriptReply reply = new ScriptReply(held);
          List<String> fields = List.copyOf(mine.keySet());
          for (int i = 0; i < fields.size(); i++) {
            String value = reply.text(i);
            if (!value.equals(mine.get(fields.get(i)))) {
              return Mono.error(new Disagrees(fields.get(i), value, mine.get(fields.get(i))));
            }
          }
          return Mono.empty();
        });
  }

  /** This replica and the data in Redis do not fit together. */
  static final class Disagrees extends RuntimeException {

    private static final long serialVersionUID = 1L;

    Disagrees(String field, String held, @Nullable String mine) {
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
