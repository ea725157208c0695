package io.heddle.testing;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a {@link ScriptedModel} does with one request, step by step. Every method gives a new script
 * with one more step.
 *
 * <pre>{@code
 * ModelScript.say("Hello", " world")                 // a whole good answer
 * ModelScript.stream().text("Hel").cut()             // breaks off
 * ModelScript.stream().text("Hel").stall()           // says nothing more
 * ModelScript.status(429).header("Retry-After", "1") // refuses
 * }</pre>
 */
public final class ModelScript {

  /** One step. */
  sealed interface Step {
    record Bytes(byte[] bytes) implements Step {}

    record Pause(Duration time) implements Step {}

    record Again(byte[] bytes, Duration pace) implements Step {}

    enum End implements Step {
      /** The connection stays open and nothing comes. */
      STALL,
      /** The connection is closed in the middle of the answer. */
      CUT
    }
  }

  private static final String CHUNK =
      "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,"
          + "\"model\":\"scripted\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]}";

  private final int status;
  private final Map<String, String> headers;
  private final Duration before;
  private final List<Step> steps;

  private ModelScript(int status, Map<String, String> headers, Duration before, List<Step> steps) {
    this.status = status;
    this.headers = Collections.unmodifiableMap(headers);
    this.before = before;
    this.steps = List.copyOf(steps);
  }

  int status() {
    return status;
  }

  Map<String, String> headers() {
    return headers;
  }

  Duration before() {
    return before;
  }

  List<Step> steps() {
    return steps;
  }

  // ---- beginnings

  /** An event stream, of which nothing is said yet. */
  public static ModelScript stream() {
    return new ModelScript(
        200, Map.of("Content-Type", "text/event-stream"), Duration.ZERO, List.of());
  }

  /** A whole good answer: these texts, usage of 10 and as many tokens, and the end. */
  public static ModelScript say(String... texts) {
    ModelScript script = stream();
    for (String text : texts) {
      script = script.text(text);
    }
    return script.finish("stop").usage(10, texts.length).done();
  }

  /** An answer of this status, without a body yet. */
  public static ModelScript status(int status) {
    return new ModelScript(
        status, Map.of("Content-Type", "application/json"), Duration.ZERO, List.of());
  }

  /** An error as OpenAI words it. */
  public static ModelScript error(int status, String message) {
    return status(status)
        .bytes(
            "{\"error\":{\"message\":%s,\"type\":\"t\",\"param\":null,\"code\":null}}"
                .formatted(quoted(message)));
  }

  /** One JSON completion, of a server that does not stream. */
  public static ModelScript plain(String text) {
    return status(200)
        .bytes(
            ("{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,"
                 + "\"model\":\"scripted\",\"choices\":[{\"index\":0,\"message\":"
                 + "{\"role\":\"assistant\",\"content\":%s},\"finish_reason\":\"stop\"}],"
                 + "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2,\"total_tokens\":12}}")
                .formatted(quoted(text)));
  }

  // ---- what is told beside the body

  public ModelScript header(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(headers);
    more.put(name, value);
    return new ModelScript(status, more, before, steps);
  }

  /** Nothing comes before this time, no headers either. */
  public ModelScript headersAfter(Duration time) {
    return new ModelScript(status, headers, time, steps);
  }

  // ---- the body

  /** These bytes, in one write. */
  public ModelScript bytes(byte[] bytes) {
    return with(new Step.Bytes(bytes));
  }

  public ModelScript bytes(String text) {
    return bytes(text.getBytes(StandardCharsets.UTF_8));
  }

  /** One event with this data. */
  public ModelScript event(String data) {
    return bytes("data: " + data + "\n\n");
  }

  /** A chunk whose delta is this JSON. */
  public ModelScript delta(String json) {
    return event(CHUNK.formatted(json, "null"));
  }

  public ModelScript text(String text) {
    return delta("{\"content\":" + quoted(text) + "}");
  }

  public ModelScript finish(String reason) {
    return event(CHUNK.formatted("{}", quoted(reason)));
  }

  public ModelScript usage(long input, long output) {
    return event(
        "{\"model\":\"scripted\",\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d}}"
            .formatted(input, output));
  }

  public ModelScript done() {
    return event("[DONE]");
  }

  public ModelScript pause(Duration time) {
    return with(new Step.Pause(time));
  }

  // ---- ends; without one the answer ends in order

  /** Says nothing more and keeps the connection. */
  public ModelScript stall() {
    return with(Step.End.STALL);
  }

  /** Closes the connection in the middle of the answer. */
  public ModelScript cut() {
    return with(Step.End.CUT);
  }

  /** Goes on saying this for ever. */
  public ModelScript forever(String text, Duration pace) {
    byte[] bytes =
        ("data: " + CHUNK.formatted("{\"content\":" + quoted(text) + "}", "null") + "\n\n")
            .getBytes(StandardCharsets.UTF_8);
    return with(new Step.Again(bytes, pace));
  }

  /** Text as a JSON string. */
  public static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> out.append(c < 0x20 ? "\\u%04x".formatted((int) c) : String.valueOf(c));
      }
    }
    return out.append('"').toString();
  }

  private ModelScript with(Step step) {
    List<Step> more = new ArrayList<>(steps);
    more.add(step);
    return new ModelScript(status, headers, before, more);
  }
}
