package io.heddle.upstream;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.netty.http.client.HttpClientResponse;

/**
 * What comes before the bytes of a response.
 *
 * @param subtype of the content type, in lower case; empty when there is none
 * @param retryAfterMs of the header {@code retry-after-ms}, or null
 * @param retryAfter of the header {@code Retry-After}, or null
 * @param encoding of the bytes, in lower case; empty when they are as they are
 */
record ResponseHead(
    int status,
    String subtype,
    @Nullable String retryAfterMs,
    @Nullable String retryAfter,
    String encoding) {

  /** Words for no encoding; some servers keep proxies from buffering a stream by one. */
  private static final Set<String> NOT_ENCODED =
      Set.of("identity", "none", "utf-8", "utf8", "text", "binary", "chunked");

  static ResponseHead of(HttpClientResponse response) {
    HttpHeaders headers = response.responseHeaders();
    return new ResponseHead(
        response.status().code(),
        subtype(headers.get(HttpHeaderNames.CONTENT_TYPE)),
        headers.get("retry-after-ms"),
        headers.get(HttpHeaderNames.RETRY_AFTER),
        encoding(headers.get(HttpHeaderNames.CONTENT_ENCODING)));
  }

  private static String encoding(@Nullable String said) {
    String encoding = said == null ? "" : said.strip().toLowerCase(Locale.ROOT);
    return NOT_ENCODED.contains(encoding) ? "" : encoding;
  }

  boolean isOk() {
    return status / 100 == 2;
  }

  boolean isJson() {
    return is("json");
  }

  boolean isHtml() {
    return is("html");
  }

  boolean isXml() {
    return is("xml");
  }

  private boolean is(String format) {
    return subtype.equals(format) || subtype.endsWith("+" + format);
  }

  /** Of {@code application/problem+json; charset=utf-8}: {@code problem+json}. */
  static String subtype(@Nullable String contentType) {
    if (contentType == null) {
      return "";
    }
    int end = contentType.indexOf(';');
    String type = end < 0 ? contentType : contentType.substring(0, end);
    return type.substring(type.indexOf('/') + 1).strip().toLowerCase(Locale.ROOT);
  }
}
