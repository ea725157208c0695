package io.heddle.upstream;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A bit of a tool call, as the server has it; the index is -1 when it has none.
 *
 * @param custom whether it is of a custom tool, whose input, any text, stands for arguments
 */
record ToolCallDelta(
    int index,
    @Nullable String id,
    @Nullable String name,
    String arguments,
    Map<String, Object> unknown,
    boolean custom) {

  ToolCallDelta(int index, @Nullable String id, @Nullable String name, String arguments) {
    this(index, id, name, arguments, Map.of(), false);
  }
}
