package io.heddle.config;

import io.heddle.api.Routes;
import io.heddle.base.ByteBudget;
import io.heddle.base.IdSource;
import io.heddle.limit.Limits;
import io.heddle.limit.TokenLimits;
import io.heddle.live.LiveProperties;
import io.heddle.openai.OpenAiRefusals;
import io.heddle.ops.MemoryMetrics;
import io.heddle.redis.RedisClients;
import io.heddle.session.SessionProperties;
import io.heddle.session.service.SessionServices;
import io.heddle.turn.Turns;
import io.heddle.web.BodyReader;
import io.heddle.web.ConnectionGuard;
import io.heddle.web.HangUps;
import io.heddle.web.HostProperties;
import io.heddle.web.HttpProperties;
import io.heddle.web.ProblemHandler;
import io.heddle.web.RequestGate;
import io.heddle.web.RequestTargetCheck;
import io.heddle.web.RouteAdapter;
import io.heddle.web.TrustedProxies;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.web.reactive.function.server.support.RouterFunctionMapping;
import org.springframework.web.server.session.WebSessionManager;
import reactor.core.publisher.Mono;

/** The edges. */
@Configuration(proxyBeanMethods = false)
class WebConfiguration {

  @Bean(destroyMethod = "close")
  BodyReader bodyReader(SessionProperties properties, ByteBudget budget) {
    int most = Math.toIntExact(properties.maxRequest().toBytes());
    return new BodyReader(most, properties.bodyTimeout(), budget);
  }

  /**
   * Before every other mapping: each request would else be looked up among the endpoints for
   * operators first.
   */
  @Bean
  RouterFunctionMapping nativeApi(Routes routes) {
    RouterFunctionMapping mapping = new RouterFunctionMapping(routes.router());
    mapping.setOrder(Ordered.HIGHEST_PRECEDENCE);
    return mapping;
  }

  @Bean
  Routes routes(
      SessionServices services,
      Turns turns,
      Limits limits,
      TokenLimits tokens,
      BodyReader reader,
      IdSource ids,
      SessionProperties properties,
      Routes.Cache cache,
      Routes.Live live) {
    return new Routes(services, turns, limits, tokens, reader, ids, properties, cache, live);
  }

  @Bean
  RouteAdapter routeAdapter() {
    return new RouteAdapter();
  }

  /** In the place of Spring's own, which believes anybody. */
  @Bean(TrustedProxies.BEAN)
  TrustedProxies trustedProxies(HttpProperties properties) {
    return new TrustedProxies(properties.trustedProxies());
  }

  /** Before Spring Boot's own, which answers in another form. */
  @Bean
  ProblemHandler problemHandler() {
    HangUps.areNoErrors(RedisClients::isDriversError);
    return new ProblemHandler();
  }

  /** Only of the API's server: one for management has a guard of its own. */
  @Bean
  ConnectionGuard connectionGuard(
      HttpProperties properties, TrustedProxies proxies, ByteBudget budget) {
    return ConnectionGuard.ofApi(properties, proxies, budget);
  }

  @Bean
  WebServerFactoryCustomizer<NettyReactiveWebServerFactory> requestRepair(ConnectionGuard guard) {
    return factory -> factory.addServerCustomizers(RequestTargetCheck.customizer(), guard::apply);
  }

  @Bean
  MemoryMetrics memoryMetrics(ByteBudget budget, ConnectionGuard guard) {
    Map<String, LongSupplier> ended = new LinkedHashMap<>();
    for (ConnectionGuard.Cause cause : ConnectionGuard.Cause.values()) {
      ended.put(cause.text(), () -> guard.count(cause));
    }
    return new MemoryMetrics(budget, guard::open, guard::most, ended);
  }

  /** The first of all filters. */
  @Bean
  @Order(Ordered.HIGHEST_PRECEDENCE)
  RequestGate requestGate(HostProperties hosts, LiveProperties live, Routes routes) {
    return new RequestGate(
        hosts.hosts(), live.origins(), routes.patterns(), OpenAiRefusals::answer);
  }

  /** Nothing here keeps a web session; Spring would prepare one for every request. */
  @Bean
  WebSessionManager webSessionManager() {
    return exchange -> Mono.empty();
  }
}
