package io.heddle.redis;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
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

  /** Far more than any script needs. */
  private static final int ROUNDS = 200;

  private static final int AHEAD = 64;
  private static final int AHEAD_BYTES = 1 << 18;

  /** Number of the key, command, from, to: the next entry, or the last one. */
  private static final Pattern ONE =
      Pattern.compile("\\d+ X(REV)?RANGE \\S+ \\S+ COUNT 1", Pattern.CASE_INSENSITIVE);

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
  private final Map<String, @Nullable Object> given = new HashMap<>();

  /** Entries of a stream that are read where the script asks for one: it goes through many so. */
  private int ahead = 1;

  private String position = "";
  private int tries = TRIES;
  private int rounds;

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
    ScriptReply reply = new ScriptReply(items);
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
    if (++rounds > ROUNDS) {
      return Mono.error(new IllegalStateException("a script that reads without an end"));
    }
    byte[][] key = {keys[((Long) wanted.getFirst()).intValue() - 1]};
    List<String> words = wanted.stream().map(SplitRead::word).toList();
    boolean one = ONE.matcher(String.join(" ", words)).matches();
    List<String> command = new ArrayList<>(words.subList(1, words.size()));
    if (one) {
      command.set(command.size() - 1, Integer.toString(ahead));
    }
    return node.run(
            RedisScript.PIECE.text(),
            key,
            command.stream().map(RedisKeys::ascii).toArray(byte[][]::new))
        .flatMap(piece -> {
          Object read = piece.isEmpty() ? null : piece.getFirst();
          if (one && read instanceof List<?> entries) {
            stepped(words, entries);
          } else {
            given.put(name(words), read);
          }
          return read();
        });
  }

  /** What the script is told when it asks for one entry after the other. */
  private void stepped(List<String> words, List<?> entries) {
    List<String> next = new ArrayList<>(words);
    long bytes = 0;
    for (Object entry : entries) {
      given.put(name(next), List.of(entry));
      next.set(2, "(" + word(((List<?>) entry).getFirst()));
      for (Object field : (List<?>) ((List<?>) entry).get(1)) {
        bytes += word(field).length();
      }
    }
    if (entries.size() < ahead) {
      given.put(name(next), List.of());
    }
    if (2 * bytes < AHEAD_BYTES) {
      ahead = Math.min(2 * ahead, AHEAD);
    }
  }

  private static String name(List<String> words) {
    return String.join("\0", words);
  }

  private static String word(Object word) {
    return word instanceof byte[] bytes
        ? new String(bytes, StandardCharsets.ISO_8859_1)
        : String.valueOf(word);
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

  /**
   * As MessagePack, which every Redis can read in a script; nil as false, as a script is given it.
   */
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
      case Map<?, ?> map -> {
        head(0xdf, map.size(), out);
        map.forEach((name, reply) -> {
          pack(RedisKeys.ascii((String) name), out);
          pack(reply, out);
        });
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
