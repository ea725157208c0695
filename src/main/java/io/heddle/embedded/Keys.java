package io.heddle.embedded;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Every key of the store, as bytes whose unsigned order is the order that is read. Numbers are
 * eight bytes, most significant first; text that something follows ends with a zero byte, which no
 * path and no user holds.
 *
 * <p>A session's rows stand under a number it was given when it was made, not under its id: a
 * session that is deleted and made again gets another number, so the old rows are out of reach at
 * once and can be removed little by little.
 */
final class Keys {

  private Keys() {}

  static byte[] session(SessionKey key) {
    return ascii(key.path());
  }

  static SessionKey sessionOf(byte[] key, int from) {
    return SessionKey.ofPath(new String(key, from, key.length - from, StandardCharsets.US_ASCII));
  }

  static byte[] number(long number) {
    return ByteBuffer.allocate(8).putLong(number).array();
  }

  static long numberOf(byte[] key) {
    return longAt(key, 0);
  }

  static byte[] message(long thread, long version, int index) {
    return ByteBuffer.allocate(20).putLong(thread).putLong(version).putInt(index).array();
  }

  static long versionOf(byte[] key) {
    return longAt(key, 8);
  }

  static int indexOf(byte[] key) {
    return ByteBuffer.wrap(key).getInt(16);
  }

  static byte[] version(long number, long version) {
    return ByteBuffer.allocate(16).putLong(number).putLong(version).array();
  }

  static byte[] event(long number, long turn, long seq) {
    return ByteBuffer.allocate(24).putLong(number).putLong(turn).putLong(seq).array();
  }

  static long seqOf(byte[] key) {
    return longAt(key, 16);
  }

  static byte[] name(long thread, String clientId) {
    byte[] id = clientId.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + id.length).putLong(thread).put(id).array();
  }

  static byte[] retry(SessionKey key, String retry) {
    return joined(ascii(key.path()), retry.getBytes(StandardCharsets.UTF_8));
  }

  /** A deadline: its time, then whose it is. */
  static byte[] due(long time, byte[] what) {
    return ByteBuffer.allocate(8 + what.length).putLong(time).put(what).array();
  }

  static byte[] dueWhat(byte[] due) {
    return Arrays.copyOfRange(due, 8, due.length);
  }

  static long timeOf(byte[] due) {
    return longAt(due, 0);
  }

  static byte[] user(Tenant tenant, String user) {
    return joined(ascii(tenant.name()), user.getBytes(StandardCharsets.UTF_8));
  }

  /** Of the key its SHA-256: it may be long, and nobody lists answers. */
  static byte[] answer(Tenant tenant, String key) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      return joined(ascii(tenant.name()), sha256.digest(key.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  static byte[] active(byte[] user, String id) {
    return joined(user, ascii(id));
  }

  /** Newest first: the time is turned round. */
  static byte[] recent(byte[] user, long time, String id) {
    byte[] name = ascii(id);
    return ByteBuffer.allocate(user.length + 9 + name.length)
        .put(user)
        .put((byte) 0)
        .putLong(Long.MAX_VALUE - time)
        .put(name)
        .array();
  }

  static long recentTime(byte[] user, byte[] recent) {
    return Long.MAX_VALUE - longAt(recent, user.length + 1);
  }

  static String recentId(byte[] user, byte[] recent) {
    int from = user.length + 9;
    return new String(recent, from, recent.length - from, StandardCharsets.US_ASCII);
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  static byte[] prefix(byte[] first) {
    return Arrays.copyOf(first, first.length + 1);
  }

  /** The first key after every key that starts with the prefix; null when there is none. */
  static byte @Nullable [] after(byte[] prefix) {
    for (int i = prefix.length - 1; i >= 0; i--) {
      if (prefix[i] != (byte) 0xff) {
        byte[] next = Arrays.copyOf(prefix, i + 1);
        next[i]++;
        return next;
      }
    }
    return null;
  }

  static boolean startsWith(byte[] key, byte[] prefix) {
    return key.length >= prefix.length
        && Arrays.equals(key, 0, prefix.length, prefix, 0, prefix.length);
  }

  private static byte[] joined(byte[] first, byte[] second) {
    byte[] key = Arrays.copyOf(first, first.length + 1 + second.length);
    System.arraycopy(second, 0, key, first.length + 1, second.length);
    return key;
  }

  private static long longAt(byte[] key, int at) {
    return ByteBuffer.wrap(key).getLong(at);
  }
}
