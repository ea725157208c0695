package io.heddle.openai;

import io.heddle.base.Bounds;
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
    Bounds.of("heddle.openai")
        .positive("socket-max-age", socketMaxAge)
        .atLeast("socket-memory", socketMemory, "0B");
  }
}
