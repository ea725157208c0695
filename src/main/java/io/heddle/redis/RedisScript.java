package io.heddle.redis;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * One script of {@code src/main/resources/redis}, with its parts put in where it says {@code --
 * #include}. Comments do not go to Redis.
 */
enum RedisScript {
  APPEND,
  CREATE,
  FILL,
  OPEN,
  UPDATE,
  STATE,
  CUT,
  CUT_COPY,
  DELETE,
  EXPIRE,
  TURN_BEGIN,
  TURN_NEXT,
  TURN_RETAKE,
  TURN_CANCEL,
  TURN_END,
  TURN_FLUSH,
  TURN_READ,
  TURN_LIST,
  KEEP,
  DUE,
  PUT_OFF,
  SEQS,
  RECORD_FIND,
  RECORD_DROP,
  LOAD,
  MESSAGE,
  STATE_READ,
  LOG,
  CLAIM,
  LOCK,
  RENEW,
  RELEASE,
  HOLDER,
  CURRENT,
  FORGET,
  LIMIT,
  LIMIT_MANY,
  LIMIT_RETURN,
  LIMIT_RESERVE,
  LIMIT_SETTLE,
  ANSWER,
  ANSWER_PUT,
  ANSWER_REMOVE,
  ANSWER_CLAIM,
  ANSWER_RELEASE,
  SCHEMA;

  private static final String INCLUDE = "-- #include ";

  private final byte[] source;
  private final String sha;

  RedisScript() {
    this.source =
        read(name().toLowerCase(Locale.ROOT).replace('_', '-')).getBytes(StandardCharsets.UTF_8);
    try {
      this.sha = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(source));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-1", e);
    }
  }

  /** On this thread, if it was not done before. */
  static void readAll() {
    // The class is initialized by the call, and has read them then.
  }

  byte[] source() {
    return source;
  }

  /** What EVALSHA calls it. */
  String sha() {
    return sha;
  }

  private static String read(String name) {
    String file = "/redis/" + name + ".lua";
    try (InputStream in = RedisScript.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("there is no " + file);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .map(String::stripLeading)
          .filter(line -> line.startsWith(INCLUDE) || !line.startsWith("--"))
          .map(line -> line.startsWith(INCLUDE) ? read(line.substring(INCLUDE.length())) : line)
          .collect(Collectors.joining("\n"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
