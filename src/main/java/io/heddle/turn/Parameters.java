package io.heddle.turn;

import io.heddle.base.Json;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import java.util.Set;
import java.util.function.UnaryOperator;
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
          "n_predict",
          "num_predict");

  /** Every name under which servers make several answers, or try several, for one call. */
  private static final Set<String> ANSWERS = Set.of("n", "best_of", "num_return_sequences");

  private static final int LONGEST_NUMBER = 18;

  private Parameters() {}

  /**
   * Refuses a bound of the output that is no whole number from 1 to {@code most}, and several
   * answers, with {@code invalid-request}.
   *
   * @param field how the client calls a parameter
   */
  public static void check(Json parameters, long most, UnaryOperator<String> field) {
    try (JsonParser in = Pieces.parser(parameters.utf8())) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        JsonToken value = in.nextToken();
        if (value != JsonToken.VALUE_NULL && OUTPUT.contains(name)) {
          check(in, value, most, field.apply(name));
        } else if (value != JsonToken.VALUE_NULL && ANSWERS.contains(name)) {
          check(in, value, 1, field.apply(name));
        }
        if (value.isStructStart()) {
          in.skipChildren();
        }
      }
    } catch (JacksonException _) {
      // Sound JSON was made of what the client sent: there is nothing to be named.
      throw Problem.of(ProblemCode.INVALID_REQUEST, "The parameters cannot be read").toException();
    }
  }

  private static void check(JsonParser in, JsonToken value, long most, String field) {
    long number = 0;
    if (value == JsonToken.VALUE_NUMBER_INT && in.getStringLength() <= LONGEST_NUMBER) {
      number = in.getLongValue();
    }
    if (number < 1 || number > most) {
      String must =
          most == 1
              ? "must be 1: a call has one answer"
              : "must be a whole number from 1 to " + most;
      throw Problem.field(ProblemCode.INVALID_REQUEST, field, "'" + field + "' " + must)
          .toException();
    }
  }

  /** The most tokens of output that they allow, or 0 when they do not say. */
  static long maxOutput(@Nullable Json parameters) {
    long most = 0;
    if (parameters == null) {
      return most;
    }
    try (JsonParser in = Pieces.parser(parameters.utf8())) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        JsonToken value = in.nextToken();
        if (value == JsonToken.VALUE_NUMBER_INT
            && OUTPUT.contains(name)
            && in.getStringLength() <= LONGEST_NUMBER) {
          most = Math.max(most, in.getLongValue());
        } else if (value.isStructStart()) {
          in.skipChildren();
        }
      }
    } catch (JacksonException _) {
      return 0;
    }
    return most;
  }
}
