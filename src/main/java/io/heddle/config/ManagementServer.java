package io.heddle.config;

import io.heddle.web.ConnectionGuard;
import io.heddle.web.HttpProperties;
import org.springframework.boot.actuate.autoconfigure.web.server.ConditionalOnManagementPort;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementPortType;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;

/**
 * The server for operators, when it has a port of its own. It is made in a context of its own,
 * which finds this class in {@code ManagementContextConfiguration.imports}; being no
 * {@code @Configuration} it is not found by the application's scan, whose server is the API's.
 */
class ManagementServer {

  @Bean
  @ConditionalOnManagementPort(ManagementPortType.DIFFERENT)
  WebServerFactoryCustomizer<NettyReactiveWebServerFactory> managementGuard(
      HttpProperties properties) {
    ConnectionGuard guard = ConnectionGuard.ofManagement(properties);
    return factory -> factory.addServerCustomizers(guard::apply);
  }
}
