/** The Redis engine: connections, every script, every key name, and Redisson. */
@NullMarked
package io.heddle.redis;

import org.jspecify.annotations.NullMarked;
