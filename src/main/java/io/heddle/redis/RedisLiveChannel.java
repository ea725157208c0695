package io.heddle.redis;

import io.heddle.base.SessionKey;
import io.heddle.json.Json;
import io.heddle.session.LiveChannel;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * Live messages over the connections of the {@link RedisChangeFeed}, which keeps them subscribed.
 */
final class RedisLiveChannel implements LiveChannel {

  private static final Logger LOG = LoggerFactory.getLogger(RedisLiveChannel.class);
  private static final String KIND = ":live:";

  private final RedisLink link;
  private final RedisChangeFeed feed;
  private final Map<SessionKey, List<Consumer<Json>>> listeners = new ConcurrentHashMap<>();

  RedisLiveChannel(RedisLink link, RedisChangeFeed feed) {
    this.link = link;
    this.feed = feed;
    feed.tellLive(this::told);
  }

  @Override
  public Mono<Void> publish(SessionKey key, Json message) {
    byte[] channel = RedisKeys.ascii(name(key));
    return link.command(commands ->
            link.publish() == PublishCommand.SPUBLISH
                ? commands.spublish(channel, message.utf8())
                : commands.publish(channel, message.utf8()))
        .then();
  }

  @Override
  public Disposable listen(SessionKey key, Consumer<Json> listener) {
    // As many entries as calls: the same listener may be given twice.
    Consumer<Json> mine = listener::accept;
    listeners.compute(
        key,
        (_, all) -> {
          List<Consumer<Json>> some = all;
          if (some == null) {
            some = new CopyOnWriteArrayList<>();
            // In here, so that coming and going reach the feed in their order.
            feed.carry(key.partition(), name(key));
          }
          some.add(mine);
          return some;
        });
    return () ->
        listeners.computeIfPresent(
            key,
            (_, all) -> {
              all.remove(mine);
              if (!all.isEmpty()) {
                return all;
              }
              feed.drop(key.partition(), name(key));
              return null;
            });
  }

  private String name(SessionKey key) {
    return RedisKeys.of(key).liveChannel(link.database());
  }

  private void told(String channel, byte[] message) {
    SessionKey key = SessionKey.ofPath(channel.substring(channel.indexOf(KIND) + KIND.length()));
    List<Consumer<Json>> some = listeners.get(key);
    if (some == null) {
      return;
    }
    Json json = new Json(message);
    for (Consumer<Json> listener : some) {
      try {
        listener.accept(json);
      } catch (RuntimeException e) {
        LOG.error("A listener to a live channel failed", e);
      }
    }
  }
}
