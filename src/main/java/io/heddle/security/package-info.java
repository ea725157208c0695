/** Who may call, and from where. */
@NullMarked
package io.heddle.security;

import org.jspecify.annotations.NullMarked;
