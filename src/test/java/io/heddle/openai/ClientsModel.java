package io.heddle.openai;

import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The model server behind the stock clients. What the user says last tells it what to do, and what
 * it answers shows what it was told, so that a client sees whether everything has reached it:
 *
 * <pre>
 * What did I say?          all that the user said before, and the instructions
 * Plan a trip              weather(Lyon) and weather(Oslo) at once, then book(Lyon), then what came of it
 * Plan a trip aloud        the same, but thinks first, and says something beside the first calls
 * Ask the expert           the tool whose name begins with transfer_to, then as that one
 * Where is it warm?        {"city":"Lyon","degrees":21}, in the format that it was given
 * What do you see?         the images of the message
 * Look around              the tool look, then the images that it gave
 * Think first              a thought and an answer
 * Count                    one word at a time
 * Take your time           many words, slowly
 * Go on                    for longer than anybody waits
 * Break off                half an answer, and the connection is closed
 * Fail with …              a refusal with that status
 * </pre>
 *
 * As OpenAI does it refuses calls without answers, answers without calls, calls of tools that it
 * was not given, and messages without content.
 */
final class ClientsModel {

  /** One client takes only names that begin as OpenAI's do. */
  static final String NAMES = "stock,gpt-stock";

  private static final JsonMapper JSON = JsonMapper.shared();

  /** How Heddle tells images of tools to servers that take none from them. */
  private static final String OF_A_TOOL = "Output of the tool call";

  private static final Duration PACE = Duration.ofMillis(25);

  private final JsonNode request;
  private final List<JsonNode> messages = new ArrayList<>();
  private final Set<String> tools = new HashSet<>();

  private ClientsModel(JsonNode request) {
    this.request = request;
    request.path("messages").forEach(messages::add);
    request.path("tools").forEach(tool -> tools.add(tool.at("/function/name").asString("")));
  }

  static ModelScript answer(ScriptedModel.Request request) {
    try {
      ClientsModel model = new ClientsModel(JSON.readTree(request.body()));
      model.check();
      return model.say();
    } catch (IllegalArgumentException e) {
      return ModelScript.error(400, e.getMessage());
    }
  }

  private ModelScript say() {
    String asked = text(messages.get(lastOfUser()));
    if (asked.startsWith("<conversation>")) {
      // Somebody has a thread summarised.
      return text("In short: ", asked.contains("I am Ada") ? "Ada weaves." : "nothing.");
    }
    if (asked.startsWith("What did I say?")) {
      return text("You said: " + String.join(" / ", said()) + ". " + instructions());
    }
    if (asked.startsWith("Plan a trip")) {
      return trip();
    }
    if (asked.startsWith("Ask the expert")) {
      return expert();
    }
    if (asked.startsWith("Where is it warm?")) {
      return warm();
    }
    if (asked.startsWith("What do you see?")) {
      return text("I see: " + images(messages.get(lastOfUser())));
    }
    if (asked.startsWith("Look around")) {
      return outputs().isEmpty()
          ? calls(begin(), call("look", "{}"))
          : text("The tool shows: " + images(messages.getLast()));
    }
    if (asked.startsWith("Think first")) {
      return end(
          ModelScript.stream()
              .delta("{\"role\":\"assistant\",\"reasoning_content\":\"Let me \"}")
              .delta("{\"reasoning_content\":\"think.\"}")
              .text("Thought ")
              .text("through."),
          "stop");
    }
    if (asked.startsWith("Count")) {
      return words(ModelScript.stream(), 10, Duration.ZERO);
    }
    if (asked.startsWith("Take your time")) {
      return words(ModelScript.stream(), 40, PACE);
    }
    if (asked.startsWith("Go on")) {
      return words(ModelScript.stream(), 1200, Duration.ofMillis(50));
    }
    if (asked.startsWith("Break off")) {
      return ModelScript.stream().text("Half ").text("an ").cut();
    }
    if (asked.startsWith("Fail with ")) {
      int status = Integer.parseInt(asked.substring(10, 13));
      return ModelScript.status(status)
          .bytes(
              ("{\"error\":{\"message\":\"The model says no with %d\",\"type\":"
                      + "\"invalid_request_error\",\"param\":\"input\",\"code\":\"scripted\"}}")
                  .formatted(status));
    }
    return text("Noted: " + asked);
  }

