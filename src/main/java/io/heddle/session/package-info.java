/** Sessions and their threads: the data, what can be done with it, and the ports of an engine. */
@NullMarked
package io.heddle.session;

import org.jspecify.annotations.NullMarked;
