package io.heddle.turn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.Json;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
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

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"max_tokens\":1}",
        "{\"max_tokens\":1000000}",
        "{\"max_tokens\":null,\"max_completion_tokens\":null}",
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
