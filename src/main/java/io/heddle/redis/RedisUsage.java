package io.heddle.redis;

import io.heddle.limit.Subject;
import io.heddle.limit.Usage;
import io.heddle.limit.UsageStore;
import java.util.Map;
import reactor.core.publisher.Mono;

/** What users have, a hash each. */
final class RedisUsage implements UsageStore {

  private final RedisLink link;

  RedisUsage(RedisLink link) {
    this.link = link;
  }

  @Override
  public Mono<Usage> add(Subject subject, String replica, Usage.Change change) {
    ScriptArgs args = new ScriptArgs();
    args.number(change.sessions()).number(change.threadBytes()).number(change.documentBytes());
    args.text(replica).number(change.running()).number(change.waiting());
    args.number(LEASE.toMillis()).number(LIFE.toMillis()).text("");
    for (Map.Entry<Long, Long> end : change.cachedBytes().entrySet()) {
      args.number(end.getKey()).number(end.getValue());
    }
    return run(subject, args);
  }

  @Override
  public Mono<Usage> put(Subject subject, Usage.Counted counted, long mostDocuments) {
    ScriptArgs args =
        new ScriptArgs().number(counted.sessions()).number(counted.threadBytes()).number(0);
    args.text("").number(0).number(0).number(LEASE.toMillis()).number(LIFE.toMillis());
    return run(subject, args.number(mostDocuments));
  }

  private Mono<Usage> run(Subject subject, ScriptArgs args) {
    byte[][] keys = {RedisKeys.usage(subject.tenant(), subject.name())};
    return link.write(RedisScript.USAGE, keys, args.toArray())
        .map(reply ->
            new Usage(
                reply.number(0),
                reply.number(1),
                reply.number(2),
                reply.number(3),
                reply.number(4),
                reply.number(5),
                reply.number(6) == 1));
  }
}
