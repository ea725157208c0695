package io.heddle.session;

import io.heddle.json.InvalidJson;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.Map;

/** An object without its long members. */
final class ShortMembers {

  private ShortMembers() {}

  /**
   * @param longest bytes of a member's value
   * @return no members at all when it cannot be read as an object
   */
  static Json of(Json object, int longest) {
    JsonWriter out = new JsonWriter(1024).ascii("{");
    try {
      for (Map.Entry<String, JsonValue> member : JsonValue.of(object).members().entrySet()) {
        if (member.getValue().length() <= longest) {
          member.getValue().writeTo(out.next().string(member.getKey()).ascii(":"));
        }
      }
    } catch (InvalidJson _) {
      return Json.EMPTY_OBJECT;
    }
    return out.ascii("}").toJson();
  }
}
