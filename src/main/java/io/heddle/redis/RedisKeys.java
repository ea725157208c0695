package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/**
 * Every key name. Kind first, id last, because ids may hold a colon: {@code
 * heddle:{NN}:<kind>:<tenant>/<id>[/<part>]}. What a user wrote stands in a key only as base64url,
 * or as its SHA-256 when it is long, so it can neither end a hash tag nor meet another key.
 */
final class RedisKeys {

  static final byte[] SCHEMA = ascii("heddle:schema");

  private static final int LONGEST_PLAIN = 64;

  private final String prefix;
  private final String path;
  private final int partition;

  private RedisKeys(int partition, String path) {
    this.partition = partition;
    this.prefix = "heddle:{" + Partitions.tag(partition) + "}:";
    this.path = path;
  }

  static RedisKeys of(SessionKey key) {
    return new RedisKeys(key.partition(), key.path());
  }

  /** The keys of a partition as a whole. */
  static RedisKeys of(int partition) {
    return new RedisKeys(partition, "");
  }

  int partitionNumber() {
    return partition;
  }

  byte[] path() {
    return ascii(path);
  }

  byte[] session() {
    return kind("s:");
  }

  byte[] partition() {
    return ascii(prefix + "p");
  }

  byte[] due() {
    return ascii(prefix + "due");
  }

  /** Sessions with a turn whose time may have come, by that time. */
  byte[] turnsDue() {
    return ascii(prefix + "turns");
  }

  byte[] thread() {
    return kind("m:");
  }

  byte[] changes() {
    return kind("c:");
  }

  byte[] clientIds() {
    return kind("i:");
  }

  /**
   * @param part the random part of the turn's id
   */
  byte[] turnRecord(String part) {
    return ascii(prefix + "r:" + path + "/" + part);
  }

  byte[] turnLog(String part) {
    return ascii(prefix + "t:" + path + "/" + part);
  }

  /**
   * What a cut will put in the place of the thread.
   *
   * @param part the cut's tag
   */
  byte[] threadCopy(String part) {
    return ascii(prefix + "mc:" + path + "/" + part);
  }

  byte[] clientIdsCopy(String part) {
    return ascii(prefix + "ic:" + path + "/" + part);
  }

  byte[] state() {
    return kind("d:");
  }

  byte[] checkpoints() {
    return kind("k:");
  }

  String lock() {
    return prefix + "lock:" + path;
  }

  byte[] record(String digest) {
    return ascii(prefix + "o:" + path + "/" + digest);
  }

  byte[] channel(int database) {
    return ascii(channelName(database));
  }

  /**
   * Keys are a database's own, and channels are all databases': so these say which one they are of.
   * Those of database 0 do not, as they never did.
   */
  String channelName(int database) {
    return channels(database) + "changes";
  }

  /** What may be lost; the name ends with the session's path. */
  String liveChannel(int database) {
    return channels(database) + "live:" + path;
  }

  private String channels(int database) {
    return database == 0 ? prefix : "heddle:" + database + prefix.substring("heddle".length());
  }

  static byte[] userSessions(Tenant tenant, String user) {
    return ascii("heddle:u:{" + tenant + "/" + safe(user) + "}:sessions");
  }

  static byte[] userState(Tenant tenant, String user) {
    return ascii("heddle:u:{" + tenant + "/" + safe(user) + "}:state");
  }

  static byte[] limit(Tenant tenant, String subject, String rule) {
    return ascii("heddle:l:{" + tenant + "/" + safe(subject) + "}:" + rule);
  }

  /** Another key than {@link #limit}: a rule of that name may once have counted requests. */
  static byte[] tokens(Tenant tenant, String subject, String rule) {
    return ascii("heddle:l:{" + tenant + "/" + safe(subject) + "}:" + rule + "/tokens");
  }

  /** The mark that a reservation of tokens was settled. */
  static byte[] settled(Tenant tenant, String subject, String id) {
    return ascii("heddle:l:{" + tenant + "/" + safe(subject) + "}/settled/" + id);
  }

  /**
   * What a user has.
   *
   * @param user empty for all of them together
   */
  static byte[] usage(Tenant tenant, String user) {
    return ascii("heddle:q:{" + tenant + "/" + safe(user) + "}");
  }

  static byte[] answer(Tenant tenant, String key) {
    return ascii("heddle:x:{" + tenant + "/" + safe(key) + "}");
  }

  /** Who computes the answer. */
  static byte[] answerClaim(Tenant tenant, String key) {
    return ascii("heddle:x:{" + tenant + "/" + safe(key) + "}:claim");
  }

  /** base64url has no dot, so a digest, which is marked with one, meets no plain name. */
  private static String safe(String name) {
    byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
    Base64.Encoder encoder = Base64.getUrlEncoder().withoutPadding();
    return utf8.length <= LONGEST_PLAIN
        ? encoder.encodeToString(utf8)
        : "." + encoder.encodeToString(sha256(utf8));
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  private byte[] kind(String kind) {
    return ascii(prefix + kind + path);
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
