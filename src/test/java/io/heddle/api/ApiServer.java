package io.heddle.api;

import io.heddle.base.RandomIds;
import io.heddle.limit.LimitProperties;
import io.heddle.limit.Limits;
import io.heddle.limit.RateLimiter;
import io.heddle.session.RetryRecords;
import io.heddle.session.SessionIndex;
import io.heddle.session.SessionLocks;
import io.heddle.session.SessionProperties;
import io.heddle.session.SessionReader;
import io.heddle.session.SessionServices;
import io.heddle.session.SessionWriter;
import io.heddle.web.BodyReader;
import io.heddle.web.ProblemHandler;
import io.heddle.web.RequestRepair;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.http.server.reactive.HttpHandler;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** The API over the ports of an engine, on a free port. */
final class ApiServer implements HttpContract.Server {

  private final BodyReader reader;
  private final DisposableServer server;

  ApiServer(
      SessionReader sessionReader,
      SessionWriter writer,
      SessionIndex index,
      SessionLocks locks,
      RetryRecords records,
      RateLimiter limiter,
      Map<String, String> properties) {
    Binder binder = new Binder(new MapConfigurationPropertySource(properties));
    SessionProperties session = binder.bindOrCreate("heddle.session", SessionProperties.class);
    LimitProperties limit = binder.bindOrCreate("heddle.limits", LimitProperties.class);
    RandomIds ids = new RandomIds(InstantSource.system());
    SessionServices services =
        new SessionServices(
            sessionReader, writer, index, locks, records, ids, InstantSource.system(), session);
    reader = new BodyReader((int) session.maxRequest().toBytes(), session.bodyTimeout());
    Routes routes = new Routes(services, new Limits(limiter, limit), reader, ids, session);
    HttpHandler handler =
        WebHttpHandlerBuilder.webHandler(RouterFunctions.toWebHandler(routes.router()))
            .exceptionHandler(new ProblemHandler())
            .build();
    server =
        new RequestRepair()
            .apply(HttpServer.create().host("127.0.0.1").port(0))
            .handle(new ReactorHttpHandlerAdapter(handler))
            .bindNow(Duration.ofSeconds(10));
  }

  @Override
  public int port() {
    return server.port();
  }

  @Override
  public void close() {
    server.disposeNow(Duration.ofSeconds(5));
    reader.close();
  }
}
