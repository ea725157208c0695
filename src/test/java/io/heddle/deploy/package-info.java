/** What is deployed, next to what the application says of itself. */
@NullMarked
package io.heddle.deploy;

import org.jspecify.annotations.NullMarked;
