package io.heddle.upstream;

import io.heddle.turn.Upstream.Model;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which upstream answers to a model's name: the one that names it, else the first one with a
 * pattern for it, in the order of the settings. {@code echo} is always the built-in one.
 */
final class ModelNames {

  private record Glob(Pattern pattern, String upstream) {}

  private final Map<String, String> exact = new LinkedHashMap<>();
  private final List<Glob> globs = new ArrayList<>();
  private final Map<String, String> fallbacks = new LinkedHashMap<>();
  private final @Nullable String byDefault;

  /**
   * @throws IllegalArgumentException for a default or fallback that nobody has
   */
  ModelNames(UpstreamProperties properties) {
    exact.put(EchoModel.NAME, EchoModel.NAME);
    properties
        .upstreams()
        .forEach((upstream, server) -> {
          List<String> models = server.models().isEmpty() ? List.of("*") : server.models();
          for (String model : models) {
            if (model.indexOf('*') < 0) {
              exact.putIfAbsent(model.strip(), upstream);
            } else {
              globs.add(new Glob(pattern(model.strip()), upstream));
            }
          }
          if (!server.fallback().isBlank()) {
            fallbacks.put(upstream, server.fallback().strip());
          }
        });
    fallbacks.forEach(
        (upstream, model) -> require(model, "heddle.upstreams." + upstream + ".fallback"));
    byDefault = byDefault(properties);
  }

  private @Nullable String byDefault(UpstreamProperties properties) {
    String set = properties.defaultModel().strip();
    if (!set.isEmpty()) {
      require(set, "heddle.default-model");
      return set;
    }
    if (properties.upstreams().isEmpty()) {
      return EchoModel.NAME;
    }
    return exact.keySet().stream()
        .filter(model -> !model.equals(EchoModel.NAME))
        .findFirst()
        .orElse(null);
  }

  private void require(String model, String setting) {
    if (server(model) == null) {
      throw new IllegalArgumentException(setting + ": no upstream has the model " + model);
    }
  }

  /** The upstream of a model, or null. */
  @Nullable String server(String model) {
    String named = exact.get(model);
    if (named != null) {
      return named;
    }
    return globs.stream()
        .filter(glob -> glob.pattern().matcher(model).matches())
        .findFirst()
        .map(Glob::upstream)
        .orElse(null);
  }

  /** The model of calls that name none, or null. */
  @Nullable String byDefault() {
    return byDefault;
  }

  /** What is asked when this upstream cannot be, or null. */
  @Nullable String fallback(String upstream) {
    return fallbacks.get(upstream);
  }

  /** Those with a whole name. */
  List<Model> models() {
    return exact.entrySet().stream()
        .map(model -> new Model(model.getKey(), model.getValue()))
        .toList();
  }

  private static Pattern pattern(String glob) {
    StringBuilder regex = new StringBuilder();
    for (String part : glob.split("\\*", -1)) {
      regex.append(regex.isEmpty() ? "" : ".*").append(Pattern.quote(part));
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }
}
