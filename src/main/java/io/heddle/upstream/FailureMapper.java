package io.heddle.upstream;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.Utf8;
import io.heddle.upstream.CallFailure.Blame;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.netty.channel.AbortedException;
import reactor.netty.internal.shaded.reactor.pool.PoolAcquirePendingLimitException;
import reactor.netty.internal.shaded.reactor.pool.PoolAcquireTimeoutException;

/**
 * Why calls of one upstream fail. What the server itself says is shortened, and loses whatever
 * looks like a key of ours.
 */
final class FailureMapper {

  private static final Logger log = LoggerFactory.getLogger(FailureMapper.class);

  /** Enough for a sentence or two, and not for a prompt that is quoted back. */
  private static final int LONGEST_MESSAGE = 500;

  private static final int FAR = 16 * 1024;
  private static final String HIDDEN = "***";
  private static final Pattern KEYS =
      Pattern.compile("(?i)\\b(sk-|bearer\\s+)[A-Za-z0-9._~+/*-]{6,}=*");
  private static final Pattern UNSEEN = Pattern.compile("[\\p{Cntrl}\\s]+");

  private final String upstream;
  private final List<String> secrets;
  private final AtomicBoolean toldOfSetup = new AtomicBoolean();

  /**
   * @param secrets never to be shown, whoever says them
   */
  FailureMapper(String upstream, List<String> secrets) {
    this.upstream = upstream;
    this.secrets = secrets.stream().filter(secret -> secret.length() >= 4).toList();
  }

  /** The name of the upstream. */
  String upstream() {
    return upstream;
  }

  /** An answer came: what was wrong with our settings is not any more. */
  void answered() {
    if (toldOfSetup.get()) {
      toldOfSetup.set(false);
    }
  }

  CallFailure failed(String what, Blame blame) {
    return new CallFailure(
        ProblemCode.MODEL_FAILED, "The upstream " + upstream + " " + what, blame);
  }

  /**
   * @param said whether a part of the answer was told on
   */
  CallFailure brokeOff(boolean said) {
    return failed(
        said ? "broke its answer off before the end" : "ended its answer before it had begun",
        said ? Blame.NOBODY : Blame.SERVER);
  }

  /**
   * A success that is neither an event stream nor JSON.
   *
   * @param words its first line
   */
  CallFailure noStream(String words) {
    boolean isPage = words.stripLeading().startsWith("<");
    return failed(
        isPage ? "answered with a page for people" : "answered with words: " + cleaned(words),
        Blame.SERVER);
  }

  CallFailure tooSlow(String what, Duration limit) {
    return new CallFailure(
        ProblemCode.MODEL_TIMEOUT,
        "The upstream " + upstream + " " + what + " within " + shown(limit),
        Blame.SERVER);
  }

  /** An error object where a chunk was expected. */
  CallFailure inStream(ServerError error, boolean said) {
    if (!said && error.blamesTheRequest()) {
      return refused(error, error.status() == 0 ? 400 : error.status());
    }
    if (!said && error.isBusy()) {
      return new CallFailure(
          retryAfter(problem(ProblemCode.MODEL_UNAVAILABLE, "is busy", error), error.pause()),
          error.status() == 429 ? Blame.NOBODY : Blame.SERVER);
    }
    return failed("answered with an error" + colon(error), said ? Blame.NOBODY : Blame.SERVER);
  }

  /**
   * An answer that is none.
   *
   * @param asked what the head asks to wait before the next try, or null
   * @param longestWait what is waited at most
   */
  CallFailure status(
      int status, ServerError error, @Nullable Duration asked, Duration longestWait) {
    Duration wait = asked == null ? error.pause() : asked;
    return switch (status) {
      case 401, 403 -> setup(status, "does not take Heddle's credentials");
      case 408 ->
          new CallFailure(
              problem(ProblemCode.MODEL_TIMEOUT, "gave up waiting", error)
                  .with("upstreamStatus", status),
              Blame.SERVER);
      case 429 -> {
        CallFailure busy = busy(status, error, wait, Blame.NOBODY);
        boolean spent = "insufficient_quota".equals(error.code());
        yield wait == null || spent || wait.compareTo(longestWait) > 0 ? busy : busy.again(wait);
      }
      case 498, 502, 503, 504, 529 -> {
        CallFailure busy = busy(status, error, wait, Blame.SERVER);
        Duration again = wait == null ? Duration.ZERO : wait;
        yield again.compareTo(longestWait) > 0 ? busy : busy.again(again);
      }
      default -> {
        if (status >= 500) {
          yield new CallFailure(
              problem(ProblemCode.MODEL_FAILED, "failed (" + status + ")", error)
                  .with("upstreamStatus", status),
              Blame.SERVER);
        }
        yield status >= 400 ? refused(error, status) : setup(status, "sends callers elsewhere");
      }
    };
  }

