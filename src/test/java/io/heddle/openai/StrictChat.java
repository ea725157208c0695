package io.heddle.openai;

import io.heddle.testing.ModelScript;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What servers of Chat Completions that are scripted have in common. */
final class StrictChat {

  static final JsonMapper JSON = JsonMapper.shared();

  private StrictChat() {}

  /** The steps of the loop that the last message of a user began. */
  static List<JsonNode> steps(JsonNode body) {
    List<JsonNode> steps = new ArrayList<>();
    for (JsonNode message : body.path("messages")) {
      if (isFrom(message, "user")) {
        steps.clear();
      } else if (message.path("tool_calls").size() > 0) {
        steps.add(message);
      }
    }
    return steps;
  }

  static boolean isFrom(JsonNode message, String role) {
    return message.path("role").asString("").equals(role);
  }

  /** The first name that is not known, or null. */
  static @Nullable String unknown(JsonNode object, Collection<String> known) {
    TreeSet<String> names = new TreeSet<>(((ObjectNode) object).propertyNames());
    names.removeAll(known);
    return names.isEmpty() ? null : names.getFirst();
  }

  static boolean isObject(String json) {
    try {
      return JSON.readTree(json).isObject();
    } catch (JacksonException e) {
      return false;
    }
  }

  static int calls(int step) {
    return step == 0 ? 2 : 1;
  }

  static ModelScript refused(int status, String error) {
    return ModelScript.status(status).bytes(error);
  }
}
