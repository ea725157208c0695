package io.heddle.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RespRequestsTest {
  private static final String STREAM =
      "*3\r\n$7\r\nevalsha\r\n$4\r\nab\r\n\r\n$2\r\n$9\r\n"
          + "PING\r\n"
          + "*1\r\n$4\r\nPING\r\n"
          + "*3\r\n$3\r\nSET\r\n$3\r\nklé\r\n$0\r\n\r\n".replace("$3\r\nklé", "$4\r\nklé");

  @Test
  void findsEveryRequestWhereverTheBytesAreCut() {
    byte[] bytes = STREAM.getBytes(UTF_8);
    for (int size = 1; size <= bytes.length; size++) {
      List<String> found = new ArrayList<>();
      RespRequests parser = new RespRequests((c, a) -> found.add(c + "|" + a));
      for (int from = 0; from < bytes.length; from += size) {
        byte[] part =
            java.util.Arrays.copyOfRange(bytes, from, Math.min(bytes.length, from + size));
        parser.accept(part, part.length);
      }
      assertThat(found)
          .as("in parts of %d bytes", size)
          .containsExactly("EVALSHA|ab\r\n", "PING|", "PING|", "SET|klé");
    }
  }
}
