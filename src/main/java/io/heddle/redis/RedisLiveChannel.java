package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.heddle.session.LiveChannel;
import io.heddle.session.LiveListeners;
import io.heddle.session.LiveMessage;
import java.util.function.Consumer;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * Live messages over the connections of the {@link RedisChangeFeed}, which keeps them subscribed.
 */
final class RedisLiveChannel implements LiveChannel {

  private static final String KIND = ":live:";

  private final RedisLink link;
  private final LiveListeners listeners;

  RedisLiveChannel(RedisLink link, RedisChangeFeed feed) {
    this.link = link;
    // Within the listeners' own order, so that coming and going reach the feed in theirs.
    this.listeners =
        new LiveListeners(
            key -> feed.carry(key.partition(), name(key)),
            key -> feed.drop(key.partition(), name(key)));
    feed.tellLive(this::told);
  }

  @Override
  public Mono<Void> publish(SessionKey key, LiveMessage message) {
    byte[] channel = RedisKeys.ascii(name(key));
    byte[] bytes = message.toJson().utf8();
    return link.command(commands ->
            link.publish() == PublishCommand.SPUBLISH
                ? commands.spublish(channel, bytes)
                : commands.publish(channel, bytes))
        .then();
  }

  @Override
  public Disposable listen(SessionKey key, Consumer<LiveMessage> listener) {
    return listeners.add(key, listener);
  }

  private String name(SessionKey key) {
    return RedisKeys.of(key).liveChannel(link.database());
  }

  private void told(String channel, byte[] bytes) {
    SessionKey key = SessionKey.ofPath(channel.substring(channel.indexOf(KIND) + KIND.length()));
    LiveMessage message = listeners.hasAny(key) ? LiveMessage.parse(bytes) : null;
    if (message != null) {
      listeners.tell(key, message);
    }
  }
}
