package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.session.OnBusy;
import io.heddle.session.StoreLimits;
import io.heddle.testing.RedisCluster;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.cluster.SlotHash;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

final class TurnScriptsOnClusterIT extends TurnScriptContract {

  private final RedisCluster cluster = RedisCluster.start();

  @Override
  EngineFixture open(StoreLimits limits) {
    return EngineFixture.cluster(cluster.uris(), limits);
  }

  @AfterAll
  void stopCluster() {
    cluster.close();
  }

  /**
   * A moving slot refuses a script one of whose declared keys is not there. Of a turn that runs
   * they all are, before its first word too: a living turn would lose its lease to a move.
   */
  @Test
  void aTurnGoesOnWhileItsSlotMoves() {
    String first = newTurn();
    String second = newTurn();
    String third = newTurn();
    create("tagtag01", 60, "");
    begin("tagtag02", first, OnBusy.ENQUEUE);
    begin("tagtag03", second, OnBusy.ENQUEUE, "own", "");
    begin("tagtag04", third, OnBusy.ENQUEUE);
    int slot = SlotHash.getSlot(keys.session());
    RedisClient client = RedisClient.create();
    try {
      List<RedisCommands<String, String>> nodes =
          cluster.uris().stream().map(uri -> client.connect(RedisURI.create(uri)).sync()).toList();
      int from = slot * nodes.size() / SlotHash.SLOT_COUNT;
      int to = (from + 1) % nodes.size();
      nodes.get(to).clusterSetSlotImporting(slot, nodes.get(from).clusterMyId());
      nodes.get(from).clusterSetSlotMigrating(slot, nodes.get(to).clusterMyId());
      try {
        assertThat(flush(first, 1, 0, "{}").number(1)).isEqualTo(1);
        assertThat(append("tagtag05", "").kind()).isEqualTo(ScriptReply.DONE);
        assertThat(cancel("tagtag06", third).kind()).isEqualTo(ScriptReply.DONE);
        assertThat(cancel("tagtag07", first).kind()).isEqualTo(ScriptReply.DONE);
        assertThat(end("tagtag08", first, 1).kind()).isEqualTo(ScriptReply.DONE);
        assertThat(next("tagtag09", second).kind()).isEqualTo(ScriptReply.DONE);
        endLease();
        assertThat(retake("tagtag10", second, 1).kind()).isEqualTo(ScriptReply.DONE);
        assertThat(flush(second, 2, 0, "{}").number(1)).isEqualTo(1);
        assertThat(end("tagtag11", second, 2).kind()).isEqualTo(ScriptReply.DONE);
      } finally {
        nodes.get(from).clusterSetSlotStable(slot);
        nodes.get(to).clusterSetSlotStable(slot);
      }
    } finally {
      client.shutdown();
    }
  }
}
