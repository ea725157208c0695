package io.heddle.redis;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * One read of a session while its keys are on two nodes of a Cluster, because their slot moves. No
 * node runs a script then that declares them all. So the script runs where the session's hash is,
 * and says what it wants of the other keys; that is read key by key, and the script runs again,
 * until it has all. If the session is at the same position in the end as in the beginning, nothing
 * was written in between, and the answer is of one moment.
 */
final class SplitRead {

  /** What a script asks for: far more than any does. */
  private static final int PIECES = 100;

  /** A write in between, and it begins anew. */
  private static final int TRIES = 5;

  /** Runs a script that declares one key. */
  interface OneKey {
    Mono<List<Object>> run(ScriptText script, byte[][] key, byte[][] args);
  }

  private final OneKey node;
  private final ScriptText script;
  private final byte[][] keys;
  private final byte[][] args;
  private final List<@Nullable Object> given = new ArrayList<>();
  private String position = "";
  private int tries = TRIES;

  SplitRead(OneKey node, ScriptText script, byte[][] keys, byte[][] args) {
    this.node = node;
    this.script = script;
    this.keys = keys;
    this.args = args;
  }

  /** Empty when the session changed each time. */
  Mono<List<Object>> read() {
    return node.run(script, new byte[][] {keys[0]}, arguments()).flatMap(this::next);
  }

  private Mono<List<Object>> next(List<Object> items) {
    Reply reply = new Reply(items);
    String now = positionOf(reply.text(0));
    if (given.isEmpty()) {
      position = now;
    } else if (!position.equals(now)) {
      given.clear();
      return --tries > 0 ? read() : Mono.empty();
    }
    List<?> wanted = (List<?>) items.get(1);
    if (wanted.isEmpty()) {
      @SuppressWarnings("unchecked")
      List<Object> answer = (List<Object>) items.get(2);
      return Mono.just(answer);
    }
    if (given.size() == PIECES) {
      return Mono.error(new IllegalStateException("a script that reads without an end"));
    }
    byte[][] key = {keys[((Long) wanted.getFirst()).intValue() - 1]};
    byte[][] command =
        wanted.stream()
            .skip(1)
            .map(word ->
                word instanceof byte[] bytes ? bytes : RedisKeys.ascii(String.valueOf(word)))
            .toArray(byte[][]::new);
    return node.run(RedisScript.PIECE.text(), key, command)
        .flatMap(piece -> {
          given.add(piece.isEmpty() ? null : piece.getFirst());
          return read();
        });
  }

  /** Version and tag; what else is in the state may change without a write. */
  private static String positionOf(String state) {
    String[] words = state.split(" ", 3);
    return words.length < 2 ? "" : words[1] + "-" + words[0];
  }

  private byte[][] arguments() {
    byte[][] all = Arrays.copyOf(args, args.length + keys.length + 1);
    System.arraycopy(keys, 1, all, args.length, keys.length - 1);
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    pack(given, packed);
    all[all.length - 2] = packed.toByteArray();
    all[all.length - 1] = Integer.toString(keys.length - 1).getBytes(StandardCharsets.US_ASCII);
    return all;
  }

  /** As MessagePack, which every Redis can read in a script; nil as false, as a script is given it. */
  private static void pack(@Nullable Object value, ByteArrayOutputStream out) {
    switch (value) {
      case null -> out.write(0xc2);
      case byte[] bytes -> {
        head(0xdb, bytes.length, out);
        out.write(bytes, 0, bytes.length);
      }
      case Long number -> {
        head(0xd3, (int) (number >> 32), out);
        number(number.intValue(), out);
      }
      case List<?> list -> {
        head(0xdd, list.size(), out);
        list.forEach(item -> pack(item, out));
      }
      default -> throw new IllegalStateException("not a reply: " + value.getClass());
    }
  }

  private static void head(int type, int number, ByteArrayOutputStream out) {
    out.write(type);
    number(number, out);
  }

  private static void number(int number, ByteArrayOutputStream out) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      out.write(number >> shift);
    }
  }
}
