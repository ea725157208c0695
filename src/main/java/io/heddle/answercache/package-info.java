/** Answers of models and tools that may be given again. */
@NullMarked
package io.heddle.answercache;

import org.jspecify.annotations.NullMarked;
