package io.heddle.upstream;

import io.heddle.turn.Usage;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * One object of a server: a chunk of a stream, a whole completion, or an error. Unknown members are
 * skipped. Text must be text; everything else is taken in any form that has one meaning.
 */
final class ChatChunk {

  /** Members of a message that say nothing a server would want back. */
  private static final Set<String> KNOWN =
      Set.of(
          "role", "name", "index", "id", "object", "type", "annotations", "audio", "tool_call_id",
          "prefix", "padding", "created", "model");

  /** Members of parts that are text. */
  private static final Set<String> WORDS =
      Set.of("text", "thinking", "reasoning", "content", "summary", "value");

  private static final JsonFactory FACTORY = JsonFactory.builder().build();

  /** A bit of a tool call, as the server has it; the index is -1 when it has none. */
  record CallBit(
      int index,
      @Nullable String id,
      @Nullable String name,
      String arguments,
      Map<String, Object> unknown) {

    CallBit(int index, @Nullable String id, @Nullable String name, String arguments) {
      this(index, id, name, arguments, Map.of());
    }
  }

  /** What a delta, or a message, says. */
  static final class Said {
    private String text = "";
    private String reasoning = "";
    private Thoughts thoughts = Thoughts.NONE;
    private String refusal = "";
    private List<CallBit> calls = List.of();
    private @Nullable CallBit function;
    private Map<String, Object> unknown = Map.of();
    private @Nullable String thoughtsMember;

    /** What nobody here understands. */
    Map<String, Object> unknown() {
      return unknown;
    }

    /** The member whose text the thoughts are, or would be if there were any; or null. */
    @Nullable String thoughtsMember() {
      return thoughtsMember;
    }

    private void keep(String name, @Nullable Object value) {
      if (value != null) {
        unknown = unknown.isEmpty() ? new LinkedHashMap<>() : unknown;
        unknown.put(name, value);
      }
    }

    String text() {
      return text;
    }

    String reasoning() {
      return reasoning;
    }

    String refusal() {
      return refusal;
    }

    /** Its tool calls; the one of the older {@code function_call} only when it has no others. */
    List<CallBit> calls() {
      return calls.isEmpty() && function != null ? List.of(function) : calls;
    }

    boolean isEmpty() {
      return text.isEmpty() && reasoning.isEmpty() && refusal.isEmpty() && calls().isEmpty();
    }

    /** Servers say the same thoughts under several names: the first name that has any is taken. */
    private void think(Thoughts as, @Nullable String member, String more) {
      if (thoughtsMember == null || !more.isEmpty() && as.compareTo(thoughts) <= 0) {
        thoughtsMember = member;
      }
      if (more.isEmpty() || as.compareTo(thoughts) > 0) {
        return;
      }
      reasoning = as == thoughts ? reasoning + more : more;
      thoughts = as;
    }

    private void call(CallBit bit) {
      if (calls.isEmpty()) {
        calls = new ArrayList<>(2);
      }
      calls.add(bit);
    }

    private void clear() {
      text = "";
      reasoning = "";
      thoughts = Thoughts.NONE;
      refusal = "";
      unknown = Map.of();
      thoughtsMember = null;
      calls = List.of();
      function = null;
    }
  }

  /** Where thoughts were found; the first of them is believed. */
  private enum Thoughts {
    CONTENT,
    PLAIN,
    TEXT,
    THINKING,
    PARTS,
    DETAILS,
    NONE
  }

  private final byte[] json;
  private final Said delta = new Said();
  private @Nullable Said message;
  private @Nullable String reason;
  private @Nullable String model;
  private @Nullable Usage usage;
  private @Nullable ServerError error;
  private boolean hasChoices;

  private ChatChunk(byte[] json) {
    this.json = json;
  }

  /**
   * @throws JacksonException for what is not JSON
   */
  static ChatChunk read(byte[] json, int length) {
    try (JsonParser in = parser(json, length)) {
      ChatChunk chunk = next(in, json);
      if (chunk == null) {
        throw new NotAChunk("there is nothing");
      }
      if (in.nextToken() != null) {
        throw new NotAChunk("there is more behind it");
      }
      return chunk;
    }
  }

  static JsonParser parser(byte[] json, int length) {
    return FACTORY.createParser(ObjectReadContext.empty(), json, 0, length);
  }

  /** The next object that a parser of these bytes finds; null at the end. */
  static @Nullable ChatChunk next(JsonParser in, byte[] json) {
    JsonToken first = in.nextToken();
    if (first == null) {
      return null;
    }
    if (first != JsonToken.START_OBJECT) {
      throw new NotAChunk("it is not an object");
    }
    ChatChunk chunk = new ChatChunk(json);
    chunk.members(in);
    return chunk;
  }

