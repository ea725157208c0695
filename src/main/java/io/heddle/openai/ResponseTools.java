package io.heddle.openai;

import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tools of a request for a response, and which of them the model may call: checked, and in the
 * words of Chat Completions, which knows nothing but functions and custom tools.
 */
final class ResponseTools {

  private static final Set<String> CHOICES = Set.of("none", "auto", "required");
  private static final String CUSTOM = "custom";
  private static final Json NONE = Json.of("\"none\"");

  private final HostedTools hosted;

  /** In the words of Chat Completions, by the name that the model is told. */
  private final Map<String, Json> functions = new LinkedHashMap<>();

  /** Those among them that are custom tools. */
  private final Set<String> custom = new HashSet<>();

  /** Names in namespaces, and what the model is told. */
  private final Map<String, Set<String>> inner = new LinkedHashMap<>();

  private final Map<String, Set<String>> namespaces = new LinkedHashMap<>();

  /** What the model is told instead of names in namespaces. */
  private final Set<String> flat = new HashSet<>();

  private final List<JsonValue> kept = new ArrayList<>();
  private final Set<Json> forms = new HashSet<>();

  /** Types of those that were left out. */
  private final Set<String> dropped = new HashSet<>();

  /** Whether those of items are being read. */
  private boolean brought;

  private @Nullable Json choice;

  private ResponseTools(HostedTools hosted) {
    this.hosted = hosted;
  }

  /**
   * @param brought tools of items: one that has the name of another is its newer form
   */
  static ResponseTools read(JsonValue body, HostedTools hosted, List<JsonValue> brought) {
    ResponseTools tools = new ResponseTools(hosted);
    JsonValue all = body.get("tools");
    if (all != null) {
      all.array().forEach(tools::add);
    }
    tools.brought = true;
    brought.forEach(tools::add);
    JsonValue choice = body.get("tool_choice");
    if (choice != null) {
      Json told = tools.choice(choice);
      // Servers take a choice, and whether calls may be parallel, only beside tools.
      tools.choice = tools.functions.isEmpty() ? null : told;
    }
    return tools;
  }

  boolean isEmpty() {
    return functions.isEmpty();
  }

  Json functions() {
    return Json.array(functions.values());
  }

  @Nullable Json choice() {
    return choice;
  }

  /** The request's tools without those that were left out. */
  List<JsonValue> kept() {
    return kept;
  }

  private void add(JsonValue tool) {
    JsonValue fields = tool.object();
    String type = fields.required("type").text();
    switch (type) {
      case "function", CUSTOM -> {
        String name = name(fields, type);
        put(fields, name, told(fields, type, name, null), !flat.contains(name));
        keep(tool);
      }
      case Namespaces.TYPE -> {
        addAll(fields);
        keep(tool);
      }
      default -> leaveOut(fields);
    }
  }

  private void keep(JsonValue tool) {
    if (forms.add(tool.json()) || !brought) {
      kept.add(tool);
    }
  }

  private void addAll(JsonValue namespace) {
    JsonValue name = namespace.required("name");
    if (name.text().isEmpty()) {
      throw name.refuse("is empty");
    }
    String about = namespace.text("description");
    Set<String> all = namespaces.computeIfAbsent(name.text(), _ -> new LinkedHashSet<>());
    for (JsonValue tool : namespace.required("tools").array()) {
      JsonValue fields = tool.object();
      String type = fields.required("type").text();
      if (!type.equals(CUSTOM) && !type.equals("function")) {
        leaveOut(fields);
        continue;
      }
      String own = name(fields, type);
      String told = Namespaces.flat(name.text(), own);
      put(fields, told, told(fields, type, told, about), all.contains(told));
      inner.computeIfAbsent(own, _ -> new LinkedHashSet<>()).add(told);
      all.add(told);
      flat.add(told);
    }
  }

  private static String name(JsonValue tool, String type) {
    return type.equals(CUSTOM) ? ParameterRanges.custom(tool) : ParameterRanges.function(tool);
  }

  private static Json told(JsonValue tool, String type, String name, @Nullable String about) {
    return type.equals(CUSTOM) ? custom(tool, name, about) : function(tool, name, about);
  }

  /**
   * @param again whether one of that name would be this one once more
   */
  private void put(JsonValue tool, String name, Json told, boolean again) {
    boolean isCustom = tool.word("type").equals(CUSTOM);
    Json other = functions.put(name, told);
    boolean same = !isCustom && told.equals(other);
    if (other != null && !(again && (brought || same))) {
      throw tool.required("name").refuse("names another tool of this request too");
    }
    if (isCustom) {
      custom.add(name);
    } else {
      custom.remove(name);
    }
  }

  /** A type that is OpenAI's own, or that no server of Chat Completions has. */
  private void leaveOut(JsonValue tool) {
    if (hosted == HostedTools.REFUSE) {
      throw refused(tool, "tools");
    }
    dropped.add(tool.word("type"));
  }

  private static WireException refused(JsonValue tool, String what) {
    return WireError.unsupported(
            tool.pathOf("type"),
            "Heddle does not support %s of the type '%s', only function, custom and namespace."
                .formatted(what, tool.word("type")))
        .toException();
  }

