/** Where settings come from, and what refuses those that cannot be meant. */
@NullMarked
package io.heddle.settings;

import org.jspecify.annotations.NullMarked;
