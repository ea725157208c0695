package io.heddle.testing;

import io.heddle.HeddleApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.http.client.ReactorResourceFactory;

/** Runs the application in this JVM, for several tests at once. */
public final class InProcess {
  private InProcess() {}

  /**
   * Starts one, with arguments as on its command line. One starts at a time: each sets up the
   * logging of the whole JVM, and two at once disturb each other.
   */
  public static synchronized ConfigurableApplicationContext start(String... arguments) {
    return new SpringApplicationBuilder(HeddleApplication.class)
        .initializers((GenericApplicationContext context) ->
            context.registerBean(ReactorResourceFactory.class, InProcess::loops))
        .run(arguments);
  }

  /**
   * Event loops of its own. Otherwise all share the JVM's, and the first that is closed ends those
   * of the others.
   */
  private static ReactorResourceFactory loops() {
    ReactorResourceFactory loops = new ReactorResourceFactory();
    loops.setUseGlobalResources(false);
    return loops;
  }
}
