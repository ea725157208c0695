package io.heddle.redis;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.redisson.RedissonLock;
import org.redisson.api.RFuture;
import org.redisson.client.codec.LongCodec;
import org.redisson.client.protocol.RedisCommands;
import org.redisson.pubsub.LockPubSub;

/** Redisson's lock, which is ended by a script that declares the lock alone. */
final class LineLock extends RedissonLock {

  private static final String UNLOCK =
      new String(RedisScript.UNLOCK.source(), StandardCharsets.US_ASCII);

  private final LockCommands commands;

  LineLock(LockCommands commands, String name) {
    super(commands, name);
    this.commands = commands;
  }

  /** Redisson's name of who holds the lock by this acquisition. */
  String holder(long acquisition) {
    return getLockName(acquisition);
  }

  @Override
  protected RFuture<Boolean> unlockInnerAsync(long acquisition, String request, long timeout) {
    return commands.evalWriteNoRetryAsync(
        getRawName(),
        LongCodec.INSTANCE,
        RedisCommands.EVAL_BOOLEAN,
        UNLOCK,
        List.of(getRawName()),
        LockPubSub.UNLOCK_MESSAGE,
        getLockName(acquisition),
        commands.getConnectionManager().getSubscribeService().getPublishCommand(),
        prefixName("redisson_lock__channel", getRawName()));
  }
}
