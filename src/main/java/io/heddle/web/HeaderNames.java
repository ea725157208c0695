package io.heddle.web;

import java.util.List;
import org.springframework.http.HttpHeaders;

/**
 * The names of the headers that are Heddle's, OpenAI's or of no library. Pages of other origins are
 * shown only those of {@link #EXPOSED}, so a new header of answers has its place there too.
 */
public final class HeaderNames {

  // ---- of requests

  public static final String USER = "Heddle-User";
  public static final String MIN_POSITION = "Heddle-Min-Position";
  public static final String LOCK = "Heddle-Lock";
  public static final String WAIT = "Heddle-Wait";
  public static final String ON_BUSY = "Heddle-On-Busy";
  public static final String IDEMPOTENCY_KEY = "Idempotency-Key";
  public static final String PREFER = "Prefer";
  public static final String LAST_EVENT_ID = "Last-Event-ID";

  /** How many tries of the same request there were before this one, says the client's library. */
  public static final String RETRY_COUNT = "x-stainless-retry-count";

  static final String FETCH_SITE = "Sec-Fetch-Site";
  static final String FETCH_MODE = "Sec-Fetch-Mode";
  static final String FETCH_DEST = "Sec-Fetch-Dest";
  static final String FORWARDED = "Forwarded";
  static final String X_FORWARDED_FOR = "X-Forwarded-For";
  static final String X_FORWARDED_PROTO = "X-Forwarded-Proto";
  static final String WEBSOCKET_VERSION = "Sec-WebSocket-Version";
  static final String WEBSOCKET_KEY = "Sec-WebSocket-Key";

  // ---- of both

  public static final String SESSION = "Heddle-Session";
  public static final String SINGLE_FLIGHT = "Heddle-Single-Flight";

  // ---- of answers

  public static final String CACHE = "Heddle-Cache";
  public static final String CHECKPOINT = "Heddle-Checkpoint";
  public static final String REPLAYED = "Idempotency-Replayed";
  public static final String PREFERENCE_APPLIED = "Preference-Applied";
  public static final String RATE_LIMIT = "RateLimit";
  public static final String RATE_LIMIT_POLICY = "RateLimit-Policy";
  public static final String REQUEST_ID = "x-request-id";
  public static final String PROCESSING_MILLIS = "openai-processing-ms";
  public static final String SHOULD_RETRY = "x-should-retry";
  public static final String RETRY_AFTER_MILLIS = "retry-after-ms";
  public static final String LIMIT_REQUESTS = "x-ratelimit-limit-requests";
  public static final String REMAINING_REQUESTS = "x-ratelimit-remaining-requests";
  public static final String RESET_REQUESTS = "x-ratelimit-reset-requests";
  public static final String LIMIT_TOKENS = "x-ratelimit-limit-tokens";
  public static final String REMAINING_TOKENS = "x-ratelimit-remaining-tokens";
  public static final String RESET_TOKENS = "x-ratelimit-reset-tokens";

  /** For proxies of the nginx kind, which hold events back. */
  static final String ACCEL_BUFFERING = "X-Accel-Buffering";

  /** Those of answers that say something to the client, for CORS. */
  public static final List<String> EXPOSED =
      List.of(
          HttpHeaders.AGE,
          HttpHeaders.ALLOW,
          HttpHeaders.ETAG,
          HttpHeaders.LOCATION,
          HttpHeaders.RETRY_AFTER,
          RATE_LIMIT,
          RATE_LIMIT_POLICY,
          PREFERENCE_APPLIED,
          REPLAYED,
          CACHE,
          CHECKPOINT,
          SESSION,
          SINGLE_FLIGHT,
          PROCESSING_MILLIS,
          REQUEST_ID,
          SHOULD_RETRY,
          RETRY_AFTER_MILLIS,
          LIMIT_REQUESTS,
          REMAINING_REQUESTS,
          RESET_REQUESTS,
          LIMIT_TOKENS,
          REMAINING_TOKENS,
          RESET_TOKENS);

  private HeaderNames() {}
}
