/** Calls model servers that speak the OpenAI wire, and the built-in {@code echo} model. */
@NullMarked
package io.heddle.upstream;

import org.jspecify.annotations.NullMarked;
