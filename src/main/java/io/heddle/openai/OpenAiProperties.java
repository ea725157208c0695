package io.heddle.openai;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * The OpenAI wire.
 *
 * @param hostedTools What happens to tools of other types than {@code function}, {@code custom} and
 *     {@code namespace} in requests for responses: {@code refuse} answers 400, {@code drop} leaves
 *     them out.
 * @param socketMaxAge Age at which a WebSocket of {@code /responses} is closed, as soon as no
 *     response runs on it.
 * @param socketMemory Bytes of responses with {@code store: false} that a WebSocket remembers. 0:
 *     none.
 */
@ConfigurationProperties("heddle.openai")
public record OpenAiProperties(
    @DefaultValue("refuse") HostedTools hostedTools,
    @DefaultValue("60m") Duration socketMaxAge,
    @DefaultValue("4MB") DataSize socketMemory) {

  public OpenAiProperties {
    if (!socketMaxAge.isPositive()) {
      throw new IllegalArgumentException("heddle.openai.socket-max-age must be more than 0");
    }
    if (socketMemory.isNegative()) {
      throw new IllegalArgumentException("heddle.openai.socket-memory must be 0 or more");
    }
  }
}
