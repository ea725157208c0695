package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.heddle.base.Problem;
import io.heddle.base.ProblemException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QueryTest {

  @Test
  void valuesAreDecoded() {
    Query query = Query.of("a=x+y%20z%2B&b=%C3%A9%F0%9F%98%80&&c", "a", "b", "c", "d");
    assertThat(query.text("a")).isEqualTo("x y z+");
    assertThat(query.text("b")).isEqualTo("é😀");
    assertThat(query.text("c")).isEmpty();
    assertThat(query.text("d")).isNull();
  }

  @Test
  void noQueryHasNoValues() {
    assertThat(Query.of(null).text("a")).isNull();
    assertThat(Query.of("").text("a")).isNull();
    assertThat(Query.of(null, "n").integer("n", 1, 9, 5)).isEqualTo(5);
    assertThat(Query.of(null, "f").flag("f")).isFalse();
  }

  @Test
  void aPrefixStandsForAllThatBeginSo() {
    Query query = Query.of("metadata.a=1&metadata.b.c=2", "metadata.");
    assertThat(query.startingWith("metadata.")).isEqualTo(Map.of("a", "1", "b.c", "2"));
  }

  @ParameterizedTest
  @CsvSource({
    "b=1, unknown-field, b",
    "a=1&b, unknown-field, b",
    "a=1&a=1, invalid-request, a",
    "a=%, invalid-request, a",
    "a=%4, invalid-request, a",
    "a=%zz, invalid-request, a",
    "a=%ff, invalid-request, a",
    "a=%c0%80, invalid-request, a",
    "a=%ed%a0%80, invalid-request, a",
    "a=%00, invalid-request, a",
    "%ff=1, invalid-request, query",
    "metadata.=1, unknown-field, metadata."
  })
  void badQueriesAreRefusedByName(String raw, String code, String field) {
    Problem problem = refused(() -> Query.of(raw, "a", "metadata."));
    assertThat(problem.code().code()).isEqualTo(code);
    assertThat(problem.members()).containsEntry("field", field);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "10", "-1", "+5", "1.0", "", "5x", "99999999999", "٥"})
  void onlyWholeNumbersInTheRange(String text) {
    Query query = Query.of("n=" + text.replace("٥", "%D9%A5").replace("+", "%2B"), "n");
    assertThat(refused(() -> query.integer("n", 1, 9, 5)).members()).containsEntry("field", "n");
  }

  @Test
  void flagsAreTrueOrFalse() {
    assertThat(Query.of("f=true", "f").flag("f")).isTrue();
    assertThat(Query.of("f=false", "f").flag("f")).isFalse();
    assertThat(refused(() -> Query.of("f=1", "f").flag("f")).members()).containsEntry("field", "f");
  }

  private static Problem refused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    return catchThrowableOfType(ProblemException.class, call).problem();
  }
}
