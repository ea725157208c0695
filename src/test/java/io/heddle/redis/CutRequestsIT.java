package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.NewMessage;
import io.heddle.session.PageRequest;
import io.heddle.session.ReadContext;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionAttributes.Status;
import io.heddle.session.StoreLimits;
import io.heddle.session.ThreadPage;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import io.heddle.testing.RedisProcess;
import io.heddle.testing.TcpProxy;
import io.heddle.testing.TcpProxy.Direction;
import io.heddle.testing.TcpProxy.Hold;
import io.heddle.testing.TcpProxy.Request;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A connection ends between a request and its answer. The driver of a Cluster ends connections when
 * it looks for the servers anew, and who was reading then was refused with 503 for no reason of
 * theirs.
 */
class CutRequestsIT {

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final SessionKey KEY = new SessionKey(Tenant.DEFAULT, "cut");

  private final RedisProcess redis = RedisProcess.start();
  private final TcpProxy proxy = TcpProxy.to(redis.uri());
  private EngineFixture fixture;

  @BeforeEach
  void start() {
    fixture = EngineFixture.standalone(proxy.uri(), StoreLimits.DEFAULT);
    SessionAttributes description =
        new SessionAttributes(
            null, null, Json.of("{}"), null, null, Status.ACTIVE, Duration.ofHours(1));
    fixture
        .engine()
        .writer()
        .apply(KEY, new Write.Create(description, List.of()), WritePreconditions.NONE)
        .block(PATIENCE);
  }

  @AfterEach
  void stop() {
    fixture.close();
    proxy.close();
    redis.close();
  }

  @ParameterizedTest
  @EnumSource
  void aReadIsAskedOnceMore(Direction where) throws Exception {
    load().get(20, TimeUnit.SECONDS);
    proxy.forgetRequests();
    Hold hold = proxy.hold(where, request -> isOf(RedisScript.LOAD, request));
    CompletableFuture<ThreadPage> read = load();
    assertThat(hold.await(PATIENCE)).isTrue();

    proxy.cut(hold);

    assertThat(read.get(20, TimeUnit.SECONDS).session().key()).isEqualTo(KEY);
    assertThat(sent(RedisScript.LOAD)).isEqualTo(2);
  }

  /** Nobody knows whether it was done, so only its caller may send it again. */
  @Test
  void aWriteIsNot() throws Exception {
    Hold hold = proxy.hold(Direction.DOWNSTREAM, request -> isOf(RedisScript.APPEND, request));
    CompletableFuture<?> written =
        fixture
            .engine()
            .writer()
            .apply(
                KEY,
                new Write.Append(
                    List.of(
                        new NewMessage(null, Json.of("{\"role\":\"user\",\"content\":\"a\"}")))),
                WritePreconditions.NONE)
            .toFuture();
    assertThat(hold.await(PATIENCE)).isTrue();
    proxy.forgetRequests();

    proxy.cut(hold);

    assertThatThrownBy(() -> written.get(20, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOfSatisfying(
            ProblemException.class,
            told -> assertThat(told.problem().code()).isEqualTo(ProblemCode.OUTCOME_UNKNOWN));
    assertThat(sent(RedisScript.APPEND)).isZero();
  }

  private CompletableFuture<ThreadPage> load() {
    return fixture.engine().reader().load(KEY, ReadContext.ANY, PageRequest.last(5)).toFuture();
  }

  private long sent(RedisScript script) {
    return proxy.requests().stream().filter(request -> isOf(script, request)).count();
  }

  private static boolean isOf(RedisScript script, Request request) {
    return request.command().equals("EVALSHA") && request.argument().equals(script.sha());
  }
}
