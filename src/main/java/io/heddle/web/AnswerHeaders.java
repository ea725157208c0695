package io.heddle.web;

import java.util.List;

/**
 * The headers of answers that say something to the client. Pages of other origins see only those
 * that they are told of, so a new one has its place here.
 */
public final class AnswerHeaders {

  public static final List<String> ALL =
      List.of(
          "Age",
          "Allow",
          "ETag",
          "Location",
          "Retry-After",
          "RateLimit",
          "RateLimit-Policy",
          "Preference-Applied",
          "Idempotency-Replayed",
          "Heddle-Cache",
          "Heddle-Checkpoint",
          "Heddle-Session",
          "Heddle-Single-Flight",
          "openai-processing-ms",
          "x-request-id",
          "x-should-retry",
          "retry-after-ms",
          "x-ratelimit-limit-requests",
          "x-ratelimit-remaining-requests",
          "x-ratelimit-reset-requests",
          "x-ratelimit-limit-tokens",
          "x-ratelimit-remaining-tokens",
          "x-ratelimit-reset-tokens");

  private AnswerHeaders() {}
}
