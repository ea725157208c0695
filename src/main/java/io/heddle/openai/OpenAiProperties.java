package io.heddle.openai;

import io.heddle.base.Bounds;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * The OpenAI wire.
 *
 * @param hostedTools what becomes of tools of other types than {@code function} and {@code
 *     namespace}
 * @param socketMaxAge after which a WebSocket is closed as soon as nothing runs on it
 * @param socketMemory the most bytes of responses that are not stored which a WebSocket remembers;
 *     0 for none
 */
@ConfigurationProperties("heddle.openai")
public record OpenAiProperties(
    @DefaultValue("refuse") HostedTools hostedTools,
    @DefaultValue("60m") Duration socketMaxAge,
    @DefaultValue("4MB") DataSize socketMemory) {

  public OpenAiProperties {
    Bounds.of("heddle.openai")
        .positive("socket-max-age", socketMaxAge)
        .atLeast("socket-memory", socketMemory, "0B");
  }
}
