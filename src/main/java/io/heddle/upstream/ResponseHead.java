package io.heddle.upstream;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import reactor.netty.http.client.HttpClientResponse;

/**
 * What comes before the bytes of a response.
 *
 * @param contentType as it came, or null
 * @param retryAfterMs of the header {@code retry-after-ms}, or null
 * @param retryAfter of the header {@code Retry-After}, or null
 */
record ResponseHead(
    int status,
    @Nullable String contentType,
    @Nullable String retryAfterMs,
    @Nullable String retryAfter) {

  static ResponseHead of(HttpClientResponse response) {
    HttpHeaders headers = response.responseHeaders();
    return new ResponseHead(
        response.status().code(),
        headers.get(HttpHeaderNames.CONTENT_TYPE),
        headers.get("retry-after-ms"),
        headers.get(HttpHeaderNames.RETRY_AFTER));
  }

  boolean isOk() {
    return status / 100 == 2;
  }

  boolean isJson() {
    return subtype().equals("json") || subtype().endsWith("+json");
  }

  boolean isPage() {
    return subtype().equals("html") || subtype().endsWith("+html");
  }

  boolean isMarkup() {
    return isPage() || subtype().equals("xml") || subtype().endsWith("+xml");
  }

  /** Of the content type, in small letters; empty when there is none that can be understood. */
  String subtype() {
    if (contentType == null) {
      return "";
    }
    int end = contentType.indexOf(';');
    String type = end < 0 ? contentType : contentType.substring(0, end);
    return type.substring(type.indexOf('/') + 1).strip().toLowerCase(Locale.ROOT);
  }
}
