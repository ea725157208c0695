package io.heddle.redis;

import io.heddle.answercache.AnswerStore;
import io.heddle.base.Tenant;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Answers as strings that end by themselves: {@code <stored at> <content type>\n<body>}. Every
 * script is run as if it read, because to run it twice is harmless.
 */
final class RedisAnswers implements AnswerStore {

  /** Time and signs before a type and a body. */
  private static final int HEAD = 15;

  private final RedisLink link;
  private final RedisPages pages;

  RedisAnswers(RedisLink link, RedisPages pages) {
    this.link = link;
    this.pages = pages;
  }

  @Override
  public Mono<Answer> get(Tenant tenant, String key) {
    byte[][] keys = {RedisKeys.answer(tenant, key)};
    return pages
        .read(tenant, RedisPages.Size.PAGE, RedisScript.ANSWER, keys, new ScriptArgs().toArray())
        .filter(reply -> reply.size() > 0)
        .map(RedisAnswers::parse);
  }

  @Override
  public Mono<Kept> put(Tenant tenant, String key, String contentType, byte[] body, Duration life) {
    byte[][] keys = {RedisKeys.answer(tenant, key), RedisKeys.answerClaim(tenant, key)};
    byte[][] args =
        new ScriptArgs().text(contentType).number(life.toMillis()).bytes(body).toArray();
    return link.read(RedisScript.ANSWER_PUT, keys, args)
        .map(reply -> {
          Instant now = reply.time(1);
          Answer kept = new Answer(contentType, body, now, now.plus(life), now);
          return new Kept(kept, gone(reply, 2));
        });
  }

  @Override
  public Mono<Gone> take(Tenant tenant, String key) {
    byte[][] keys = {RedisKeys.answer(tenant, key), RedisKeys.answerClaim(tenant, key)};
    return link.read(RedisScript.ANSWER_REMOVE, keys, new ScriptArgs().toArray())
        .mapNotNull(reply -> gone(reply, 2));
  }

  @Override
  public Mono<Boolean> claim(Tenant tenant, String key, String owner, Duration lease) {
    byte[][] keys = {RedisKeys.answerClaim(tenant, key)};
    byte[][] args = new ScriptArgs().text(owner).number(lease.toMillis()).toArray();
    return link.read(RedisScript.ANSWER_CLAIM, keys, args).map(reply -> reply.number(0) == 1);
  }

  @Override
  public Mono<Void> release(Tenant tenant, String key, String owner) {
    byte[][] keys = {RedisKeys.answerClaim(tenant, key)};
    byte[][] args = new ScriptArgs().text(owner).toArray();
    return link.read(RedisScript.ANSWER_RELEASE, keys, args).then();
  }

  /** What there was, of which length and time left stand from there on. */
  private static @Nullable Gone gone(ScriptReply reply, int at) {
    if (reply.number(0) != 1) {
      return null;
    }
    return new Gone(
        AnswerStore.size("", reply.number(at) - HEAD),
        reply.time(1).plusMillis(reply.number(at + 1)));
  }

  private static Answer parse(ScriptReply reply) {
    WordReader stored = new WordReader(reply.bytes(0));
    Instant now = reply.time(2);
    Instant storedAt = Instant.ofEpochMilli(stored.number());
    return new Answer(
        stored.word('\n'), stored.rest(), storedAt, now.plusMillis(reply.number(1)), now);
  }
}
