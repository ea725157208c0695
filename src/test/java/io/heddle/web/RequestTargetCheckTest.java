package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestTargetCheckTest {

  @Test
  void theRequestGoesOnInTheOneSpelling() {
    EmbeddedChannel channel = new EmbeddedChannel(new RequestTargetCheck());
    HttpRequest request = request("http://LOCALHOST:1/a{b}");
    request.headers().set("heddle-refused", "made up");
    channel.writeInbound(request);
    HttpRequest passed = channel.readInbound();
    assertThat(passed.uri()).isEqualTo("/a%7Bb%7D");
    assertThat(passed.headers().getAll("Host")).containsExactly("LOCALHOST:1");
    assertThat(passed.headers().contains("heddle-refused")).isFalse();
  }

  /** What follows could be read as a request that a proxy took for the body. */
  @ParameterizedTest
  @ValueSource(
      strings = {"xchunked", "chunked, chunked", "gzip, chunked", "chunked;q=1", "identity", ""})
  void nothingIsReadAfterABodyWhoseEndIsNotCertain(String coding) {
    EmbeddedChannel channel = new EmbeddedChannel(new RequestTargetCheck());
    HttpRequest request = request("/v1/sessions");
    request.headers().set("Transfer-Encoding", coding);
    channel.writeInbound(request, new DefaultLastHttpContent(), request("/v1/limits"));
    HttpRequest refused = channel.readInbound();
    assertThat(refused.headers().get("heddle-refused")).contains("transfer-encoding");
    assertThat(refused.headers().contains("Transfer-Encoding")).isFalse();
    assertThat((Object) channel.readInbound()).isInstanceOf(LastHttpContent.class);
    assertThat((Object) channel.readInbound()).isNull();
  }

  @Test
  void aTargetWithAnyBytesIsRefusedAndNotLost() {
    EmbeddedChannel channel = new EmbeddedChannel(new RequestTargetCheck());
    channel.writeInbound(request("/v1/\u0001\u007f|\u00ff/../x"));
    HttpRequest refused = channel.readInbound();
    RequestTargetCheck.Said said =
        RequestTargetCheck.Refusal.parse(refused.headers().get("heddle-refused"));
    assertThat(said.target()).isEqualTo("/v1/??|\u00ff/../x");
    assertThat(said.refusal().segment()).isEqualTo(2);
  }

  private static HttpRequest request(String target) {
    HttpRequest request = new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, target);
    request.headers().set("Host", "localhost");
    return request;
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
    EmbeddedChannel channel = new EmbeddedChannel(new RequestTargetCheck());
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
