package io.heddle.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

class JsonParsersTest {

  /** What one document's names do to a factory's table, others' documents feel. */
  @Test
  void namesOfOneDocumentAreInNoTableOfAnother() {
    TableOf factory = new TableOf();
    int before = factory.shared();
    StringBuilder document = new StringBuilder("{");
    for (int i = 0; i < 5_000; i++) {
      document.append(i == 0 ? "" : ",").append("\"name-").append(i).append("\":1");
    }
    byte[] text = document.append('}').toString().getBytes(StandardCharsets.UTF_8);

    assertThat(names(JsonParsers.factory(64), text)).contains("name-0", "name-4999");
    // The same through a factory as it is made otherwise: this is how the table fills up.
    factory.readThrough(text);
    assertThat(factory.shared()).isGreaterThan(before + 4_000);
    for (JsonFactory own : List.of(JsonParsers.factory(), JsonParsers.factory(64))) {
      read(own, text);
      assertThat(TableOf.shared(own)).isZero();
    }
  }

  /** Usual names are found in a table: what only looks like one of them is another name. */
  @Test
  void namesAreReadAsJacksonReadsThem() {
    List<String> usual =
        List.of("id", "role", "content", "messages", "completion_tokens_details", "max_tokens");
    List<String> written = new ArrayList<>(List.of("", "\\u0000", "\\ud83e\\uddf5", "🧵", "ÿÿid"));
    for (String name : usual) {
      written.add(name);
      for (int end = 0; end < name.length(); end++) {
        written.add(name.substring(0, end));
        written.add(name.substring(end));
        written.add(name.substring(0, end) + "é" + name.substring(end + 1));
        written.add(name.substring(0, end) + "\\u00" + Integer.toHexString(name.charAt(end)));
      }
      for (String around : List.of("\\u0000", "\\u00ff", "ÿ", " ", "_", "s", "\\u0000\\u0000")) {
        written.add(around + name);
        written.add(name + around);
      }
    }
    String document =
        written.stream().collect(Collectors.joining("\":0,\"", "{\"", "\":{\"id\":[1]}}"));
    byte[] text = document.getBytes(StandardCharsets.UTF_8);

    List<String> expected = names(JsonFactory.builder().build(), text);
    assertThat(expected).hasSize(written.size() + 1);
    for (int turn = 0; turn < 2; turn++) {
      assertThat(names(JsonParsers.factory(), text)).isEqualTo(expected);
    }
  }

  private static List<String> names(JsonFactory factory, byte[] text) {
    List<String> names = new ArrayList<>();
    try (JsonParser in = factory.createParser(ObjectReadContext.empty(), text)) {
      for (JsonToken next = in.nextToken(); next != null; next = in.nextToken()) {
        if (next == JsonToken.PROPERTY_NAME) {
          names.add(in.currentName());
        }
      }
    }
    return names;
  }

  @Test
  void aMarkAtTheBeginningIsPassedOver() {
    byte[] text = "\ufeff{\"a\":1}".getBytes(StandardCharsets.UTF_8);
    assertThat(read(JsonParsers.factory(), text)).isEqualTo(4);
    assertThat(read(JsonParsers.factory(), "{\"a\":1}".getBytes(StandardCharsets.UTF_8)))
        .isEqualTo(4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE", "UTF-32BE"})
  void otherEncodingsAreNotRead(String charset) {
    byte[] text = "{\"a\":1}".getBytes(Charset.forName(charset));
    assertThatThrownBy(() -> read(JsonParsers.factory(), text))
        .isInstanceOf(JacksonException.class);
  }

  private static int read(JsonFactory factory, byte[] text) {
    int tokens = 0;
    try (JsonParser in = factory.createParser(ObjectReadContext.empty(), text)) {
      while (in.nextToken() != null) {
        tokens++;
      }
    }
    return tokens;
  }

  /** Looks at the table that a factory's parsers share. */
  private static final class TableOf extends JsonFactory {
    private static final long serialVersionUID = 1L;

    int shared() {
      return _byteSymbolCanonicalizer.size();
    }

    void readThrough(byte[] text) {
      read(this, text);
    }

    static int shared(JsonFactory factory) {
      try {
        var field = JsonFactory.class.getDeclaredField("_byteSymbolCanonicalizer");
        field.setAccessible(true);
        return ((tools.jackson.core.sym.ByteQuadsCanonicalizer) field.get(factory)).size();
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
