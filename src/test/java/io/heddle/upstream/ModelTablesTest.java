package io.heddle.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.heddle.json.Json;
import io.heddle.turn.ModelCall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What {@code src/docs/models.md} says of a parameter in a word or two, each kind of model server
 * does. What it says in more words has tests of its own.
 */
class ModelTablesTest {

  private static final JsonMapper MAPPER = new JsonMapper();

  private static final List<String> KINDS = List.of("chat", "responses", "anthropic");

  private static final Pattern NAMES = Pattern.compile("(`[a-z_]+`(, )?)+");
  private static final Pattern NAME = Pattern.compile("`([a-z_]+)`");
  private static final Pattern IS = Pattern.compile("`[a-z_]+` is `([a-z_.]+)`");

  /** Where any value would not do. */
  private static final Map<String, String> VALUES =
      Map.of(
          "temperature", "0.50",
          "top_p", "0.9",
          "top_k", "4",
          "service_tier", "\"flex\"",
          "tool_choice", "\"auto\"",
          "functions", "[]");

  record Said(String parameter, String kind, String what) {}

  static List<Said> said() throws IOException {
    List<Said> all = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of("src/docs/models.md"))) {
      String[] cells = line.split("\\|");
      if (line.startsWith("## Messages")) {
        break;
      }
      if (cells.length != KINDS.size() + 2 || !NAMES.matcher(cells[1].strip()).matches()) {
        continue;
      }
      List<String> names = NAME.matcher(cells[1]).results().map(name -> name.group(1)).toList();
      for (int i = 0; i < KINDS.size(); i++) {
        for (String name : names) {
          String kind = KINDS.get(i);
          clause(name, names, cells[i + 2].strip())
              .ifPresent(what -> all.add(new Said(name, kind, what)));
        }
      }
    }
    return all;
  }

  /** What of a cell is said of this one, when it is one of few words. */
  private static Optional<String> clause(String name, List<String> names, String cell) {
    String rest = null;
    for (String clause : cell.split("; ")) {
      List<String> of = NAME.matcher(clause).results().map(one -> one.group(1)).toList();
      if (of.contains(name)) {
        return Optional.of(clause).filter(ModelTablesTest::isPlain);
      }
      if (of.stream().noneMatch(names::contains)) {
        rest = clause;
      }
    }
    return Optional.ofNullable(rest).filter(ModelTablesTest::isPlain);
  }

  private static boolean isPlain(String clause) {
    return isSame(clause)
        || clause.endsWith("left out")
        || clause.equals("refused")
        || IS.matcher(clause).matches();
  }

  private static boolean isSame(String clause) {
    return clause.matches("(.* )?as (it is|they are)(: .*)?");
  }

  @Test
  void theTableIsRead() throws IOException {
    assertThat(said()).hasSizeGreaterThan(60);
    assertThat(said())
        .contains(
            new Said("temperature", "responses", "as they are"),
            new Said("audio", "anthropic", "refused"),
            new Said("store", "responses", "`store` is `false`"),
            new Said("logit_bias", "responses", "the rest as they are"))
        .anyMatch(said -> said.parameter().equals("seed") && said.what().endsWith("left out"));
  }

  @ParameterizedTest
  @MethodSource("said")
  void isDone(Said said) {
    String value = VALUES.getOrDefault(said.parameter(), "\"x\"");
    String given = "{\"" + said.parameter() + "\":" + value + "}";
    if (said.what().equals("refused")) {
      CallFailure refused = catchThrowableOfType(CallFailure.class, () -> body(said, given));
      assertThat(refused.problem().members())
          .containsEntry("upstreamStatus", 400)
          .containsEntry("upstreamParam", said.parameter());
      return;
    }
    JsonNode body = body(said, given);
    Matcher is = IS.matcher(said.what());
    if (is.matches()) {
      JsonNode node =
          is.group(1).equals("false")
              ? body.path(said.parameter())
              : body.at("/" + is.group(1).replace('.', '/'));
      assertThat(node).isEqualTo(MAPPER.readTree(is.group(1).equals("false") ? "false" : value));
    } else if (isSame(said.what())) {
      assertThat(body.path(said.parameter())).isEqualTo(MAPPER.readTree(value));
    } else {
      assertThat(body.has(said.parameter())).isFalse();
      assertThat(body.toString()).doesNotContain("\"x\"", "\"flex\"");
    }
  }

  private static JsonNode body(Said said, String parameters) {
    List<Json> messages = List.of(Json.of("{\"role\":\"user\",\"content\":\"q\"}"));
    ModelCall call = new ModelCall(null, null, messages, Json.of(parameters), "trn_1");
    UpstreamProperties.Server server =
        Calls.properties(
                "upstreams.a.base-url=http://127.0.0.1:1", "upstreams.a.kind=" + said.kind())
            .upstreams()
            .get("a");
    return MAPPER.readTree(server.kind().protocol("a", server).body("claude-opus-4-6", call));
  }
}
