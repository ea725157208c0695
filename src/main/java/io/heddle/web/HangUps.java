package io.heddle.web;

import io.heddle.base.Seldom;
import io.netty.handler.codec.DecoderException;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.function.Predicate;
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
        || isWrittenTooLate(error)
        || DisconnectedClientHelper.isClientDisconnectedException(error);
  }

  /** Whether a connection can be read no more: it was reset, or what came on it is no TLS. */
  static boolean isBroken(Throwable error) {
    return error instanceof IOException
        || (error instanceof DecoderException && error.getCause() instanceof IOException);
  }

  /**
   * Reactor Netty gives a response whose connection has gone another channel, which is of no event
   * loop: whoever writes to it from another thread at that moment is told so.
   */
  private static boolean isWrittenTooLate(Throwable error) {
    return error instanceof IllegalStateException
        && "channel not registered to an event loop".equals(error.getMessage());
  }

  /**
   * An error that comes when nobody listens any more is logged with its stack, once a minute: when
   * many clients hang up, it is the same one for all of them. A hang-up comes like that whenever
   * the request had been answered, or given up, before it. So does a refusal, of a call that asks
   * for many things at once and was answered with the first one.
   *
   * @param ofStore which errors are the store's: it may refuse a command whose caller has gone
   */
  public static void areNoErrors(Predicate<Throwable> ofStore) {
    Seldom seldom = new Seldom();
    Hooks.onErrorDropped(error -> {
      if (isOne(error)
          || ProblemHandler.refusal(error) != null
          || ofStore.test(error)
          || !seldom.happened()) {
        log.debug("an error came when nobody listened any more", error);
      } else {
        log.error("an error came when nobody listened any more", error);
      }
    });
  }
}
