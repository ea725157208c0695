/** What every engine must do, as suites that run against each of them. */
@NullMarked
package io.heddle.session.contract;

import org.jspecify.annotations.NullMarked;
