package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestRepairTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '!',
      textBlock =
          """
          /v1/sessions/a              ~ /v1/sessions/a
          /v1/x?a=b&c=%20+d           ~ /v1/x?a=b&c=%20+d
          /a{b}                       ~ /a%7Bb%7D
          /a|b^c\\d"e<f>[g]`          ~ /a%7Cb%5Ec%5Cd%22e%3Cf%3E%5Bg%5D`
          /a%zzb%                     ~ /a%25zzb%25
          /a%4                        ~ /a%254
          /a#b                        ~ /a%23b
          /..;x/%2e%2F                ~ /..;x/%2e%2F
          """)
  void whatIsNoUriIsPercentEncoded(String target, String sound) {
    String wanted = sound.replace("`", "%60");
    assertThat(RequestRepair.sound(target)).isEqualTo(wanted);
    assertThatCode(() -> URI.create("http://x" + wanted)).doesNotThrowAnyException();
  }

  @Test
  void bytesAboveAsciiAreEncodedEach() {
    assertThat(RequestRepair.sound("/\u00c3\u00a9\u007f")).isEqualTo("/%C3%A9%7F");
  }

  @Test
  void theRequestGoesOnRepaired() {
    EmbeddedChannel channel = new EmbeddedChannel(new RequestRepair());
    channel.writeInbound(new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/a{b}"));
    HttpRequest passed = channel.readInbound();
    assertThat(passed.uri()).isEqualTo("/a%7Bb%7D");
  }

  @Test
  void anEmptyRefusalGetsAProblem() {
    FullHttpResponse answer = through(HttpResponseStatus.BAD_REQUEST, "", null);
    assertThat(answer.headers().get("content-type")).isEqualTo("application/problem+json");
    String body = answer.content().toString(StandardCharsets.UTF_8);
    assertThat(body).contains("\"code\":\"invalid-request\"", "\"status\":400");
    assertThat(answer.headers().getInt("content-length"))
        .isEqualTo(body.getBytes(StandardCharsets.UTF_8).length);
  }

  @Test
  void theStatusIsTheProblems() {
    FullHttpResponse answer = through(HttpResponseStatus.REQUEST_URI_TOO_LONG, "", null);
    assertThat(answer.status().code()).isEqualTo(400);
    assertThat(answer.content().toString(StandardCharsets.UTF_8)).contains("\"status\":400");
  }

  @Test
  void otherAnswersStayAsTheyAre() {
    assertThat(through(HttpResponseStatus.NO_CONTENT, "", null).content().isReadable()).isFalse();
    assertThat(through(HttpResponseStatus.BAD_REQUEST, "x", null).content().readableBytes())
        .isEqualTo(1);
    assertThat(
            through(HttpResponseStatus.NOT_FOUND, "", "application/problem+json")
                .content()
                .isReadable())
        .isFalse();
  }

  private static FullHttpResponse through(HttpResponseStatus status, String body, String type) {
    EmbeddedChannel channel = new EmbeddedChannel(new RequestRepair());
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, status, Unpooled.copiedBuffer(body, StandardCharsets.UTF_8));
    if (type != null) {
      response.headers().set("content-type", type);
    }
    channel.writeOutbound(response);
    return channel.readOutbound();
  }
}
