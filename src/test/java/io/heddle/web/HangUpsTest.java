package io.heddle.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.redis.RedisClients;
import io.lettuce.core.RedisNoScriptException;
import io.netty.channel.local.LocalChannel;
import io.netty.handler.codec.DecoderException;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletionException;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.slf4j.LoggerFactory;
import org.springframework.mock.http.server.reactive.MockServerHttpRequest;
import org.springframework.mock.web.server.MockServerWebExchange;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Forty callers hung up while Redis, just started, knew no script yet: each left an ERROR with a
 * stack trace, for a command that nobody waited for.
 */
@Isolated
class HangUpsTest {

  private final Logger logger = (Logger) LoggerFactory.getLogger(HangUps.class);
  private final ListAppender<ILoggingEvent> events = new ListAppender<>();

  @BeforeEach
  void listen() {
    events.start();
    logger.addAppender(events);
    HangUps.areNoErrors(RedisClients::isDriversError);
  }

  @AfterEach
  void leave() {
    logger.detachAppender(events);
    Hooks.resetOnErrorDropped();
  }

  private List<ILoggingEvent> errors() {
    return events.list.stream().filter(event -> event.getLevel().equals(Level.ERROR)).toList();
  }

  @Test
  void theStoresErrorIsNothingForTheLog() {
    Operators.onErrorDropped(new RedisNoScriptException("NOSCRIPT"), Context.empty());
    Operators.onErrorDropped(
        new CompletionException(new RedisNoScriptException("NOSCRIPT")), Context.empty());

    assertThat(errors()).isEmpty();
  }

  @Test
  void anErrorOfOursIsLoggedOnceAMinute() {
    for (int i = 0; i < 40; i++) {
      Operators.onErrorDropped(new IllegalStateException("a mistake"), Context.empty());
    }

    assertThat(errors()).hasSize(1);
    assertThat(errors().getFirst().getThrowableProxy().getMessage()).isEqualTo("a mistake");
  }

  /**
   * A caller hung up while his answer was on its way from the store's thread: of two thousand such
   * calls on a busy machine one left an ERROR.
   */
  @Test
  void anAnswerThatHasLostItsConnectionIsForNobody() {
    assertThatThrownBy(() -> new LocalChannel().eventLoop())
        .satisfies(error -> assertThat(HangUps.isOne(error)).isTrue());
    assertThat(HangUps.isOne(new IllegalStateException("a mistake"))).isFalse();
  }

  /** What is wrong with the bytes of a request is no reason to drop its connection unanswered. */
  @Test
  void aConnectionBreaksByWhatItIsNotByWhatItBrings() {
    assertThat(HangUps.isBroken(new IOException("Connection reset by peer"))).isTrue();
    assertThat(HangUps.isBroken(new DecoderException(new SSLException("no TLS")))).isTrue();
    assertThat(HangUps.isBroken(new DecoderException("no chunk"))).isFalse();
    assertThat(HangUps.isBroken(new IllegalStateException("a mistake"))).isFalse();
  }

  /**
   * Redis was slow while all sessions were listed, which asks it for many things at once: the
   * refusals that came after the answer left an ERROR, and those that came together were told as
   * {@code internal}, with fifty lines of stack.
   */
  @Test
  void severalRefusalsAreOne() {
    Throwable together =
        Flux.range(0, 3)
            .flatMapDelayError(_ -> Mono.<Integer>error(away()), 3, 1)
            .then()
            .<Throwable>thenReturn(new AssertionError("nothing failed"))
            .onErrorResume(Mono::just)
            .block();
    assertThat(Exceptions.isMultiple(together)).isTrue();

    Operators.onErrorDropped(away(), Context.empty());
    Operators.onErrorDropped(together, Context.empty());
    assertThat(errors()).isEmpty();
    MockServerWebExchange exchange =
        MockServerWebExchange.from(MockServerHttpRequest.get("/v1/sessions"));
    assertThat(ProblemHandler.problem(exchange, together).code())
        .isEqualTo(ProblemCode.STORE_UNAVAILABLE);

    Throwable mistaken = Exceptions.multiple(away(), new IllegalStateException("a mistake"));
    assertThat(ProblemHandler.problem(exchange, mistaken).code()).isEqualTo(ProblemCode.INTERNAL);
    Operators.onErrorDropped(mistaken, Context.empty());
    assertThat(errors()).hasSize(1);
  }

  private static RuntimeException away() {
    return Problem.of(ProblemCode.STORE_UNAVAILABLE, "Redis cannot be reached").toException();
  }
}
