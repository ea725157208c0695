/** What the edges and turns do with sessions, over the ports of any engine. */
@NullMarked
package io.heddle.session.service;

import org.jspecify.annotations.NullMarked;
