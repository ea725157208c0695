package io.heddle.upstream;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How servers of Chat Completions differ, in one place: what one of them asks for, another refuses.
 */
public enum Dialect {

  /** OpenAI's own servers, and Azure's: they refuse what they do not know. */
  OPENAI(
      "max_completion_tokens",
      null,
      ToolFiles.USER_MESSAGE,
      Set.of("system", "developer", "user", "assistant", "tool"),
      true,
      false,
      true),

  /**
   * Most others: vLLM, Ollama, llama.cpp, DeepSeek, Kimi, GLM, Gemini, OpenRouter, LiteLLM. They
   * skip what they do not know; some refuse the role {@code developer}, and text is all that many
   * take from a tool.
   */
  COMPATIBLE(
      null,
      "reasoning_content",
      ToolFiles.USER_MESSAGE,
      Set.of("system", "user", "assistant", "tool"),
      true,
      true,
      false),

  /** Mistral's: they refuse unknown members and a user's message behind a tool's. */
  MISTRAL(
      "max_tokens",
      null,
      ToolFiles.TOOL_MESSAGE,
      Set.of("system", "user", "assistant", "tool"),
      false,
      false,
      false);

  /** Where images and files go that a tool gave. */
  enum ToolFiles {
    TOOL_MESSAGE,
    /** Into a message of the user behind the outputs of all tools. */
    USER_MESSAGE
  }

  private final @Nullable String tokenParameter;
  private final @Nullable String reasoning;
  private final ToolFiles toolFiles;
  private final Set<String> roles;
  private final boolean asksForUsage;
  private final boolean takesUnknown;
  private final boolean takesCustomTools;

  /**
   * @param tokenParameter the only name for the most tokens of an answer; null: as the caller says
   * @param reasoning the member for thoughts of which nobody knows what their server called them;
   *     null: it takes none
   * @param roles of messages; {@code developer} becomes {@code system} where it is not one of them
   * @param asksForUsage whether a stream has usage only for who asks
   * @param takesUnknown whether it takes members that clients add to an assistant's message
   * @param takesCustomTools whether it has tools of the type {@code custom}; else they are
   *     functions
   */
  Dialect(
      @Nullable String tokenParameter,
      @Nullable String reasoning,
      ToolFiles toolFiles,
      Set<String> roles,
      boolean asksForUsage,
      boolean takesUnknown,
      boolean takesCustomTools) {
    this.tokenParameter = tokenParameter;
    this.reasoning = reasoning;
    this.toolFiles = toolFiles;
    this.roles = roles;
    this.asksForUsage = asksForUsage;
    this.takesUnknown = takesUnknown;
    this.takesCustomTools = takesCustomTools;
  }

  @Nullable String tokenParameter() {
    return tokenParameter;
  }

  @Nullable String reasoning() {
    return reasoning;
  }

  ToolFiles toolFiles() {
    return toolFiles;
  }

  boolean knows(String role) {
    return roles.contains(role);
  }

  boolean asksForUsage() {
    return asksForUsage;
  }

  boolean takesUnknown() {
    return takesUnknown;
  }

  boolean takesCustomTools() {
    return takesCustomTools;
  }
}
