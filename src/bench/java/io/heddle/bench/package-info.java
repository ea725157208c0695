/** Programs that measure Heddle next to something plain, each a figure that an issue asks for. */
@NullMarked
package io.heddle.bench;

import org.jspecify.annotations.NullMarked;
