package io.heddle.web;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/**
 * The names under which this server answers. A page of anybody's may have its own name point to
 * this machine and then read, as if it were this server's page, whatever needs no sign-in; only the
 * name in {@code Host} tells that apart. Nobody's name is an IP address.
 */
final class Hosts {

  private final Set<String> names;
  private final boolean any;

  /** What was answered last: nearly all requests name the same. */
  private volatile @Nullable String answered;

  Hosts(List<String> names) {
    this.names = Set.copyOf(names);
    this.any = this.names.contains(HostProperties.ANY);
  }

  /**
   * @param named in {@code Host}; null when the request names none, as HTTP/1.0 may
   */
  @Nullable Problem refusal(@Nullable String named) {
    if (named == null || named.equals(answered)) {
      return null;
    }
    Problem refusal = refusal(Authority.parse(named));
    if (refusal == null) {
      answered = named;
    }
    return refusal;
  }

  @Nullable Problem refusal(@Nullable Authority host) {
    if (any
        || host == null
        || host.isIpLiteral()
        || host.isLoopbackName()
        || names.contains(host.host())) {
      return null;
    }
    return Problem.field(
        ProblemCode.MISDIRECTED_REQUEST,
        HttpHeaders.HOST,
        "This server does not answer as "
            + host.host()
            + "; heddle.hosts names what it answers as");
  }
}
