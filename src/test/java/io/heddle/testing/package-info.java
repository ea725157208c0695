/** Real servers for the tests, and the means to break the way to them. */
@NullMarked
package io.heddle.testing;

import org.jspecify.annotations.NullMarked;
