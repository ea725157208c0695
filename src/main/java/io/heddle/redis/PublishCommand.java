package io.heddle.redis;

/** How changes are published: to every node, or only in the channel's shard of a Cluster. */
enum PublishCommand {
  PUBLISH,
  SPUBLISH;

  private final byte[] command = RedisKeys.ascii(name());

  byte[] command() {
    return command;
  }
}
