package io.heddle.session;

import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.JsonWriter;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** An object without its long members. */
final class ShortMembers {

  private static final JsonFactory FACTORY = JsonParsers.factory();

  private ShortMembers() {}

  /**
   * @param longest bytes of a member's value
   * @return no members at all when it cannot be read as an object
   */
  static Json of(Json object, int longest) {
    byte[] utf8 = object.utf8();
    JsonWriter out = new JsonWriter(1024).ascii("{");
    String comma = "";
    try (JsonParser in = FACTORY.createParser(ObjectReadContext.empty(), utf8)) {
      if (in.nextToken() != JsonToken.START_OBJECT) {
        return Json.EMPTY_OBJECT;
      }
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        in.nextToken();
        int from = (int) in.currentTokenLocation().getByteOffset();
        in.skipChildren();
        // A scalar has been read to its end only when that is asked for.
        in.finishToken();
        int to = (int) in.currentLocation().getByteOffset();
        if (to - from <= longest) {
          out.ascii(comma).string(name).ascii(":").raw(utf8, from, to);
          comma = ",";
        }
      }
    } catch (JacksonException _) {
      return Json.EMPTY_OBJECT;
    }
    return out.ascii("}").toJson();
  }
}
