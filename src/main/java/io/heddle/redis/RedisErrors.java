package io.heddle.redis;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.Seldom;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.cluster.PartitionSelectorException;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns the driver's exceptions into problems. The question that matters is whether a write can
 * have happened: Redis's refusals come before a script's first write, and so does a command the
 * driver did not send; everything else is unknown.
 */
final class RedisErrors {

  private static final Logger LOG = LoggerFactory.getLogger(RedisErrors.class);

  private static final Problem AWAY =
      Problem.of(ProblemCode.STORE_UNAVAILABLE, "Redis cannot be reached").with("retryAfter", 1);

  /** The driver closed it before the request came to it. */
  private static final String CLOSED = "Connection is closed";

  private static final List<String> NOT_TAKEN =
      List.of(
          CLOSED,
          "Currently not connected",
          "Request queue size exceeded",
          "Command buffer size exceeded");

  private static final Seldom FAILED = new Seldom();
  private static final Seldom OURS = new Seldom();
  private static final Seldom UNANSWERED = new Seldom();

  /** How Redis says, in words of its own, that its user may not do what a script does. */
  private static final List<String> FORBIDDEN =
      List.of("The user executing the script can't", "ACL failure in script");

  private static final Pattern IN_SCRIPT = Pattern.compile("@user_script: ?\\d+: -([A-Z]+)(?: |$)");

  private RedisErrors() {}

  static ProblemException away() {
    return AWAY.toException();
  }

  /** No memory is left for what adds. */
  static ProblemException full() {
    return Problem.of(ProblemCode.STORE_FULL, "Redis has no memory left")
        .with("retryAfter", 5)
        .toException();
  }

  static boolean isFull(Throwable error) {
    return ProblemException.is(error, ProblemCode.STORE_FULL);
  }

  static boolean isNoScript(Throwable error) {
    return unwrap(error) instanceof RedisNoScriptException;
  }

  /** A Cluster slot is moving and holds only some of the keys; nothing was run. */
  static boolean isSplit(Throwable error) {
    return startsWith(unwrap(error), "TRYAGAIN");
  }

  /**
   * A Cluster slot is moving: its keys are on two nodes, or the driver was sent from one to the
   * other too often. Nothing was run.
   */
  static boolean isMoving(Throwable error) {
    Throwable cause = unwrap(error);
    return cause instanceof RedisCommandExecutionException
        && (isSplit(cause) || startsWith(cause, "MOVED ") || startsWith(cause, "ASK "));
  }

  static boolean isUnknown(Throwable error) {
    return ProblemException.is(error, ProblemCode.OUTCOME_UNKNOWN);
  }

  /** Nothing was sent, or Redis refuses requests for now. */
  static boolean isAway(Throwable error) {
    return ProblemException.is(error, ProblemCode.STORE_UNAVAILABLE);
  }

  /** No answer came in time. */
  static boolean isLate(@Nullable Throwable error) {
    return error != null && unwrap(error) instanceof RedisCommandTimeoutException;
  }

  /** The slot is not, or not wholly, with the server that was asked. */
  static boolean isElsewhere(Throwable error) {
    return switch (refusal(error)) {
      case "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN" -> true;
      default -> false;
    };
  }

  /**
   * Redis takes no questions on a connection with subscriptions: it does not speak RESP3, as the
   * driver or Redis itself says, or its user may not ask. Another connection would be no better.
   */
  static boolean isUnaskable(@Nullable Throwable error) {
    String message = message(error);
    return message.contains("not allowed while subscribed")
        || message.contains("Can't execute")
        || message.startsWith("NOPERM");
  }

  static String message(@Nullable Throwable error) {
    return error == null ? "nothing" : String.valueOf(unwrap(error).getMessage());
  }

  /** A replica's refusal of what is written. */
  static boolean isReplicas(Throwable error) {
    return refusal(error).equals("READONLY");
  }

  /** The first word of what Redis said; empty when it said nothing. */
  static String refusal(Throwable error) {
    Throwable cause = unwrap(error);
    return cause instanceof RedisCommandExecutionException
        ? word(String.valueOf(cause.getMessage()))
        : "";
  }

  /** Its connection ended before it was answered; whether it had been sent nobody knows. */
  static boolean wasCutOff(Throwable error) {
    Throwable cause = unwrap(error);
    return !(cause instanceof RedisCommandExecutionException)
        && !(cause instanceof RedisCommandTimeoutException)
        && isOutage(cause)
        && (!notSent(cause) || startsWith(cause, CLOSED));
  }

  static Throwable translate(Throwable thrown, boolean writes) {
    Throwable error = unwrap(thrown);
    if (error instanceof ProblemException) {
      return error;
    }
    if (error instanceof RedisCommandExecutionException refused) {
      return problemOf(refused, writes);
    }
    if (!isOutage(error)) {
      logOurs(error);
    }
    if (notSent(error) || !writes) {
      return away();
    }
    if (UNANSWERED.happened()) {
      LOG.warn(
          "Redis did not answer a write that was sent, {} since the start: {}",
          UNANSWERED.count(),
          error.toString());
    }
    return Problem.of(
            ProblemCode.OUTCOME_UNKNOWN,
            "Redis did not answer a write that was sent; look before you send it again, or use an"
                + " Idempotency-Key")
        .toException();
  }

