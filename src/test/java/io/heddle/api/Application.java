package io.heddle.api;

import io.heddle.testing.InProcess;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.springframework.context.ConfigurableApplicationContext;

/** The whole application in this JVM, on a free port. */
final class Application implements HttpContract.Server {

  private final ConfigurableApplicationContext context;

  private Application(ConfigurableApplicationContext context) {
    this.context = context;
  }

  static Application start(Map<String, String> properties) {
    List<String> arguments =
        new ArrayList<>(
            List.of("--server.port=0", "--heddle.env-file=", "--server.shutdown=immediate"));
    properties.forEach((name, value) -> arguments.add("--" + name + "=" + value));
    return new Application(InProcess.start(arguments.toArray(String[]::new)));
  }

  @Override
  public int port() {
    return context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
  }

  @Override
  public <T> T bean(Class<T> type) {
    return context.getBean(type);
  }

  @Override
  public void close() {
    context.close();
  }
}