  private ModelScript trip() {
    List<JsonNode> outputs = outputs();
    boolean oneByOne = !request.path("parallel_tool_calls").asBoolean(true);
    boolean aloud = text(messages.get(lastOfUser())).contains("aloud");
    check(outputs.size(), oneByOne, aloud);
    String lyon = call("weather", "{\"city\":\"Lyon\"}");
    String oslo = call("weather", "{\"city\":\"Oslo\"}");
    ModelScript begun = begin();
    if (aloud && outputs.isEmpty()) {
      begun = begun.delta("{\"reasoning_content\":\"Two cities.\"}").text("Let me ").text("see.");
    }
    return switch (outputs.size()) {
      case 0 -> oneByOne ? calls(begun, lyon) : calls(begun, lyon, oslo);
      case 1 -> calls(begin(), oslo);
      case 2 -> calls(begin(), call("book", "{\"city\":\"Lyon\"}"));
      default ->
          text(
              "Lyon: %s, Oslo: %s, booked: %s"
                  .formatted(text(outputs.get(0)), text(outputs.get(1)), text(outputs.get(2))));
    };
  }

  private ModelScript expert() {
    if (!outputs().isEmpty()) {
      return text("As an expert: " + instructions());
    }
    String transfer =
        tools.stream()
            .filter(name -> name.startsWith("transfer_to"))
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("There is no expert among " + tools));
    return calls(begin(), call(transfer, "{}"));
  }

  private ModelScript warm() {
    JsonNode format = request.path("response_format");
    JsonNode schema = format.at("/json_schema/schema/properties");
    boolean free = format.path("type").asString("").equals("json_object");
    if (free || schema.has("city") && schema.has("degrees")) {
      return text("{\"city\":\"Lyon\",", "\"degrees\":21}");
    }
    throw new IllegalArgumentException("Which format? " + request);
  }

  // ---- what it was told

  private int lastOfUser() {
    for (int i = messages.size() - 1; i >= 0; i--) {
      if (role(messages.get(i)).equals("user") && !text(messages.get(i)).startsWith(OF_A_TOOL)) {
        return i;
      }
    }
    throw new IllegalArgumentException("No user said anything: " + request);
  }

  private List<String> said() {
    return messages.subList(0, lastOfUser()).stream()
        .filter(message -> role(message).equals("user"))
        .map(ClientsModel::text)
        .toList();
  }

  private String instructions() {
    return String.join(
        " ",
        messages.stream()
            .filter(message -> role(message).equals("system") || role(message).equals("developer"))
            .map(ClientsModel::text)
            .toList());
  }

  /** What tools have answered since the user spoke. */
  private List<JsonNode> outputs() {
    return messages.subList(lastOfUser(), messages.size()).stream()
        .filter(message -> role(message).equals("tool"))
        .toList();
  }

  private static String images(JsonNode message) {
    List<String> images = new ArrayList<>();
    for (JsonNode part : message.path("content")) {
      if (part.path("type").asString("").equals("image_url")) {
        String url = part.at("/image_url/url").asString("");
        int data = url.indexOf(";base64,");
        images.add(data < 0 ? url : url.substring(5, data) + " of " + (url.length() - data - 8));
      }
    }
    return String.join(", ", images);
  }

  private static String role(JsonNode message) {
    return message.path("role").asString("");
  }

  private static String text(JsonNode message) {
    JsonNode content = message.path("content");
    if (content.isString()) {
      return content.asString();
    }
    StringBuilder text = new StringBuilder();
    content.forEach(part -> text.append(part.path("text").asString("")));
    return text.toString();
  }

  // ---- what it refuses

  private void check() {
    Set<String> open = new HashSet<>();
    for (JsonNode message : messages) {
      if (role(message).equals("tool")) {
        if (!open.remove(message.path("tool_call_id").asString(""))) {
          refuse("a tool's answer needs a call before it");
        }
        continue;
      }
      if (!open.isEmpty()) {
        refuse("calls must be followed by their answers: " + open);
      }
      for (JsonNode call : message.path("tool_calls")) {
        open.add(call.path("id").asString(""));
        JSON.readTree(call.at("/function/arguments").asString(""));
      }
      JsonNode content = message.path("content");
      if (open.isEmpty() && !content.isString() && content.isEmpty()) {
        refuse("a message needs content");
      }
    }
    if (!open.isEmpty()) {
      refuse("calls must be followed by their answers: " + open);
    }
  }

  /** What the model itself has said since the user spoke stands there once. */
  private void check(int outputs, boolean oneByOne, boolean aloud) {
    List<JsonNode> own =
        messages.subList(lastOfUser(), messages.size()).stream()
            .filter(message -> role(message).equals("assistant"))
            .toList();
    int calls = own.stream().mapToInt(message -> message.path("tool_calls").size()).sum();
    String words = String.join("", own.stream().map(ClientsModel::text).toList());
    int steps = outputs == 0 || oneByOne ? outputs : outputs - 1;
    if (calls != outputs || own.size() < steps) {
      refuse("my calls stand there once");
    }
    if (!words.equals(aloud && outputs > 0 ? "Let me see." : "")) {
      refuse("my words stand there once");
    }
  }

  private void refuse(String why) {
    throw new IllegalArgumentException(why + ", not " + messages);
  }

  // ---- what it says

  private String call(String tool, String arguments) {
    if (!tools.contains(tool)) {
      throw new IllegalArgumentException("There is no tool " + tool + " among " + tools);
    }
    ObjectNode call = JSON.createObjectNode().put("type", "function");
    call.putObject("function").put("name", tool).put("arguments", arguments);
    return call.toString();
  }

  private static ModelScript begin() {
    return ModelScript.stream().delta("{\"role\":\"assistant\",\"content\":null}");
  }

  /** Each with its name first and its arguments in two pieces, as OpenAI streams them. */
  private ModelScript calls(ModelScript begun, String... calls) {
    ModelScript script = begun;
    for (int i = 0; i < calls.length; i++) {
      ObjectNode call = (ObjectNode) JSON.readTree(calls[i]);
      ObjectNode function = (ObjectNode) call.path("function");
      String arguments = function.path("arguments").asString("");
      function.put("arguments", "");
      call.put("index", i).put("id", "call_%d_%d".formatted(messages.size(), i));
      script = script.delta("{\"tool_calls\":[" + call + "]}");
      for (String piece : List.of(arguments.substring(0, 1), arguments.substring(1))) {
        ObjectNode more = JSON.createObjectNode().put("index", i);
        more.putObject("function").put("arguments", piece);
        script = script.delta("{\"tool_calls\":[" + more + "]}");
      }
    }
    return end(script, "tool_calls");
  }

  private static ModelScript text(String... pieces) {
    ModelScript script = ModelScript.stream().delta("{\"role\":\"assistant\",\"content\":\"\"}");
    for (String piece : pieces) {
      script = script.text(piece);
    }
    return end(script, "stop");
  }

  private static ModelScript words(ModelScript script, int count, Duration pace) {
    for (int i = 1; i <= count; i++) {
      script = script.text(i == 1 ? "1" : " " + i);
      if (!pace.isZero()) {
        script = script.pause(pace);
      }
    }
    return end(script, "stop");
  }

  private static ModelScript end(ModelScript script, String reason) {
    return script.finish(reason).usage(10, 5).done();
  }
}
