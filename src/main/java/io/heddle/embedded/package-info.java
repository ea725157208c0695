/** The engine inside this process: the sessions' ports on H2 MVStore, in RAM or in one file. */
@NullMarked
package io.heddle.embedded;

import org.jspecify.annotations.NullMarked;
