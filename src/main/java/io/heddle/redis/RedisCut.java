package io.heddle.redis;

import io.heddle.base.SessionKey;
import reactor.core.publisher.Mono;

/**
 * Copies what a long cut leaves, in steps: deleting would take as long as there are messages to
 * delete, in one script. Until the copy takes the thread's place nobody sees any of it, and if
 * nobody is left who would put it there it goes by itself.
 */
final class RedisCut {

  /** That are deleted one by one, and that one step copies. */
  static final int MOST_MESSAGES = 250;

  static final int MOST_BYTES = 512 * 1024;

  private static final int LASTS_MILLIS = 60_000;

  private final RedisLink link;
  private final RedisKeys k;
  private final String tag;

  RedisCut(RedisLink link, SessionKey key, String tag) {
    this.link = link;
    this.k = RedisKeys.of(key);
    this.tag = tag;
  }

  /**
   * @param source what it is of, as the script says it
   */
  record Copy(String source, long messages, long bytes) {}

  /** A whole copy; or one that stands for nothing any more, because something was deleted since. */
  Mono<Copy> make(String place, String source) {
    return step(place, "", new Copy(source, 0, 0));
  }

  private Mono<Copy> step(String place, String last, Copy copy) {
    byte[][] keys = {k.session(), k.thread(), k.threadCopy(tag), k.clientIdsCopy(tag)};
    ScriptArgs args = new ScriptArgs().text(copy.source()).text(place).text(last);
    args.number(MOST_MESSAGES).number(MOST_BYTES).number(LASTS_MILLIS);
    return link.write(RedisScript.CUT_COPY, keys, args.toArray())
        // Nothing has happened that anybody could see.
        .onErrorMap(RedisErrors::isUnknown, _ -> RedisErrors.away())
        .flatMap(reply -> {
          if (reply.kind() != ScriptReply.DONE) {
            return Mono.just(copy);
          }
          String next = reply.text(1);
          Copy more =
              new Copy(
                  copy.source(), copy.messages() + reply.number(2), copy.bytes() + reply.number(3));
          return reply.number(2) == 0 || next.equals(place)
              ? Mono.just(more)
              : step(place, next, more);
        });
  }
}
