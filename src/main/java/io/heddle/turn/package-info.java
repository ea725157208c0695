/** Turns: begun, streamed, ended, queued, resumed and reaped. */
@NullMarked
package io.heddle.turn;

import org.jspecify.annotations.NullMarked;
