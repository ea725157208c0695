/** The native HTTP API: its routes, what its calls take, and how they answer. */
@NullMarked
package io.heddle.api;

import org.jspecify.annotations.NullMarked;
