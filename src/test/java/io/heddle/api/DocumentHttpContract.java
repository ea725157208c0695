package io.heddle.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.api.Http.Reply;
import org.junit.jupiter.api.Test;

/** The description of the API. */
interface DocumentHttpContract extends HttpCalls {

  @Test
  default void theDocumentIsServed() {
    Reply document = http().get("/v1/openapi.json").is(200);
    assertThat(document.header("Content-Type")).isEqualTo("application/json");
    assertThat(document.text("openapi")).startsWith("3.1");
  }
}
