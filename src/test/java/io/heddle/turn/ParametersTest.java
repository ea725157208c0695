package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.json.Json;
import java.util.function.UnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ParametersTest {

  private static final long MOST = 1_000_000;

  /**
   * Each is what one server takes for a number and another one does not, or would never stop at.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"max_tokens":1000000000}                     | max_tokens
          {"max_tokens":1000001}                        | max_tokens
          {"max_tokens":0}                              | max_tokens
          {"max_tokens":-1}                             | max_tokens
          {"max_tokens":1.5}                            | max_tokens
          {"max_tokens":16.0}                           | max_tokens
          {"max_tokens":1e9}                            | max_tokens
          {"max_tokens":9223372036854775808}            | max_tokens
          {"max_tokens":18446744073709551632}           | max_tokens
          {"max_tokens":"16"}                           | max_tokens
          {"max_tokens":true}                           | max_tokens
          {"max_tokens":[16]}                           | max_tokens
          {"max_tokens":{"a":16}}                       | max_tokens
          {"a":{"max_tokens":2},"max_tokens":"x"}       | max_tokens
          {"max\\u005ftokens":"x"}                      | max_tokens
          {"max_tokens":16,"max_completion_tokens":1e3} | max_completion_tokens
          {"max_completion_tokens":99999999999999999999}| max_completion_tokens
          {"max_output_tokens":"many"}                  | max_output_tokens
          {"max_new_tokens":2000000}                    | max_new_tokens
          {"n_predict":-1}                              | n_predict
          {"n":2}                                       | n
          {"n":"1"}                                     | n
          {"best_of":5}                                 | best_of
          {"N":50}                                      | N
          {"num_completions":50}                        | num_completions
          {"max_tokens_to_sample":1000000000}           | max_tokens_to_sample
          {"min_tokens":1000000000}                     | min_tokens
          {"min_tokens":-1}                             | min_tokens
          """)
  void aBoundThatIsNoneIsRefusedByItsName(String parameters, String name) {
    assertThatThrownBy(() -> Parameters.check(Json.of(parameters), MOST, it -> "parameters." + it))
        .isInstanceOfSatisfying(
            ProblemException.class,
            refused -> {
              assertThat(refused.problem().code()).isEqualTo(ProblemCode.INVALID_REQUEST);
              assertThat(refused.problem().members()).containsEntry("field", "parameters." + name);
            });
  }

  /**
   * Servers written in Go take MAX_TOKENS for max_tokens, others look into an object for it: it was
   * passed on with any number, and 1,024 were reserved.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "MAX_TOKENS",
        "Max_Tokens",
        "maxTokens",
        "maxOutputTokens",
        "max_to\u212aens",
        "max_token\u017f",
        "Max_Completion_Tokens",
        "options.num_predict",
        "Options.Num_Predict",
        "reasoning.max_tokens",
        "thinking.budget_tokens",
        "extra_body.max_tokens",
        "generationConfig.maxOutputTokens",
      })
  void noSpellingAndNoPlaceHidesABound(String path) {
    String json = "{\"" + path.replace(".", "\":{\"") + "\":%s}" + (path.contains(".") ? "}" : "");
    Json tooMuch = Json.of(json.formatted(MOST + 1));
    assertThatThrownBy(() -> Parameters.check(tooMuch, MOST, it -> "parameters." + it))
        .isInstanceOfSatisfying(
            ProblemException.class,
            refused ->
                assertThat(refused.problem().members())
                    .containsEntry("field", "parameters." + path));
    Json most = Json.of(json.formatted(MOST));
    Parameters.check(most, MOST, UnaryOperator.identity());
    assertThat(Parameters.maxOutput(most)).isEqualTo(MOST);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"max_tokens\":1}",
        "{\"max_tokens\":1000000}",
        "{\"max_tokens\":null,\"max_completion_tokens\":null}",
        "{\"min_tokens\":0,\"reasoning\":{\"effort\":\"low\",\"max_tokens\":null}}",
        "{\"metadata\":{\"max_tokens\":\"x\"},\"options\":{\"a\":{\"n\":7}}}",
        "{\"n\":1,\"tools\":[{\"max_tokens\":\"a name of somebody's\"}]}"
      })
  void aSoundBoundIsTaken(String parameters) {
    Parameters.check(Json.of(parameters), MOST, UnaryOperator.identity());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {}                                                        | 0
          {"max_tokens":null}                                       | 0
          {"stop":[1],"max_tokens":5,"max_completion_tokens":9}     | 9
          {"max_completion_tokens":5,"max_tokens":9}                | 9
          {"max_new_tokens":70}                                     | 70
          {"x":{"max_tokens":7}}                                    | 0
          """)
  void theMostThatAnyNameAllowsIsReserved(String parameters, long most) {
    assertThat(Parameters.maxOutput(Json.of(parameters))).isEqualTo(most);
  }
}
