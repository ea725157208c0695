/** Limits: how often a subject may call, and the port that counts it. */
@NullMarked
package io.heddle.limit;

import org.jspecify.annotations.NullMarked;
