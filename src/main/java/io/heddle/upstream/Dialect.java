package io.heddle.upstream;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How servers of Chat Completions differ, in one table: what one of them asks for, another refuses,
 * or skips without a word.
 */
public enum Dialect {

  /** OpenAI's own servers, and Azure's: they refuse what they do not know. */
  OPENAI(
      "max_completion_tokens",
      null,
      Instructions.AT_THEIR_PLACES,
      Unknown.OF_ITS_OWN,
      Quirk.DEVELOPER_ROLE,
      Quirk.CUSTOM_TOOLS),

  /**
   * Most others: llama.cpp, SGLang, DeepSeek, Kimi, GLM, Gemini, OpenRouter, LiteLLM. They skip
   * what they do not know; some refuse the role {@code developer}, and text is all that many take
   * from a tool.
   */
  COMPATIBLE(
      null, "reasoning_content", Instructions.FIRST_ARE_ONE, Unknown.TAKEN, Quirk.OBJECT_ARGUMENTS),

  /** Ollama's: they know one name of a thing only, and skip it under any other. */
  OLLAMA(
      "max_tokens",
      "reasoning",
      Instructions.FIRST_ARE_ONE,
      Unknown.TAKEN,
      Quirk.ONE_NAME_OF_REASONING,
      Quirk.OBJECT_ARGUMENTS),

  /**
   * vLLM's. Chat templates of models decide there what is refused: many take no instructions but in
   * the first message.
   */
  VLLM(
      null,
      "reasoning",
      Instructions.ALL_ARE_ONE,
      Unknown.TAKEN,
      Quirk.ONE_NAME_OF_REASONING,
      Quirk.OBJECT_ARGUMENTS),

  /** Mistral's: they refuse unknown members, ids of other servers, and many orders of messages. */
  MISTRAL(
      "max_tokens",
      "content",
      Instructions.ALL_ARE_ONE,
      Unknown.REFUSED,
      Quirk.ONE_NAME_OF_REASONING,
      Quirk.FILES_IN_TOOL_MESSAGES,
      Quirk.PREFIX,
      Quirk.MISTRALS_FORMS);

  /** What is special about a server. */
  enum Quirk {
    /** It knows the role {@code developer}, which is {@code system} elsewhere. */
    DEVELOPER_ROLE,
    /** It has tools of the type {@code custom}; else they are functions. */
    CUSTOM_TOOLS,
    /** The arguments of a tool call must be a JSON object. */
    OBJECT_ARGUMENTS,
    /** It knows thoughts under one name only, whatever a client calls them. */
    ONE_NAME_OF_REASONING,
    /** Images and files of a tool's output stay in it; else the next message is the user's. */
    FILES_IN_TOOL_MESSAGES,
    /** It knows the member {@code prefix} of an assistant's message. */
    PREFIX,
    /**
     * Ids of nine letters and digits, documents, schemas of all tools, names of parameters, usage
     * without asking; and its order of messages.
     */
    MISTRALS_FORMS
  }

  /** Where messages of {@code system} and {@code developer} go. */
  enum Instructions {
    AT_THEIR_PLACES,
    /** Those before all other messages are one message. */
    FIRST_ARE_ONE,
    /** All are one message before the others. */
    ALL_ARE_ONE
  }

  /** Members of messages and of tool calls that not every server knows. */
  private enum Unknown {
    /** Skipped, if they are no use. */
    TAKEN,
    /** Given back to the server that said them; those of clients are left out. */
    OF_ITS_OWN,
    REFUSED
  }

  private static final Set<String> REFUSED_BY_MISTRAL =
      Set.of(
          "logit_bias",
          "logprobs",
          "modalities",
          "prompt_cache_retention",
          "safety_identifier",
          "service_tier",
          "store",
          "top_logprobs",
          "user",
          "verbosity");

  private static final Map<String, String> RENAMED_BY_MISTRAL = Map.of("seed", "random_seed");

  private final @Nullable String tokenParameter;
  private final @Nullable String reasoning;
  private final Instructions instructions;
  private final Unknown unknown;
  private final Set<Quirk> quirks;

  Dialect(
      @Nullable String tokenParameter,
      @Nullable String reasoning,
      Instructions instructions,
      Unknown unknown,
      Quirk... quirks) {
    this.tokenParameter = tokenParameter;
    this.reasoning = reasoning;
    this.instructions = instructions;
    this.unknown = unknown;
    this.quirks = Set.of(quirks);
  }

  /** The only name for the most tokens of an answer; null: as the caller says. */
  @Nullable String tokenParameter() {
    return tokenParameter;
  }

  /**
   * The member for thoughts of which nobody knows what their server called them; {@code content}:
   * its parts; null: it takes none.
   */
  @Nullable String reasoning() {
    return reasoning;
  }

  Instructions instructions() {
    return instructions;
  }

  boolean has(Quirk quirk) {
    return quirks.contains(quirk);
  }

  /**
   * Whether it takes a member of an assistant's message that not every server knows.
   *
   * @param own whether the server itself said it
   */
  boolean takes(String member, boolean own) {
    return takesUnknown(own) || has(Quirk.PREFIX) && member.equals("prefix");
  }

  /**
   * Whether it takes whatever members messages and tool calls have.
   *
   * @param own whether the server itself said them
   */
  boolean takesUnknown(boolean own) {
    return unknown == Unknown.TAKEN || own && unknown == Unknown.OF_ITS_OWN;
  }

  /** Whether it refuses what it does not know, also in parts and tool calls, and names. */
  boolean refusesUnknown() {
    return unknown == Unknown.REFUSED;
  }

  /**
   * The server's name of a parameter; null for one that it refuses and the answer can do without.
   */
  @Nullable String parameter(String name) {
    if (!has(Quirk.MISTRALS_FORMS)) {
      return name;
    }
    return REFUSED_BY_MISTRAL.contains(name) ? null : RENAMED_BY_MISTRAL.getOrDefault(name, name);
  }
}
