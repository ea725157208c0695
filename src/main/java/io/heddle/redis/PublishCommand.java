package io.heddle.redis;

/** How changes are published: to every node, or only in the channel's shard of a Cluster. */
enum PublishCommand {
  PUBLISH("PUBLISH"),
  SPUBLISH("SPUBLISH");

  private final byte[] command;

  PublishCommand(String command) {
    this.command = RedisKeys.ascii(command);
  }

  byte[] command() {
    return command;
  }
}