  /**
   * @param about what the namespace says of itself, for a function that says nothing
   */
  private static Json function(JsonValue tool, String name, @Nullable String about) {
    JsonWriter function = JsonWriter.object(tool.length() + 64).string("name", name);
    tool.members()
        .forEach((member, value) -> {
          switch (member) {
            // When it is loaded is for OpenAI's own search of tools.
            case "type", "name", "defer_loading" -> {}
            default -> {
              if (!value.isNull()) {
                function.member(member, value);
              }
            }
          }
        });
    if (!tool.has("description")) {
      function.some("description", about);
    }
    return of("function", function.done());
  }

  /**
   * @param about what the namespace says of itself, for a tool that says nothing
   */
  private static Json custom(JsonValue tool, String name, @Nullable String about) {
    JsonWriter custom = JsonWriter.object(tool.length() + 64).string("name", name);
    tool.members()
        .forEach((member, value) -> {
          switch (member) {
            case "type", "name", "defer_loading" -> {}
            case "format" -> custom.some(member, value.isNull() ? null : format(value.object()));
            default -> {
              if (!value.isNull()) {
                custom.member(member, value);
              }
            }
          }
        });
    if (!tool.has("description")) {
      custom.some("description", about);
    }
    return of(CUSTOM, custom.done());
  }

  /** Chat Completions has a grammar's members in an object of their own. */
  private static Json format(JsonValue format) {
    String type = format.required("type").text();
    return switch (type) {
      case "text" -> format.json();
      case "grammar" -> {
        ParameterRanges.grammar(format);
        JsonWriter grammar = JsonWriter.object(format.length() + 32);
        format
            .members()
            .forEach((member, value) -> {
              if (!member.equals("type")) {
                grammar.member(member, value);
              }
            });
        yield of(type, grammar.done());
      }
      default ->
          throw WireError.unsupported(
                  format.pathOf("type"),
                  "Heddle does not support a format of the type '" + type + "' of a custom tool.")
              .toException();
    };
  }

  private static Json of(String type, Json inner) {
    return JsonWriter.object(inner.length() + 48).string("type", type).raw(type, inner).done();
  }

  private Json byName(String name) {
    String type = custom.contains(name) ? CUSTOM : "function";
    return of(type, JsonWriter.object(96).string("name", name).done());
  }

  // ---- the choice

  private @Nullable Json choice(JsonValue choice) {
    if (choice.isString()) {
      if (!CHOICES.contains(choice.text())) {
        throw choice.refuse("must be none, auto or required, or name a tool");
      }
      if (choice.text().equals("required") && functions.isEmpty() && dropped.isEmpty()) {
        throw choice.refuse("is required, and there are no 'tools'");
      }
      return choice.json();
    }
    JsonValue fields = choice.object();
    return switch (fields.required("type").text()) {
      case "function", CUSTOM -> byName(called(fields));
      case "allowed_tools" -> allowed(fields);
      case Namespaces.TYPE -> allowed(Json.of("\"required\""), named(fields.required("name")));
      default -> {
        // A type may have a date, and be chosen without it.
        String type = fields.word("type");
        if (dropped.stream().noneMatch(one -> one.startsWith(type) || type.startsWith(one))) {
          throw refused(fields, "a tool_choice");
        }
        yield null;
      }
    };
  }

  private Json allowed(JsonValue choice) {
    Set<String> names = new LinkedHashSet<>();
    for (JsonValue tool : ParameterRanges.allowed(choice)) {
      JsonValue fields = tool.object();
      switch (fields.required("type").text()) {
        case "function", CUSTOM -> names.add(called(fields));
        case Namespaces.TYPE -> names.addAll(named(fields.required("name")));
        default -> leaveOut(fields);
      }
    }
    return allowed(choice.raw("mode", Json.of("\"auto\"")), names);
  }

  /** The functions of a namespace, as the model is told them. */
  private Set<String> named(JsonValue namespace) {
    Set<String> all = namespaces.get(namespace.text());
    if (all == null) {
      throw namespace.refuse("names no namespace of 'tools'");
    }
    return all;
  }

  private Json allowed(Json mode, Set<String> names) {
    if (names.isEmpty()) {
      return NONE;
    }
    Json allowed =
        JsonWriter.object(256)
            .raw("mode", mode)
            .raw("tools", Json.array(names.stream().map(this::byName).toList()))
            .done();
    return JsonWriter.object(allowed.length() + 48)
        .string("type", "allowed_tools")
        .raw("allowed_tools", allowed)
        .done();
  }

  /**
   * What the model is told instead of the name; the namespace may be left out of one that is alone.
   */
  private String called(JsonValue tool) {
    String told = toldName(tool);
    if (custom.contains(told) != tool.word("type").equals(CUSTOM)) {
      throw tool.required("name").refuse("names no tool of this type in 'tools'");
    }
    return told;
  }

  private String toldName(JsonValue tool) {
    JsonValue name = tool.required("name");
    String namespace = tool.text("namespace");
    if (namespace != null) {
      String flat = Namespaces.flat(namespace, name.text());
      if (namespaces.getOrDefault(namespace, Set.of()).contains(flat)) {
        return flat;
      }
    } else if (functions.containsKey(name.text())) {
      return name.text();
    } else {
      Set<String> called = inner.getOrDefault(name.text(), Set.of());
      if (called.size() == 1) {
        return called.iterator().next();
      }
    }
    throw name.refuse("names no function of 'tools'");
  }
}
