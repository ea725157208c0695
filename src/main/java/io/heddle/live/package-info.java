/** Those who watch sessions: what happened since, what happens now, each in its bounds. */
@NullMarked
package io.heddle.live;

import org.jspecify.annotations.NullMarked;
