package io.heddle.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a model server sends for one answer, and what Heddle must make of it: a file of {@code
 * src/test/resources/streams}, {@code <name>.sse} or {@code <name>.json}, and beside it {@code
 * <name>.expected.json}. Another oddity of a server is another pair of files.
 *
 * <ul>
 *   <li>{@code text}, {@code reasoning}, {@code refusal}: nothing when they are not there
 *   <li>{@code calls}: objects with {@code id} ({@code *} for one that Heddle made), {@code name},
 *       {@code arguments}
 *   <li>{@code annotations}: of a client of Chat Completions
 *   <li>{@code finish}, {@code usage} (input, output, cached, reasoning; none when it is not
 *       there), {@code model} (any when it is not there)
 *   <li>{@code problem} in the place of {@code finish}: {@code code}, a part of {@code detail},
 *       {@code upstreamCode}, {@code upstreamParam} of a call with {@code temperature}
 *   <li>{@code kind}: of the server as in the settings, {@code chat} when it is not there
 *   <li>{@code served}: {@code status} and {@code contentType} when they are not the usual ones
 *   <li>{@code cut}: whether the connection breaks behind the last byte
 * </ul>
 */
public record RecordedStream(String name, byte[] body, String usualType, JsonNode expected) {

  private static final JsonMapper MAPPER = new JsonMapper();
  private static final String EXPECTED = ".expected.json";

  /** All that there are, by name. */
  public static List<RecordedStream> all() {
    List<RecordedStream> all = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder())) {
      files
          .filter(file -> !file.toString().endsWith(EXPECTED))
          .sorted()
          .forEach(file -> all.add(read(file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return all;
  }

  private static Path folder() {
    try {
      return Path.of(RecordedStream.class.getResource("/streams").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static RecordedStream read(Path file) {
    String all = file.getFileName().toString();
    String name = all.substring(0, all.lastIndexOf('.'));
    try {
      return new RecordedStream(
          name,
          Files.readAllBytes(file),
          all.endsWith(".sse") ? "text/event-stream" : "application/json",
          MAPPER.readTree(Files.readAllBytes(file.resolveSibling(name + EXPECTED))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Of the server, as the settings name it. */
  public String kind() {
    return expected.path("kind").asString("chat");
  }

  public int status() {
    return expected.at("/served/status").asInt(200);
  }

  public String contentType() {
    return expected.at("/served/contentType").asString(usualType);
  }

  /** Whether the connection breaks behind the last byte. */
  public boolean isCut() {
    return expected.path("cut").asBoolean(false);
  }

  public String text() {
    return expected.path("text").asString("");
  }

  public String reasoning() {
    return expected.path("reasoning").asString("");
  }

  public String refusal() {
    return expected.path("refusal").asString("");
  }

  /** A tool call; the id is {@code *} for one that Heddle made. */
  public record Call(String id, String name, String arguments) {}

  public List<Call> calls() {
    List<Call> calls = new ArrayList<>();
    for (JsonNode call : expected.path("calls")) {
      calls.add(
          new Call(
              call.path("id").asString(),
              call.path("name").asString(),
              call.path("arguments").asString()));
    }
    return calls;
  }

  /** The sources that a client of Chat Completions is told; mostly none. */
  public JsonNode annotations() {
    return expected.has("annotations") ? expected.get("annotations") : MAPPER.createArrayNode();
  }

  /** Null when it ends with a problem. */
  public @Nullable String finish() {
    return expected.path("finish").asString(null);
  }

  /** Whether it ends, and the model said all that it wanted to say. */
  public boolean isComplete() {
    String finish = finish();
    return finish != null && !finish.equals("length") && !finish.equals("content_filter");
  }

  /** Missing when it ends well. */
  public JsonNode problem() {
    return expected.path("problem");
  }

  /** Input, output, cached, reasoning; null when the server does not say. */
  public @Nullable List<Long> usage() {
    JsonNode usage = expected.path("usage");
    if (!usage.isArray()) {
      return null;
    }
    List<Long> numbers = new ArrayList<>();
    usage.forEach(number -> numbers.add(number.asLong()));
    return numbers;
  }

  @Override
  public String toString() {
    return name;
  }
}
