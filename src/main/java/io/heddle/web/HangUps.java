package io.heddle.web;

import io.heddle.base.Seldom;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.util.DisconnectedClientHelper;
import reactor.core.publisher.Hooks;
import reactor.netty.channel.AbortedException;

/** Clients that hang up, in the middle of whatever it is: their affair, and nothing for the log. */
public final class HangUps {

  private static final Logger log = LoggerFactory.getLogger(HangUps.class);

  private HangUps() {}

  /** Whether the client has gone, so that there is nobody to tell anything. */
  static boolean isOne(Throwable error) {
    return error instanceof AbortedException
        || error instanceof ClosedChannelException
        || DisconnectedClientHelper.isClientDisconnectedException(error);
  }

  /** Who waits for a command's answer is told of its error elsewhere. */
  private static boolean isOfStore(Throwable error) {
    Throwable cause =
        error instanceof CompletionException && error.getCause() != null ? error.getCause() : error;
    return cause.getClass().getName().startsWith("io.lettuce.");
  }

  /**
   * An error that comes when nobody listens any more is logged with its stack, once a minute: when
   * many clients hang up, it is the same one for all of them. A hang-up comes like that whenever
   * the request had been answered, or given up, before it; and the store may refuse a command whose
   * caller has gone.
   */
  public static void areNoErrors() {
    Seldom seldom = new Seldom();
    Hooks.onErrorDropped(error -> {
      if (isOne(error) || isOfStore(error) || !seldom.happened()) {
        log.debug("an error came when nobody listened any more", error);
      } else {
        log.error("an error came when nobody listened any more", error);
      }
    });
  }
}
