/**
 * What the edges share: the gate that calls enter by, routes, headers, bodies and answers, and the
 * server below Spring.
 */
@NullMarked
package io.heddle.web;

import org.jspecify.annotations.NullMarked;
