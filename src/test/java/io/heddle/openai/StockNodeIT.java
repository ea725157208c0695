package io.heddle.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.TestRedis;
import org.junit.jupiter.api.Test;

/** Every call of the stock Node client against two replicas: {@code src/test/node/stock.mjs}. */
class StockNodeIT {

  @Test
  void everyCallIsAnsweredAsItShouldBe() throws Exception {
    NodePackages.install();
    try (Replica one = Replica.redis(TestRedis.uri(StockNodeIT.class));
        Replica two = Replica.redis(TestRedis.uri(StockNodeIT.class))) {
      NodePackages.Ended ended =
          NodePackages.run(NodePackages.node(22), "stock.mjs", one.url(), two.url());
      System.out.println(ended.output().strip());
      assertThat(ended.status()).as(ended.output()).isZero();
    }
  }
}
