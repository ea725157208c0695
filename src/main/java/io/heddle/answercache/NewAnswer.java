package io.heddle.answercache;

import java.time.Duration;

/**
 * An answer that is to be kept.
 *
 * @param body not to be changed
 * @param life how old it may become
 */
public record NewAnswer(String contentType, byte[] body, Duration life) {}
