/** Words that every room uses: tenants, callers, keys, positions, problems, ids and JSON bytes. */
@NullMarked
package io.heddle.base;

import org.jspecify.annotations.NullMarked;
