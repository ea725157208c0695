package io.heddle.base;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Names one session.
 *
 * @param id {@code [A-Za-z0-9._:@-]{1,128}}, not {@code .} or {@code ..}
 */
public record SessionKey(Tenant tenant, String id) {

  /** How many groups the sessions are spread over. Part of the stored layout. */
  public static final int PARTITIONS = 128;

  private static final int LONGEST_ID = 128;

  public SessionKey {
    if (!isId(id)) {
      throw new IllegalArgumentException("not a session id: " + id);
    }
  }

  public static boolean isId(String id) {
    int length = id.length();
    if (length == 0 || length > LONGEST_ID || id.equals(".") || id.equals("..")) {
      return false;
    }
    // By hand: every request asks it, and a pattern costs more than the rest of a key.
    for (int i = 0; i < length; i++) {
      char c = id.charAt(i);
      boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!letter && "._:@-".indexOf(c) < 0) {
        return false;
      }
    }
    return true;
  }

  /** {@code tenant/id}: unambiguous, because neither part may hold a slash. */
  public String path() {
    return tenant.name() + "/" + id;
  }

  public static SessionKey ofPath(String path) {
    int slash = path.indexOf('/');
    if (slash < 0) {
      throw new IllegalArgumentException("not tenant/id: " + path);
    }
    return new SessionKey(new Tenant(path.substring(0, slash)), path.substring(slash + 1));
  }

  /** The partition, 0 to 127: murmur3 of {@link #path()}. */
  public int partition() {
    return Murmur3.hash32(path().getBytes(StandardCharsets.US_ASCII)) & (PARTITIONS - 1);
  }

  /**
   * Four characters that differ between sessions. Message ids carry them, so that a cursor of
   * another session is known as such even when its message is gone.
   */
  public String mark() {
    int hash = Murmur3.hash32(path().getBytes(StandardCharsets.US_ASCII)) >>> 7;
    char[] mark = new char[4];
    for (int i = 0; i < mark.length; i++) {
      mark[i] = Character.forDigit(hash % 36, 36);
      hash /= 36;
    }
    return new String(mark);
  }

  // By hand, see Tenant.

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof SessionKey key && id.equals(key.id) && tenant.equals(key.tenant));
  }

  @Override
  public int hashCode() {
    return 31 * tenant.hashCode() + id.hashCode();
  }

  @Override
  public String toString() {
    return path();
  }
}
