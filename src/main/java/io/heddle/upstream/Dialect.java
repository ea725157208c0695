package io.heddle.upstream;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How servers of Chat Completions differ, in one place: what one of them asks for, another refuses,
 * or skips without a word.
 */
public enum Dialect {

  /** OpenAI's own servers, and Azure's: they refuse what they do not know. */
  OPENAI(
      new Data()
          .tokenParameter("max_completion_tokens")
          .knowsDevelopers()
          .takesCustomTools()
          .unknown(Unknown.OF_ITS_OWN)),

  /**
   * Most others: llama.cpp, SGLang, DeepSeek, Kimi, GLM, Gemini, OpenRouter, LiteLLM. They skip
   * what they do not know; some refuse the role {@code developer}, and text is all that many take
   * from a tool.
   */
  COMPATIBLE(
      new Data()
          .reasoning("reasoning_content")
          .instructions(Instructions.FIRST_ARE_ONE)
          .objectArguments()),

  /** Ollama's: they know one name of a thing only, and skip it under any other. */
  OLLAMA(
      new Data()
          .tokenParameter("max_tokens")
          .onlyReasoning("reasoning")
          .instructions(Instructions.FIRST_ARE_ONE)
          .objectArguments()),

  /**
   * vLLM's. Chat templates of models decide there what is refused: many take no instructions but in
   * the first message.
   */
  VLLM(
      new Data()
          .onlyReasoning("reasoning")
          .instructions(Instructions.ALL_ARE_ONE)
          .objectArguments()),

  /** Mistral's: they refuse unknown members, ids of other servers, and many orders of messages. */
  MISTRAL(
      new Data()
          .tokenParameter("max_tokens")
          .onlyReasoning("content")
          .instructions(Instructions.ALL_ARE_ONE)
          .toolFiles(ToolFiles.TOOL_MESSAGE)
          .unknown(Unknown.REFUSED)
          .takes("prefix")
          .renames("seed", "random_seed")
          .skips(
              "logit_bias",
              "logprobs",
              "modalities",
              "prompt_cache_retention",
              "safety_identifier",
              "service_tier",
              "store",
              "top_logprobs",
              "user",
              "verbosity")
          .hasItsOwnForms());

  /** Where images and files go that a tool gave. */
  enum ToolFiles {
    TOOL_MESSAGE,
    /** Into a message of the user behind the outputs of all tools. */
    USER_MESSAGE
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
  enum Unknown {
    /** Skipped, if they are no use. */
    TAKEN,
    /** Given back to the server that said them; those of clients are left out. */
    OF_ITS_OWN,
    REFUSED
  }

  private final Data data;

  Dialect(Data data) {
    this.data = data;
  }

  /** The only name for the most tokens of an answer; null: as the caller says. */
  @Nullable String tokenParameter() {
    return data.tokenParameter;
  }

  /**
   * The member for thoughts of which nobody knows what their server called them; {@code content}:
   * its parts; null: it takes none.
   */
  @Nullable String reasoning() {
    return data.reasoning;
  }

  /** Whether it knows thoughts under that name only, whatever a client calls them. */
  boolean isOnlyReasoning() {
    return data.onlyReasoning;
  }

  ToolFiles toolFiles() {
    return data.toolFiles;
  }

  Instructions instructions() {
    return data.instructions;
  }

  /** Whether it knows the role {@code developer}, which is {@code system} elsewhere. */
  boolean knowsDevelopers() {
    return data.knowsDevelopers;
  }

  /** Whether it has tools of the type {@code custom}; else they are functions. */
  boolean takesCustomTools() {
    return data.takesCustomTools;
  }

  /** Whether a stream has usage only for who asks. */
  boolean asksForUsage() {
    return !data.itsOwnForms;
  }

  /**
   * Whether it takes a member of an assistant's message that not every server knows.
   *
   * @param own whether the server itself said it
   */
  boolean takes(String member, boolean own) {
    return takesUnknown(own) || data.taken.contains(member);
  }

  /**
   * Whether it takes whatever members messages and tool calls have.
   *
   * @param own whether the server itself said them
   */
  boolean takesUnknown(boolean own) {
    return data.unknown == Unknown.TAKEN || own && data.unknown == Unknown.OF_ITS_OWN;
  }

  /** Whether it refuses what it does not know, also in parts and tool calls, and names. */
  boolean refusesUnknown() {
    return data.unknown == Unknown.REFUSED;
  }

  /** Whether the arguments of a tool call must be a JSON object. */
  boolean wantsObjectArguments() {
    return data.objectArguments;
  }

  /**
   * The server's name of a parameter; null for one that it refuses and the answer can do without.
   */
  @Nullable String parameter(String name) {
    return data.skipped.contains(name) ? null : data.renamed.getOrDefault(name, name);
  }

  /**
   * Whether it has Mistral's forms: ids of nine letters and digits, documents, schemas of all
   * tools; and its order of messages.
   */
  boolean hasItsOwnForms() {
    return data.itsOwnForms;
  }

  /** What is different about a server; everything else is as most have it. */
  private static final class Data {
    private @Nullable String tokenParameter;
    private @Nullable String reasoning;
    private boolean onlyReasoning;
    private ToolFiles toolFiles = ToolFiles.USER_MESSAGE;
    private Instructions instructions = Instructions.AT_THEIR_PLACES;
    private boolean knowsDevelopers;
    private Unknown unknown = Unknown.TAKEN;
    private boolean takesCustomTools;
    private boolean objectArguments;
    private boolean itsOwnForms;
    private Set<String> taken = Set.of();
    private Set<String> skipped = Set.of();
    private Map<String, String> renamed = Map.of();

    Data tokenParameter(String name) {
      tokenParameter = name;
      return this;
    }

    Data reasoning(String member) {
      reasoning = member;
      return this;
    }

    Data onlyReasoning(String member) {
      onlyReasoning = true;
      return reasoning(member);
    }

    Data toolFiles(ToolFiles place) {
      toolFiles = place;
      return this;
    }

    Data instructions(Instructions place) {
      instructions = place;
      return this;
    }

    Data knowsDevelopers() {
      knowsDevelopers = true;
      return this;
    }

    Data takesCustomTools() {
      takesCustomTools = true;
      return this;
    }

    Data unknown(Unknown members) {
      unknown = members;
      return this;
    }

    Data takes(String... members) {
      taken = Set.of(members);
      return this;
    }

    Data renames(String parameter, String name) {
      renamed = Map.of(parameter, name);
      return this;
    }

    Data skips(String... parameters) {
      skipped = Set.of(parameters);
      return this;
    }

    Data objectArguments() {
      objectArguments = true;
      return this;
    }

    Data hasItsOwnForms() {
      itsOwnForms = true;
      return this;
    }
  }
}
