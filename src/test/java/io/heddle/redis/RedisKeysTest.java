package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.lettuce.core.cluster.SlotHash;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class RedisKeysTest {

  private static final String ALPHABET = "ab:.@-_/{}0\u00e9 ";

  /** Ids may hold colons, dots and at signs: none of them may make one key of two. */
  @Test
  void noTwoNamesGiveOneKey() {
    Random random = new Random(7);
    Map<String, String> names = new HashMap<>();
    List<Function<RedisKeys, byte[]>> kinds =
        List.of(
            RedisKeys::session,
            RedisKeys::thread,
            RedisKeys::changes,
            RedisKeys::clientIds,
            RedisKeys::state,
            RedisKeys::checkpoints,
            keys -> RedisKeys.ascii(keys.lock()),
            keys -> keys.record("digest"),
            keys -> keys.threadCopy("tagtag01"),
            keys -> keys.clientIdsCopy("tagtag01"),
            keys -> keys.turnRecord("0123456789abcdef"),
            keys -> keys.turnLog("0123456789abcdef"),
            keys -> keys.turnLog("digest"));
    for (int i = 0; i < 4_000; i++) {
      Tenant tenant = new Tenant(random.nextBoolean() ? "a" : "a-b");
      String id = word(random, "ab:.@-_", 6);
      if (SessionKey.isId(id)) {
        RedisKeys keys = RedisKeys.of(new SessionKey(tenant, id));
        for (int kind = 0; kind < kinds.size(); kind++) {
          meet(names, kinds.get(kind).apply(keys), kind + "|" + tenant + "|" + id);
        }
      }
      String user = word(random, ALPHABET, random.nextInt(8) == 0 ? 200 : 5);
      if (!user.isEmpty()) {
        meet(names, RedisKeys.userSessions(tenant, user), "u|" + tenant + "|" + user);
        meet(names, RedisKeys.userState(tenant, user), "U|" + tenant + "|" + user);
        meet(names, RedisKeys.limit(tenant, user, "writes"), "l|" + tenant + "|" + user);
        meet(names, RedisKeys.limit(tenant, user, "requests"), "L|" + tenant + "|" + user);
        meet(names, RedisKeys.tokens(tenant, user, "requests"), "T|" + tenant + "|" + user);
        meet(names, RedisKeys.settled(tenant, user, "requests"), "S|" + tenant + "|" + user);
        meet(names, RedisKeys.answer(tenant, user), "x|" + tenant + "|" + user);
        meet(names, RedisKeys.answerClaim(tenant, user), "X|" + tenant + "|" + user);
      }
    }
    assertThat(names.size()).isGreaterThan(10_000);
  }

  @Test
  void partitionsAreSpreadEvenlyOverTheSlots() {
    Set<String> tags = new HashSet<>();
    for (int i = 0; i < SessionKey.PARTITIONS; i++) {
      assertThat(SlotHash.getSlot(Partitions.tag(i)) / 128).isEqualTo(i);
      tags.add(Partitions.tag(i));
    }
    assertThat(tags).hasSize(SessionKey.PARTITIONS);
  }

  @Test
  void everyKeyOfASessionIsInOneSlotWithItsPartition() {
    RedisKeys keys = RedisKeys.of(new SessionKey(Tenant.DEFAULT, "cli_20251108_145739"));
    int slot = SlotHash.getSlot(keys.partition());
    for (byte[] key :
        List.of(
            keys.session(),
            keys.thread(),
            keys.due(),
            keys.turnsDue(),
            keys.turnRecord("0123456789abcdef"),
            keys.turnLog("0123456789abcdef"),
            RedisKeys.ascii(keys.liveChannel(0)),
            keys.channel(0),
            keys.record("digest"),
            keys.threadCopy("tagtag01"),
            keys.clientIdsCopy("tagtag01"),
            RedisKeys.ascii(keys.lock()))) {
      assertThat(SlotHash.getSlot(key)).isEqualTo(slot);
    }
  }

  /** Sessions that are stored would be lost if any of these moved. */
  @Test
  void theLayoutDoesNotMove() {
    SessionKey key = new SessionKey(Tenant.DEFAULT, "cli_20251108_145739");
    assertThat(new String(RedisKeys.of(key).session(), StandardCharsets.US_ASCII))
        .isEqualTo(
            "heddle:{" + Partitions.tag(key.partition()) + "}:s:default/cli_20251108_145739");
    assertThat(key.partition()).isEqualTo(5);
    assertThat(Partitions.tag(0)).isEqualTo("14");
    assertThat(Partitions.tag(127)).isEqualTo("44");
  }

  private static void meet(Map<String, String> names, byte[] key, String name) {
    String other = names.put(new String(key, StandardCharsets.ISO_8859_1), name);
    assertThat(other == null || other.equals(name)).as(other + " and " + name).isTrue();
  }

  private static String word(Random random, String alphabet, int length) {
    StringBuilder word = new StringBuilder();
    int size = random.nextInt(length) + 1;
    for (int i = 0; i < size; i++) {
      word.append(alphabet.charAt(random.nextInt(alphabet.length())));
    }
    return word.toString();
  }
}
