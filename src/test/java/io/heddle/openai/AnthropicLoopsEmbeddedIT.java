package io.heddle.openai;

class AnthropicLoopsEmbeddedIT extends AnthropicLoopsContract {

  @Override
  Replica start(String... settings) {
    return Replica.embedded(settings);
  }
}
