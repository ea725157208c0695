/** Answers of models and tools that may be given again. */
@NullMarked
package io.heddle.cache;

import org.jspecify.annotations.NullMarked;
