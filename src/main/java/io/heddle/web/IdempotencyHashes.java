package io.heddle.web;

import io.heddle.base.Caller;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** The hashes that stand for a client's idempotency key and for the request it came with. */
public final class IdempotencyHashes {

  private static final HexFormat HEX = HexFormat.of();

  private IdempotencyHashes() {}

  /** SHA-256 of caller, method, path and key, each with its length, so that no two run together. */
  public static byte[] hash(Caller caller, String method, String path, String key) {
    MessageDigest digest = sha256();
    String user = caller.user();
    List<String> parts =
        List.of(
            caller.tenant().name(),
            caller.admin() ? "admin" : "user",
            user == null ? "" : user,
            method,
            path,
            key);
    for (String part : parts) {
      byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
      digest.update((byte) (bytes.length >>> 8));
      digest.update((byte) bytes.length);
      digest.update(bytes);
    }
    return digest.digest();
  }

  /** A UUID of version 8, the one that is left to its maker (RFC 9562), of a hash. */
  public static String uuid(byte[] hash) {
    byte[] bytes = hash.clone();
    bytes[6] = (byte) (bytes[6] & 0x0f | 0x80);
    bytes[8] = (byte) (bytes[8] & 0x3f | 0x80);
    String hex = HEX.formatHex(bytes, 0, 16);
    return String.join(
        "-",
        hex.substring(0, 8),
        hex.substring(8, 12),
        hex.substring(12, 16),
        hex.substring(16, 20),
        hex.substring(20));
  }

  public static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
