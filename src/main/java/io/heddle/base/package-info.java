/** Words that every room uses: tenants, callers, keys, positions, problems and ids. */
@NullMarked
package io.heddle.base;

import org.jspecify.annotations.NullMarked;
