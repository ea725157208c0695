package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.json.JsonWriter;
import io.heddle.live.Frame;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WireFormTest {

  private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);

  private static Consumer<JsonWriter> text(String text) {
    return out -> out.ascii(text);
  }

  /** Nobody has to say how long a frame will be that is written when it is sent. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5, 4_000, 100_000})
  void framesThatAreWrittenWhenTheyAreSentLookLikeOthers(int length) {
    String data = "x".repeat(length);
    byte[] utf8 = data.getBytes(StandardCharsets.US_ASCII);
    for (WireForm form : List.of(WireForm.EVENTS, WireForm.PLAIN_EVENTS, WireForm.SOCKET)) {
      String ready = sent(form, List.of(Frame.data(utf8), Frame.data(utf8)));

      assertThat(ready).contains(data);
      assertThat(sent(form, List.of(Frame.data(7, text(data)), Frame.data(7, text(data)))))
          .isEqualTo(ready);
    }
  }

  @Test
  void whatCannotBeWrittenKeepsNoMemory() {
    Consumer<JsonWriter> broken =
        out -> {
          throw new IllegalStateException("broken");
        };
    List<Frame> frames = List.of(Frame.data(100, text("{}")), Frame.data(100, broken));

    assertThatThrownBy(() -> WireForm.EVENTS.of(frames, allocator)).hasMessage("broken");
    assertThat(allocator.metric().usedDirectMemory()).isZero();
    assertThat(sent(WireForm.PLAIN_EVENTS, List.of(Frame.data(9, text("{}")))))
        .isEqualTo("data: {}\n\n");
  }

  private String sent(WireForm form, List<Frame> frames) {
    ByteBuf bytes = form.of(frames, allocator);
    String sent = bytes.toString(StandardCharsets.UTF_8);
    bytes.release();
    return sent;
  }
}