  /** Whatever else a call can end with. */
  CallFailure of(Throwable error, boolean answered, boolean said) {
    return switch (error) {
      case CallFailure known -> known;
      case SseParser.TooLarge _ ->
          failed("sent an event that is too large", said ? Blame.NOBODY : Blame.SERVER);
      // Netty's timeout of a connection is one of these too.
      case ConnectException _ -> unreachable("does not accept connections").again(Duration.ZERO);
      case NoRouteToHostException _ -> unreachable("has no route").again(Duration.ZERO);
      case UnknownHostException _ -> unreachable("has an unknown host").again(Duration.ZERO);
      case SSLException _ -> {
        log.warn("No TLS with the upstream {}: {}", upstream, cleaned(error.getMessage()));
        yield unreachable("cannot be spoken to over TLS");
      }
      case PoolAcquirePendingLimitException _, PoolAcquireTimeoutException _ ->
          new CallFailure(
              ProblemCode.MODEL_UNAVAILABLE,
              "All connections to the upstream " + upstream + " are in use",
              Blame.NOBODY);
      // The second: the server closed the connection when the request was about to be sent.
      case IOException _, AbortedException _ ->
          answered
              ? brokeOff(said)
              : new CallFailure(
                  ProblemCode.MODEL_UNAVAILABLE,
                  "The upstream " + upstream + " closed the connection before it answered",
                  Blame.SERVER);
      default -> {
        log.error("A call of the upstream {} failed", upstream, error);
        yield failed("could not be understood", Blame.NOBODY);
      }
    };
  }

  private CallFailure unreachable(String what) {
    return new CallFailure(
        ProblemCode.MODEL_UNAVAILABLE, "The upstream " + upstream + " " + what, Blame.LINK);
  }

  private CallFailure refused(ServerError error, int status) {
    Problem problem =
        problem(ProblemCode.MODEL_REFUSED, "refused the request (" + status + ")", error)
            .with("upstreamStatus", status);
    if (error.code() != null) {
      problem = problem.with("upstreamCode", error.code());
    }
    if (error.param() != null) {
      problem = problem.with(RefusedParameter.MEMBER, error.param());
    }
    return new CallFailure(problem, Blame.REQUEST);
  }

  private CallFailure busy(int status, ServerError error, @Nullable Duration wait, Blame blame) {
    Problem problem =
        problem(ProblemCode.MODEL_UNAVAILABLE, "is busy (" + status + ")", error)
            .with("upstreamStatus", status);
    return new CallFailure(retryAfter(problem, wait), blame);
  }

  private static Problem retryAfter(Problem problem, @Nullable Duration wait) {
    return wait == null
        ? problem
        : problem.with("retryAfter", Math.max(1, wait.plusMillis(999).toSeconds()));
  }

  /**
   * Our own fault, not the caller's. Told once until an answer comes; never what the server says.
   */
  private CallFailure setup(int status, String what) {
    if (toldOfSetup.compareAndSet(false, true)) {
      log.error(
          "The upstream {} {} (status {}): look at heddle.upstreams.{}",
          upstream,
          what,
          status,
          upstream);
    }
    return new CallFailure(
        Problem.of(ProblemCode.MODEL_UNAVAILABLE, "The upstream " + upstream + " " + what)
            .with("upstreamStatus", status),
        Blame.NOBODY);
  }

  private Problem problem(ProblemCode code, String what, ServerError error) {
    return Problem.of(code, "The upstream " + upstream + " " + what + colon(error));
  }

  private String colon(ServerError error) {
    String message = error.message() == null ? "" : cleaned(error.message());
    return message.isEmpty() ? "" : ": " + message;
  }

  /** On one line, not too long, without keys. */
  String cleaned(@Nullable String text) {
    if (text == null) {
      return "";
    }
    // Far behind what is shown: a key that is cut in two would not be found.
    String part = Utf8.mended(text.length() > FAR ? text.substring(0, FAR) : text);
    for (String secret : secrets) {
      part = part.replace(secret, HIDDEN);
    }
    String line = UNSEEN.matcher(KEYS.matcher(part).replaceAll(HIDDEN)).replaceAll(" ").strip();
    if (line.length() <= LONGEST_MESSAGE) {
      return line;
    }
    int end = Character.isHighSurrogate(line.charAt(LONGEST_MESSAGE - 1)) ? 1 : 0;
    return line.substring(0, LONGEST_MESSAGE - end) + "…";
  }

  private static String shown(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + " s"
        : duration.toMillis() + " ms";
  }
}
