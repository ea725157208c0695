package io.heddle.redis;

import io.heddle.base.Seldom;
import io.heddle.base.SessionKey;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Looks into the due times of all partitions, which somebody does every second on every replica: so
 * with one request where one server has them all, and with one a partition on a Cluster.
 */
final class RedisDeadlines {

  /** {@code x:tenant/id}: a session's expiry, or a half-built session's end. */
  static final String SESSION = "x:";

  private static final Logger LOG = LoggerFactory.getLogger(RedisDeadlines.class);
  private static final int AT_ONCE = 32;

  private final RedisLink link;
  private final Seldom broken = new Seldom();

  RedisDeadlines(RedisLink link) {
    this.link = link;
  }

  /**
   * What became of one request.
   *
   * @param sentAt in nanoseconds of {@code System.nanoTime}
   * @param known whether Redis answered; else nothing is found in these partitions
   */
  record Answer(List<Found> partitions, long sentAt, boolean known) {}

  /**
   * A partition's members whose time has come in Redis's clock, the longest due first. A character
   * is a byte, whatever was written there.
   */
  record Found(int partition, List<String> members) {}

  /**
   * Every partition is in one of the answers; none of them is an error.
   *
   * @param kind which due times
   * @param most members of one partition
   */
  Flux<Answer> ask(Function<RedisKeys, byte[]> kind, int most) {
    return Flux.fromIterable(requests())
        .flatMap(partitions -> ask(partitions, kind, most), AT_ONCE);
  }

  private List<List<Integer>> requests() {
    List<Integer> all = IntStream.range(0, SessionKey.PARTITIONS).boxed().toList();
    return link.hasShards() ? all.stream().map(List::of).toList() : List.of(all);
  }

  private Mono<Answer> ask(List<Integer> partitions, Function<RedisKeys, byte[]> kind, int most) {
    byte[][] keys =
        partitions.stream().map(each -> kind.apply(RedisKeys.of(each))).toArray(byte[][]::new);
    return Mono.defer(() -> {
      long sentAt = System.nanoTime();
      return link.read(RedisScript.DUE, keys, new ScriptArgs().number(most).toArray())
          .map(lists -> new Answer(found(partitions, lists), sentAt, true))
          .onErrorResume(error -> {
            LOG.debug("due times of partitions {}: {}", partitions, error.getMessage());
            return Mono.just(
                new Answer(found(partitions, new ScriptReply(List.of())), sentAt, false));
          });
    });
  }

  private List<Found> found(List<Integer> partitions, ScriptReply lists) {
    List<Found> found = new ArrayList<>(partitions.size());
    for (int i = 0; i < partitions.size(); i++) {
      List<String> members = new ArrayList<>();
      ScriptReply list = lists.listOrNull(i);
      if (list != null) {
        for (int j = 0; j < list.size(); j++) {
          members.add(new String(list.bytes(j), StandardCharsets.ISO_8859_1));
        }
      } else if (i < lists.size() && broken.happened()) {
        // One key of another type must not keep the others from being looked at.
        LOG.error("Due times of partition {} cannot be read: {}", partitions.get(i), lists.text(i));
      }
      found.add(new Found(partitions.get(i), members));
    }
    return found;
  }
}
