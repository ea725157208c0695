package io.heddle.web;

import java.nio.channels.ClosedChannelException;
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

  /**
   * An error that comes when nobody listens any more is logged with its stack. A hang-up comes like
   * that whenever the request had been answered, or given up, before it.
   */
  public static void areNoErrors() {
    Hooks.onErrorDropped(error -> {
      if (isOne(error)) {
        log.debug("a client hung up", error);
      } else {
        log.error("an error came when nobody listened any more", error);
      }
    });
  }
}
