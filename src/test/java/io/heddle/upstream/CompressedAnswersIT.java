package io.heddle.upstream;

import static io.heddle.upstream.Calls.all;
import static io.heddle.upstream.Calls.call;
import static io.heddle.upstream.Calls.ended;
import static io.heddle.upstream.Calls.problem;
import static io.heddle.upstream.Calls.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import io.heddle.upstream.Calls.Ended;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Proxies compress answers though nobody asks them to. Such an answer came to "answered with
 * words", of bytes that nobody can read, and the words of a refusal were lost.
 */
class CompressedAnswersIT {

  private static final String STREAM =
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"H\u00e9llo\"}}]}\n\n"
          + "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
          + "data: [DONE]\n\n";

  private final ScriptedModel server = ScriptedModel.start();
  private final Models models =
      Calls.models(
          new Recorded(),
          "upstreams.test.base-url=" + server.baseUrl(),
          "upstreams.test.max-answer=64KB");

  @AfterEach
  void close() {
    models.close();
    server.close();
  }

  private static byte[] compressed(String encoding, byte[] bytes) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    try (OutputStream out =
        encoding.endsWith("gzip") ? new GZIPOutputStream(all) : new DeflaterOutputStream(all)) {
      out.write(bytes);
    }
    return all.toByteArray();
  }

  private static ModelScript answer(int status, String type, String encoding) {
    return ModelScript.status(status)
        .header("Content-Type", type)
        .header("Content-Encoding", encoding);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "GZIP", "x-gzip", "deflate"})
  void isReadHoweverItIsCut(String encoding) throws IOException {
    byte[] bytes =
        compressed(encoding.toLowerCase(Locale.ROOT), STREAM.getBytes(StandardCharsets.UTF_8));
    ModelScript script = answer(200, "text/event-stream", encoding);
    for (byte one : bytes) {
      script = script.bytes(new byte[] {one});
    }
    server.next(script);

    assertThat(text(all(models.call(call("m", "hi"))))).isEqualTo("H\u00e9llo");
  }

  @Test
  void theWordsOfARefusalAreReadToo() throws IOException {
    byte[] words =
        "{\"error\":{\"message\":\"no such parameter\"}}".getBytes(StandardCharsets.UTF_8);
    server.next(answer(400, "application/json", "gzip").bytes(compressed("gzip", words)));

    Problem problem = problem(models.call(call("m", "hi")));
    assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_REFUSED);
    assertThat(problem.detail()).endsWith("(400): no such parameter");
  }

  @Test
  void oneThatIsCutIsNotWhole() throws IOException {
    byte[] bytes = compressed("gzip", STREAM.getBytes(StandardCharsets.UTF_8));
    byte[] half = Arrays.copyOf(bytes, bytes.length / 2);
    server.next(answer(200, "text/event-stream", "gzip").bytes(half));

    assertThat(ended(models.call(call("m", "hi"))).problem()).isNotNull();
  }

  /** A few bytes may become gigabytes. */
  @Test
  void itIsBounded() throws IOException {
    byte[] much = new byte[8 << 20];
    Arrays.fill(much, (byte) ' ');
    server.next(answer(200, "text/event-stream", "gzip").bytes(compressed("gzip", much)));

    Problem problem = problem(models.call(call("m", "hi")));
    assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_FAILED);
  }

  /**
   * Servers send such words to keep proxies from buffering a stream, or mix them up with a charset.
   * Their answers failed as ones in an unknown encoding, and not a byte of them was compressed.
   */
  @ParameterizedTest
  @ValueSource(strings = {"identity", "none", "UTF-8"})
  void aWordForNoEncodingIsNone(String encoding) {
    server.next(
        answer(200, "text/event-stream", encoding).bytes(STREAM.getBytes(StandardCharsets.UTF_8)));

    assertThat(text(all(models.call(call("m", "hi"))))).isEqualTo("H\u00e9llo");
  }

  /** A refusal that could not be read was told as a broken answer, and its status was lost. */
  @Test
  void theStatusOfARefusalThatCannotBeReadCounts() {
    server.next(answer(400, "application/json", "br").bytes(new byte[] {1, 2, 3}));

    Problem problem = problem(models.call(call("m", "hi")));
    assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_REFUSED);
    assertThat(problem.detail()).contains("(400)");
  }

  @Test
  void whatIsOfNoKnownEncodingIsToldSo() {
    server.next(answer(200, "text/event-stream", "br").bytes(new byte[] {1, 2, 3}));
    server.next(answer(200, "text/event-stream", "gzip").bytes(new byte[64]));

    for (String encoding : new String[] {"br", "gzip"}) {
      Ended ended = ended(models.call(call("m", "hi")));
      assertThat(ended.problem()).isNotNull();
      assertThat(ended.problem().code()).isEqualTo(ProblemCode.MODEL_FAILED);
      assertThat(ended.problem().detail()).contains("encoding").endsWith(encoding);
    }
  }
}
