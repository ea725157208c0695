package io.heddle.openai;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The OpenAI wire.
 *
 * @param hostedTools what becomes of tools of other types than {@code function} and {@code
 *     namespace}
 */
@ConfigurationProperties("heddle.openai")
public record OpenAiProperties(@DefaultValue("refuse") HostedTools hostedTools) {}
