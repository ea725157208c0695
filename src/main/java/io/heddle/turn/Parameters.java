package io.heddle.turn;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * How much output the parameters of a call allow. What is reserved for a call is read from the very
 * bytes that its server is sent, and those are refused when they could be read in two ways: a bound
 * that is a text, has a fraction or does not fit would be one number here and another one there.
 */
public final class Parameters {

  /**
   * The member for what Chat Completions has no word for, an object in the words of Responses: only
   * a server of Responses is told it. It is inside {@value #STREAM_OPTIONS}, which no version of
   * Heddle passes on, so that an older replica that runs the turn leaves it out too.
   */
  public static final String RESPONSES = "responses";

  public static final String STREAM_OPTIONS = "stream_options";

  /** Every name under which servers take a bound of the output. */
  private static final Set<String> OUTPUT =
      Set.of(
          "max_tokens",
          "max_completion_tokens",
          "max_output_tokens",
          "max_new_tokens",
          "max_length",
          "max_tokens_to_sample",
          "max_gen_len",
          "max_gen_toks",
          "n_predict",
          "num_predict");

  /** Every name under which servers are told to write or to think so much; 0 is nothing. */
  private static final Set<String> LEAST =
      Set.of("min_tokens", "min_new_tokens", "min_length", "budget_tokens");

  /** Every name under which servers make several answers, or try several, for one call. */
  private static final Set<String> ANSWERS =
      Set.of("n", "best_of", "num_return_sequences", "num_completions", "candidate_count");

  /** Objects in which servers look for such names too. */
  private static final Set<String> GROUPS =
      Set.of(
          "options",
          "parameters",
          "extra_body",
          "generation_config",
          "inference_config",
          "sampling_params",
          "reasoning",
          "thinking");

  /** By any of the names as {@link #joined} has it, the name. */
  private static final Map<String, String> NAMES =
      Stream.of(OUTPUT, LEAST, ANSWERS, GROUPS)
          .flatMap(Set::stream)
          .collect(Collectors.toUnmodifiableMap(Parameters::joined, name -> name));

  private static final int LONGEST_NUMBER = 18;

  private Parameters() {}

  /**
   * Refuses a bound of the output that is no whole number from 1 to {@code most}, and several
   * answers, with {@code invalid-request}.
   *
   * @param field how the client calls a parameter
   */
  public static void check(Json parameters, long most, UnaryOperator<String> field) {
    try (JsonParser in = JsonParsers.parser(parameters.utf8())) {
      in.nextToken();
      check(in, most, field, true);
    } catch (JacksonException _) {
      // Sound JSON was made of what the client sent: there is nothing to be named.
      throw Problem.of(ProblemCode.INVALID_REQUEST, "The parameters cannot be read").toException();
    }
  }

  private static void check(
      JsonParser in, long most, UnaryOperator<String> field, boolean outermost) {
    while (in.nextToken() == JsonToken.PROPERTY_NAME) {
      String said = in.currentName();
      String name = name(said);
      JsonToken value = in.nextToken();
      if (value == JsonToken.VALUE_NULL) {
        continue;
      }
      if (OUTPUT.contains(name)) {
        check(in, value, 1, most, field.apply(said));
      } else if (LEAST.contains(name)) {
        check(in, value, 0, most, field.apply(said));
      } else if (ANSWERS.contains(name)) {
        check(in, value, 1, 1, field.apply(said));
      } else if (outermost && value == JsonToken.START_OBJECT && GROUPS.contains(name)) {
        check(in, most, inner -> field.apply(said + "." + inner), false);
      } else if (value.isStructStart()) {
        in.skipChildren();
      }
    }
  }

  private static void check(JsonParser in, JsonToken value, long least, long most, String field) {
    long number = -1;
    if (value == JsonToken.VALUE_NUMBER_INT && in.getStringLength() <= LONGEST_NUMBER) {
      number = in.getLongValue();
    }
    if (number < least || number > most) {
      String must =
          most == 1
              ? "must be 1: a call has one answer"
              : "must be a whole number from " + least + " to " + most;
      throw Problem.field(ProblemCode.INVALID_REQUEST, field, "'" + field + "' " + must)
          .toException();
    }
  }

  /** The most tokens of output that they allow, or 0 when they do not say. */
  static long maxOutput(@Nullable Json parameters) {
    if (parameters == null) {
      return 0;
    }
    try (JsonParser in = JsonParsers.parser(parameters.utf8())) {
      in.nextToken();
      return maxOutput(in, true);
    } catch (JacksonException _) {
      return 0;
    }
  }

  private static long maxOutput(JsonParser in, boolean outermost) {
    long most = 0;
    while (in.nextToken() == JsonToken.PROPERTY_NAME) {
      String name = name(in.currentName());
      JsonToken value = in.nextToken();
      if (value == JsonToken.VALUE_NUMBER_INT
          && (OUTPUT.contains(name) || LEAST.contains(name))
          && in.getStringLength() <= LONGEST_NUMBER) {
        most = Math.max(most, in.getLongValue());
      } else if (outermost && value == JsonToken.START_OBJECT && GROUPS.contains(name)) {
        most = Math.max(most, maxOutput(in, false));
      } else if (value.isStructStart()) {
        in.skipChildren();
      }
    }
    return most;
  }

  // ---- names

  /**
   * The name as it stands above, if it is one of those in another spelling: servers written in Go
   * take a name in capitals for the same, with two letters that are no ASCII too, and others write
   * names without underscores.
   */
  private static String name(String said) {
    for (int at = 0; at < said.length(); at++) {
      char c = said.charAt(at);
      if ((c < 'a' || c > 'z') && c != '_') {
        return NAMES.getOrDefault(joined(said), said);
      }
    }
    return said;
  }

  private static String joined(String name) {
    StringBuilder joined = new StringBuilder(name.length());
    for (int at = 0; at < name.length(); at++) {
      char c = name.charAt(at);
      if (c != '_') {
        // The long s is a small letter, with the S as its capital; the Kelvin sign is a capital.
        joined.append(Character.toLowerCase(Character.toUpperCase(c)));
      }
    }
    return joined.toString();
  }
}
