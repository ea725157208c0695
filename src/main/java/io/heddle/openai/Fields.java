package io.heddle.openai;

import io.heddle.base.Json;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The members of a JSON object, in their order. A member that is null is taken for absent. */
final class Fields {

  private final Value object;
  private final Map<String, Value> all = new LinkedHashMap<>();

  Fields(Value object) {
    this.object = object;
  }

  static Fields of(Json object) {
    return Value.of(object).fields();
  }

  void add(String name, Value value) {
    all.put(name, value);
  }

  /** Every member, those that are null too. */
  Map<String, Value> all() {
    return all;
  }

  @Nullable Value get(String name) {
    Value value = all.get(name);
    return value == null || value.isNull() ? null : value;
  }

  boolean has(String name) {
    return get(name) != null;
  }

  Value required(String name) {
    Value value = get(name);
    if (value == null) {
      throw Value.missing(path(name));
    }
    return value;
  }

  @Nullable String text(String name) {
    Value value = get(name);
    return value == null ? null : value.text();
  }

  /** A string as it is written, or null. */
  @Nullable Json string(String name) {
    return has(name) ? requiredString(name) : null;
  }

  Json requiredString(String name) {
    Value value = required(name);
    if (!value.isString()) {
      throw value.wrongType("a string");
    }
    return value.json();
  }

  /** A string; empty when it is not there or is none. */
  String word(String name) {
    Value value = get(name);
    return value == null || !value.isString() ? "" : value.text();
  }

  /** False when it is not there. */
  boolean flag(String name) {
    return flag(name, false);
  }

  boolean flag(String name, boolean otherwise) {
    Value value = get(name);
    return value == null ? otherwise : value.bool();
  }

  @Nullable Json raw(String name) {
    Value value = get(name);
    return value == null ? null : value.json();
  }

  Json raw(String name, Json otherwise) {
    Value value = get(name);
    return value == null ? otherwise : value.json();
  }

  String path(String name) {
    return object.pathOf(name);
  }

  Value value() {
    return object;
  }
}
