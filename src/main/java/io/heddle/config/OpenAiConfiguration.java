package io.heddle.config;

import io.heddle.base.IdSource;
import io.heddle.engine.Engine;
import io.heddle.limit.Limits;
import io.heddle.limit.TokenLimits;
import io.heddle.openai.OpenAiProperties;
import io.heddle.openai.Routes;
import io.heddle.session.SessionProperties;
import io.heddle.session.service.SessionServices;
import io.heddle.turn.Turns;
import io.heddle.turn.Upstream;
import io.heddle.web.BodyReader;
import io.heddle.web.Connections;
import java.time.InstantSource;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.web.reactive.function.server.support.RouterFunctionMapping;

/** The OpenAI wire. */
@Configuration(proxyBeanMethods = false)
class OpenAiConfiguration {

  /** Right behind the native API. */
  @Bean
  RouterFunctionMapping openAiApi(
      SessionServices services,
      Engine engine,
      Turns turns,
      Upstream upstream,
      Limits limits,
      TokenLimits tokens,
      BodyReader bodies,
      Connections connections,
      IdSource ids,
      InstantSource clock,
      SessionProperties properties,
      OpenAiProperties wire) {
    Routes routes =
        new Routes(
            services,
            engine.reader(),
            new Routes.Models(turns, turns.direct(), upstream, engine.answers()),
            limits,
            tokens,
            bodies,
            connections,
            ids,
            clock,
            properties,
            wire);
    RouterFunctionMapping mapping = new RouterFunctionMapping(routes.router());
    mapping.setOrder(Ordered.HIGHEST_PRECEDENCE + 1);
    return mapping;
  }
}
