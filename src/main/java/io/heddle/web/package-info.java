/** What the edges share: request bodies, ready answers, problems, and the server below Spring. */
@NullMarked
package io.heddle.web;

import org.jspecify.annotations.NullMarked;
