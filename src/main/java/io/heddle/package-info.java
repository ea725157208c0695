/** The application class and the wiring: the only package that sees every other one. */
@NullMarked
package io.heddle;

import org.jspecify.annotations.NullMarked;
