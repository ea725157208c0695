package io.heddle.upstream;

import io.heddle.base.Problem;
import io.heddle.json.JsonValue;
import io.heddle.turn.ModelCall;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which parameter a server refused, in the words of the caller. Servers call some parameters by
 * other names than the call does, and find fault with what Heddle added: that a caller is not told.
 */
final class RefusedParameter {

  /** The member of a problem that names it. */
  static final String MEMBER = "upstreamParam";

  /** Names of one thing: the most tokens of the answer. */
  private static final List<String> BOUNDS =
      List.of("max_completion_tokens", "max_tokens", "max_output_tokens");

  /** What Responses has inside something else. */
  private static final Map<String, String> INSIDE =
      Map.of(
          "text.format", "response_format",
          "text.verbosity", "verbosity",
          "reasoning.effort", "reasoning_effort");

  private static final String MISSING = "missing_required_parameter";

  private final ModelCall call;
  private final Map<String, JsonValue> parameters;

  private RefusedParameter(ModelCall call) {
    this.call = call;
    parameters = JsonValue.of(call.parameters()).members();
  }

  /** The problem with the parameter as the call has it, or without. */
  static Problem named(Problem problem, ModelCall call) {
    if (!(problem.members().get(MEMBER) instanceof String said)) {
      return problem;
    }
    boolean missing = MISSING.equals(problem.members().get("upstreamCode"));
    String name = new RefusedParameter(call).name(said, missing);
    return name == null ? problem.without(MEMBER) : problem.with(MEMBER, name);
  }

  private @Nullable String name(String said, boolean missing) {
    String[] steps = said.split("[.\\[\\]]+");
    String root = steps.length == 0 ? "" : steps[0];
    if (root.equals("messages") || root.equals("input")) {
      // Which of them the caller does not know: the thread is arranged for the model.
      return "messages";
    }
    if (root.equals("model")) {
      return call.model() == null ? null : root;
    }
    if (parameters.containsKey(root)) {
      return path(parameters, steps, missing);
    }
    if (BOUNDS.contains(root)) {
      return BOUNDS.stream().filter(parameters::containsKey).findFirst().orElse(null);
    }
    String inside = steps.length < 2 ? null : INSIDE.get(root + "." + steps[1]);
    return inside != null && parameters.containsKey(inside) ? inside : null;
  }

  /**
   * As far as the call has it: forms differ inside.
   *
   * @param missing whether the last step is what it lacks
   */
  private static String path(Map<String, JsonValue> parameters, String[] steps, boolean missing) {
    StringBuilder path = new StringBuilder(steps[0]);
    JsonValue at = parameters.get(steps[0]);
    for (int i = 1; i < steps.length && at != null; i++) {
      boolean isElement = at.isArray();
      at = isElement ? element(at.elements(), steps[i]) : at.members().get(steps[i]);
      if (at != null || missing && !isElement && i == steps.length - 1) {
        path.append(isElement ? "[" + steps[i] + "]" : "." + steps[i]);
      }
    }
    return path.toString();
  }

  private static @Nullable JsonValue element(List<JsonValue> elements, String step) {
    int index = step.matches("[0-9]{1,6}") ? Integer.parseInt(step) : elements.size();
    return index < elements.size() ? elements.get(index) : null;
  }
}