  /** JSON, and not what a server of this wire sends. */
  static final class NotAChunk extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NotAChunk(String message) {
      super(message, null, false, false);
    }
  }

  Said delta() {
    return delta;
  }

  /** Of a completion that is whole, or the answer so far that some servers send with each delta. */
  @Nullable Said message() {
    return message;
  }

  @Nullable String reason() {
    return reason;
  }

  @Nullable String model() {
    return model;
  }

  @Nullable Usage usage() {
    return usage;
  }

  @Nullable ServerError error() {
    return error;
  }

  /** Whether it has choices, be they none. */
  boolean hasChoices() {
    return hasChoices;
  }

  private void members(JsonParser in) {
    ServerError.Members flat = new ServerError.Members();
    boolean isError = false;
    boolean namesChoices = false;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "choices" -> {
          namesChoices = true;
          choices(in);
        }
        case "usage" -> usage(in);
        case "x_groq" -> usageInside(in);
        case "model" -> model = scalar(in);
        case "error" -> error(in);
        case "base_resp" -> {
          ServerError said = ServerError.read(in);
          error = said.code() == null && said.status() == 0 ? error : said;
        }
        case "object" -> isError = "error".equals(scalar(in));
        default -> flat.take(name, in);
      }
    }
    if (error == null && !namesChoices && (isError || flat.isError())) {
      error = flat.error();
    }
    if (error != null && hasChoices && error.isEmpty()) {
      // Some servers have the member in each chunk.
      error = null;
    }
  }

  private void error(JsonParser in) {
    if (in.currentToken() != JsonToken.VALUE_NULL && in.currentToken() != JsonToken.VALUE_FALSE) {
      error = ServerError.read(in);
    }
  }

  private void choices(JsonParser in) {
    if (in.currentToken() != JsonToken.START_ARRAY) {
      in.skipChildren();
      return;
    }
    hasChoices = true;
    boolean found = false;
    while (in.nextToken() != JsonToken.END_ARRAY) {
      if (!found && in.currentToken() == JsonToken.START_OBJECT) {
        found = choice(in);
      } else {
        in.skipChildren();
      }
    }
  }

  /** Only the answer 0 was asked for; another's bits must not get into it. */
  private boolean choice(JsonParser in) {
    boolean ours = true;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "index" -> ours = number(in) == 0;
        case "delta" -> said(in, delta);
        case "message" -> {
          if (in.currentToken() == JsonToken.START_OBJECT) {
            message = new Said();
            said(in, message);
          } else {
            in.skipChildren();
          }
        }
        case "finish_reason" -> reason(in);
        case "usage" -> usage(in);
        case "error" -> error(in);
        default -> in.skipChildren();
      }
    }
    if (!ours) {
      delta.clear();
      message = null;
      reason = null;
    }
    return ours;
  }

  /** Some servers say "null" until they have one. */
  private void reason(JsonParser in) {
    if (in.currentToken() == JsonToken.VALUE_FALSE) {
      return;
    }
    String said = in.currentToken().isStructStart() ? "other" : scalar(in);
    in.skipChildren();
    if (said != null && !said.isBlank() && !said.equalsIgnoreCase("null")) {
      reason = said.strip();
    }
  }

  private void said(JsonParser in, Said said) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return;
    }
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "content" -> content(in, said);
        case "reasoning_content" -> think(in, said, Thoughts.CONTENT, name);
        case "reasoning" -> think(in, said, Thoughts.PLAIN, name);
        case "reasoning_text" -> think(in, said, Thoughts.TEXT, name);
        case "thinking" -> think(in, said, Thoughts.THINKING, name);
        case "reasoning_details" -> think(in, said, Thoughts.DETAILS, name);
        case "refusal" -> said.refusal += words(in);
        case "tool_calls" -> toolCalls(in, said);
        case "function_call" -> {
          if (in.currentToken() == JsonToken.START_OBJECT) {
            said.function = functionCall(in);
          } else {
            in.skipChildren();
          }
        }
        default -> {
          if (KNOWN.contains(name)) {
            in.skipChildren();
          } else {
            said.keep(name, UnknownMembers.read(in));
          }
        }
      }
    }
  }

  /** What is no text is wanted back as it is. */
  private static void think(JsonParser in, Said said, Thoughts as, String name) {
    if (!in.currentToken().isStructStart()) {
      boolean isText = in.currentToken() == JsonToken.VALUE_STRING;
      said.think(as, isText ? name : null, words(in));
      return;
    }
    Object value = UnknownMembers.read(in);
    if (value != null) {
      said.think(as, null, words(value));
      said.keep(name, value);
    }
  }

  /** All that is text in it. */
  private static String words(Object value) {
    StringBuilder all = new StringBuilder();
    switch (value) {
      case Map<?, ?> members ->
          members.forEach((name, member) -> {
            if (WORDS.contains(String.valueOf(name))) {
              all.append(words(member));
            }
          });
      case List<?> elements -> elements.forEach(element -> all.append(words(element)));
      case StringBuilder text -> all.append(text);
      default -> {}
    }
    return all.toString();
  }

  /** Text, or a part, or parts and texts. */
  private void content(JsonParser in, Said said) {
    switch (in.currentToken()) {
      case START_ARRAY -> {
        while (in.nextToken() != JsonToken.END_ARRAY) {
          if (in.currentToken() == JsonToken.START_OBJECT) {
            part(in, said);
          } else if (in.currentToken() == JsonToken.VALUE_STRING) {
            said.text += in.getString();
          } else {
            in.skipChildren();
          }
        }
      }
      case START_OBJECT -> part(in, said);
      default -> {
        String text = string(in);
        if (text != null) {
          said.text = said.text.isEmpty() ? text : said.text + text;
        }
      }
    }
  }

  private void part(JsonParser in, Said said) {
    String type = "";
    String text = "";
    String thought = "";
    String refusal = "";
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      switch (name) {
        case "type" -> {
          String word = scalar(in);
          type = word == null ? "" : word;
        }
        case "text" -> text = words(in);
        case "thinking", "reasoning", "summary" -> thought = words(in);
        case "refusal" -> refusal = words(in);
        default -> in.skipChildren();
      }
    }
    if (type.contains("thinking") || type.contains("reasoning")) {
      said.think(Thoughts.PARTS, null, thought.isEmpty() ? text : thought);
    } else if (type.equals("refusal")) {
      said.refusal += refusal.isEmpty() ? text : refusal;
    } else {
      said.text += text;
      said.think(Thoughts.PARTS, null, thought);
    }
  }

  /** All that is text in a value that should be a string, and with some servers is not. */
  private static String words(JsonParser in) {
    return switch (in.currentToken()) {
      case START_ARRAY -> {
        StringBuilder all = new StringBuilder();
        while (in.nextToken() != JsonToken.END_ARRAY) {
          all.append(words(in));
        }
        yield all.toString();
      }
      case START_OBJECT -> {
        StringBuilder all = new StringBuilder();
        while (in.nextToken() != JsonToken.END_OBJECT) {
          String name = in.currentName();
          in.nextToken();
          if (WORDS.contains(name)) {
            all.append(words(in));
          } else {
            in.skipChildren();
          }
        }
        yield all.toString();
      }
      case VALUE_STRING -> in.getString();
      default -> "";
    };
  }

  private void toolCalls(JsonParser in, Said said) {
    if (in.currentToken() == JsonToken.START_OBJECT) {
      said.call(toolCall(in));
      return;
    }
    if (in.currentToken() != JsonToken.START_ARRAY) {
      in.skipChildren();
      return;
    }
    while (in.nextToken() != JsonToken.END_ARRAY) {
      if (in.currentToken() == JsonToken.START_OBJECT) {
        said.call(toolCall(in));
      } else {
        in.skipChildren();
      }
    }
  }

  private CallBit toolCall(JsonParser in) {
    int index = -1;
    String id = null;
    CallBit function = new CallBit(-1, null, null, "");
    Map<String, Object> unknown = Map.of();
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      if (name.equals("index")) {
        index = index(in);
      } else if (name.equals("id")) {
        id = scalar(in);
      } else if (name.equals("function") && in.currentToken() == JsonToken.START_OBJECT) {
        function = functionCall(in);
      } else if (name.equals("type")) {
        in.skipChildren();
      } else {
        unknown = with(unknown, name, UnknownMembers.read(in));
      }
    }
    if (!function.unknown().isEmpty()) {
      unknown = with(unknown, "function", function.unknown());
    }
    return new CallBit(index, blankToNull(id), function.name(), function.arguments(), unknown);
  }

  private static Map<String, Object> with(
      Map<String, Object> members, String name, @Nullable Object value) {
    if (value == null) {
      return members;
    }
    Map<String, Object> all = members.isEmpty() ? new LinkedHashMap<>() : members;
    all.put(name, value);
    return all;
  }

  private CallBit functionCall(JsonParser in) {
    String called = null;
    String arguments = "";
    Map<String, Object> unknown = Map.of();
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String member = in.currentName();
      in.nextToken();
      if (member.equals("name")) {
        called = scalar(in);
      } else if (member.equals("arguments")) {
        arguments = arguments(in);
      } else {
        unknown = with(unknown, member, UnknownMembers.read(in));
      }
    }
    return new CallBit(-1, null, blankToNull(called), arguments, unknown);
  }

  private static @Nullable String blankToNull(@Nullable String text) {
    return text == null || text.isBlank() ? null : text;
  }

  /** A string that holds JSON; some servers send the JSON itself. */
  private String arguments(JsonParser in) {
    if (!in.currentToken().isStructStart()) {
      String text = string(in);
      return text == null ? "" : text;
    }
    int from = (int) in.currentTokenLocation().getByteOffset();
    if (from >= 0) {
      in.skipChildren();
      in.finishToken();
      int to = (int) in.currentLocation().getByteOffset();
      return new String(json, from, to - from, StandardCharsets.UTF_8);
    }
    StringWriter copy = new StringWriter();
    try (JsonGenerator out = FACTORY.createGenerator(ObjectWriteContext.empty(), copy)) {
      out.copyCurrentStructure(in);
    }
    return copy.toString();
  }

  private void usageInside(JsonParser in) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return;
    }
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      if (name.equals("usage")) {
        usage(in);
      } else {
        in.skipChildren();
      }
    }
  }

  private void usage(JsonParser in) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return;
    }
    boolean known = false;
    long input = 0;
    long output = 0;
    long total = 0;
    long cached = 0;
    long reasoned = 0;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      boolean counts = true;
      switch (name) {
        case "prompt_tokens", "input_tokens" -> input = Math.max(input, number(in));
        case "completion_tokens", "output_tokens" -> output = Math.max(output, number(in));
        case "total_tokens" -> total = number(in);
        case "cached_tokens", "prompt_cache_hit_tokens" -> cached = Math.max(cached, number(in));
        case "reasoning_tokens" -> reasoned = Math.max(reasoned, number(in));
        case "prompt_tokens_details", "input_tokens_details" ->
            cached = Math.max(cached, detail(in, "cached_tokens"));
        case "completion_tokens_details", "output_tokens_details" ->
            reasoned = Math.max(reasoned, detail(in, "reasoning_tokens"));
        default -> {
          in.skipChildren();
          counts = false;
        }
      }
      known |= counts;
    }
    if (output == 0 && total > input) {
      output = total - input;
    }
    // One without any number may follow the one that counts.
    if (known && (usage == null || input + output > 0)) {
      usage = new Usage(input, output, cached, reasoned);
    }
  }

  private static long detail(JsonParser in, String wanted) {
    if (in.currentToken() != JsonToken.START_OBJECT) {
      in.skipChildren();
      return 0;
    }
    long value = 0;
    while (in.nextToken() != JsonToken.END_OBJECT) {
      String name = in.currentName();
      in.nextToken();
      if (name.equals(wanted)) {
        value = number(in);
      } else {
        in.skipChildren();
      }
    }
    return value;
  }

  /** A number that is no count is no index either. */
  private static int index(JsonParser in) {
    boolean negative =
        in.currentToken() == JsonToken.VALUE_NUMBER_INT && in.getString().startsWith("-");
    boolean counts =
        switch (in.currentToken()) {
          case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> !negative;
          case VALUE_STRING -> isCount(in.getString());
          default -> false;
        };
    long value = number(in);
    return counts ? (int) Math.min(value, Integer.MAX_VALUE) : -1;
  }

  private static boolean isCount(String text) {
    return !text.isEmpty()
        && text.length() <= 15
        && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  /** A count: what is not one, or cannot be, is 0. */
  private static long number(JsonParser in) {
    switch (in.currentToken()) {
      case VALUE_NUMBER_INT -> {
        return in.getStringLength() <= 15 ? Math.max(0, in.getLongValue()) : 0;
      }
      case VALUE_NUMBER_FLOAT -> {
        double value = in.getStringLength() <= 32 ? in.getDoubleValue() : 0;
        return value >= 0 && value < 1e15 && value == Math.rint(value) ? (long) value : 0;
      }
      case VALUE_STRING -> {
        String text = in.getString();
        return isCount(text) ? Long.parseLong(text) : 0;
      }
      default -> {
        in.skipChildren();
        return 0;
      }
    }
  }

  private static @Nullable String string(JsonParser in) {
    return switch (in.currentToken()) {
      case VALUE_STRING -> in.getString();
      case VALUE_NULL -> null;
      default -> {
        String name = in.currentName();
        throw new NotAChunk(name + " is not a string");
      }
    };
  }

  /** A word or a number as text; null for everything else. */
  private static @Nullable String scalar(JsonParser in) {
    if (in.currentToken() == JsonToken.VALUE_NULL || !in.currentToken().isScalarValue()) {
      in.skipChildren();
      return null;
    }
    return in.getString();
  }
}
