/** The near cache, and how a replica knows that what it remembers is not stale. */
@NullMarked
package io.heddle.nearcache;

import org.jspecify.annotations.NullMarked;
