/** Real replicas, real kills: what is acknowledged stays, once and in order. */
@NullMarked
package io.heddle.faults;

import org.jspecify.annotations.NullMarked;
