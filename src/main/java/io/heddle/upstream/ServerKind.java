package io.heddle.upstream;

import java.util.function.BiFunction;

/** The kinds of model servers, each with its own form of a request and an answer. */
public enum ServerKind {

  /** Chat Completions: OpenAI's, and that of most others, with their {@link Dialect}s. */
  CHAT(ChatProtocol.PATH, ChatProtocol::new),

  /** Anthropic Messages: Anthropic's, and that of others beside their Chat Completions. */
  ANTHROPIC(AnthropicProtocol.PATH, AnthropicProtocol::new),

  /** Responses: OpenAI's, and what else speaks it, another Heddle for one. */
  RESPONSES(ResponsesProtocol.PATH, ResponsesProtocol::new);

  private final String path;

  /** Makes the protocol for one server. */
  private final BiFunction<String, UpstreamProperties.Server, Protocol> maker;

  ServerKind(String path, BiFunction<String, UpstreamProperties.Server, Protocol> maker) {
    this.path = path;
    this.maker = maker;
  }

  /** Behind the base URL, with a slash before it. */
  String path() {
    return path;
  }

  Protocol protocol(String upstream, UpstreamProperties.Server properties) {
    return maker.apply(upstream, properties);
  }
}
