/**
 * JSON over bytes: one strict reader, one value, one writer and one factory of parsers. Numbers and
 * members that nobody knows stay as they were written.
 */
@NullMarked
package io.heddle.json;

import org.jspecify.annotations.NullMarked;
