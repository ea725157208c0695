package io.heddle.redis;

/**
 * What {@code INFO replication} says of a server.
 *
 * @param id names its data: it changes with a restart, and when another server's data is taken over
 */
record ReplicationInfo(boolean master, String id) {

  static ReplicationInfo parse(String text) {
    return new ReplicationInfo(
        RedisStatus.field(text, "role").equals("master"), RedisStatus.field(text, "master_replid"));
  }
}