  private static boolean isForbidden(String message) {
    return FORBIDDEN.stream().anyMatch(message::contains);
  }

  /** Told as an outage only, it would never be found. A client that is closed fails too. */
  private static void logOurs(Throwable error) {
    if (error instanceof RejectedExecutionException || !OURS.happened()) {
      LOG.debug("A request to Redis failed here", error);
    } else {
      LOG.warn("A request to Redis failed here, {} since the start", OURS.count(), error);
    }
  }

  /** Why there is no connection, in words that hold no part of a password. */
  static String reasonOf(Throwable thrown) {
    Throwable root = thrown;
    String text = "";
    while (true) {
      String message = String.valueOf(root.getMessage());
      for (String word :
          List.of(
              "WRONGPASS",
              "NOAUTH",
              "NOPERM",
              "AUTH <password> called without",
              "LOADING",
              "MASTERDOWN",
              "CLUSTERDOWN")) {
        // Redisson puts what the server said into the middle of a text of its own.
        if (message.contains(word + " ")) {
          text = word;
        }
      }
      if (root.getCause() == null || root.getCause() == root) {
        break;
      }
      root = root.getCause();
    }
    return switch (text) {
      case "WRONGPASS" -> "Redis refuses the user name or the password (WRONGPASS)";
      case "NOAUTH" -> "Redis asks for a password, and none is set (NOAUTH)";
      case "AUTH <password> called without" -> "Redis has no password, and one is set for Heddle";
      case "NOPERM" -> "Redis does not let this user do what Heddle needs (NOPERM)";
      case "" ->
          root instanceof IOException || root instanceof RedisConnectionException
              ? "it cannot be reached: " + sentence(root)
              : "it cannot be used: " + sentence(root);
      default -> "Redis refuses requests for now (" + text + ")";
    };
  }

  /** Without what Redisson adds: the connection, which is another each time, and the command. */
  private static String sentence(Throwable error) {
    return String.valueOf(error.getMessage()).replaceFirst("(?s)\\.? channel: .*", "");
  }

  private static Throwable problemOf(RedisCommandExecutionException refused, boolean writes) {
    String message = String.valueOf(refused.getMessage());
    // What comes first in a script may have been written by the time the rest is forbidden.
    String word = writes && isForbidden(message) ? "" : word(message);
    return switch (word) {
      case "OOM" -> full();
      case "LOADING",
          "MASTERDOWN",
          "CLUSTERDOWN",
          "TRYAGAIN",
          "READONLY",
          "BUSY",
          "MISCONF",
          "NOREPLICAS",
          "NOAUTH",
          "WRONGPASS",
          "NOPERM",
          "ASK",
          "MOVED",
          "UNBLOCKED" -> {
        LOG.debug("Redis refuses: {}", message);
        yield Problem.of(
                ProblemCode.STORE_UNAVAILABLE,
                "Redis refuses requests for now: " + word.toLowerCase(Locale.ROOT))
            .with("retryAfter", 1)
            .toException();
      }
      default -> {
        if (message.contains("Script killed by user")) {
          // SCRIPT KILL ends only what has written nothing.
          yield away();
        }
        // One broken session is met again and again.
        if (FAILED.happened()) {
          LOG.error("Redis failed a request, {} since the start: {}", FAILED.count(), message);
        }
        yield Problem.of(ProblemCode.INTERNAL, "The store failed").toException();
      }
    };
  }

  /**
   * The first word of an error says what it is. Redis 6 puts what a command within a script was told
   * behind where that was: {@code ERR Error running script (call to f_…): @user_script:1:
   * @user_script: 1: -OOM command not allowed…}.
   */
  static String word(String message) {
    if (isForbidden(message)) {
      return "NOPERM";
    }
    Matcher inScript = IN_SCRIPT.matcher(message);
    return inScript.find() ? inScript.group(1) : message.split(" ", 2)[0];
  }

  private static boolean isOutage(Throwable error) {
    return error instanceof RedisException
        || error instanceof IOException
        || error instanceof CancellationException;
  }

  private static boolean notSent(Throwable error) {
    if (error instanceof RedisConnectionException || error instanceof PartitionSelectorException) {
      return true;
    }
    // Lettuce has no type of its own for what it refuses to take.
    return error instanceof RedisException
        && NOT_TAKEN.stream().anyMatch(text -> startsWith(error, text));
  }

  private static boolean startsWith(Throwable error, String text) {
    return error.getMessage() != null && error.getMessage().startsWith(text);
  }

  static Throwable unwrap(Throwable error) {
    return error instanceof CompletionException && error.getCause() != null
        ? error.getCause()
        : error;
  }
}
