/** Health and metrics. */
@NullMarked
package io.heddle.ops;

import org.jspecify.annotations.NullMarked;
