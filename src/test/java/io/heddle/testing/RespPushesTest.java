package io.heddle.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RespPushesTest {
  private static final String BEFORE =
      "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n+proto\r\n:3\r\n"
          + ">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
          + "*2\r\n$-1\r\n*1\r\n$14\r\n>3\r\n$7\r\nnested\r\n_\r\n";
  private static final String KEPT = ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\nkept\r\n";
  private static final String DROPPED = ">3\r\n$8\r\nsmessage\r\n$1\r\nc\r\n$6\r\n>3\r\n-x\r\n";
  private static final String AFTER =
      "|1\r\n+k\r\n*0\r\n$0\r\n\r\n-ERR no\r\n*-1\r\n*0\r\n#t\r\n,1.5\r\n";

  @Test
  void leavesOutWholeMessagesHoweverTheBytesAreCut() throws IOException {
    byte[] all = (BEFORE + KEPT + DROPPED + AFTER + KEPT).getBytes(StandardCharsets.US_ASCII);
    for (int piece = 1; piece <= all.length; piece++) {
      List<TcpProxy.Push> seen = new ArrayList<>();
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      RespPushes pushes =
          new RespPushes(push -> {
            seen.add(push);
            return push.message().equals("kept");
          });
      for (int from = 0; from < all.length; from += piece) {
        byte[] part = java.util.Arrays.copyOfRange(all, from, Math.min(all.length, from + piece));
        pushes.pass(part, out);
      }
      assertThat(out.toString(StandardCharsets.US_ASCII)).isEqualTo(BEFORE + KEPT + AFTER + KEPT);
      assertThat(seen)
          .extracting(TcpProxy.Push::message)
          .containsExactly("kept", ">3\r\n-x", "kept");
    }
  }
}
