/** What an engine is: all ports of one store together. */
@NullMarked
package io.heddle.engine;

import org.jspecify.annotations.NullMarked;
