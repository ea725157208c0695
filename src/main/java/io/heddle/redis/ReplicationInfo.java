package io.heddle.redis;

/**
 * What {@code INFO replication} says of a server.
 *
 * @param id names its data: it changes with a restart, and when another server's data is taken over
 */
record ReplicationInfo(boolean master, String id) {

  static ReplicationInfo parse(String text) {
    boolean master = false;
    String id = "";
    for (String line : text.lines().toList()) {
      if (line.startsWith("role:")) {
        master = line.equals("role:master");
      } else if (line.startsWith("master_replid:")) {
        id = line.substring("master_replid:".length());
      }
    }
    return new ReplicationInfo(master, id);
  }
}
