/**
 * The OpenAI wire: Chat Completions, Conversations, Responses and models over the same sessions.
 */
@NullMarked
package io.heddle.openai;

import org.jspecify.annotations.NullMarked;
