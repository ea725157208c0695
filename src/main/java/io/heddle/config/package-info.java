/** The wiring: the only package that sees every other one. */
@NullMarked
package io.heddle.config;

import org.jspecify.annotations.NullMarked;
