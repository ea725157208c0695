package io.heddle.testing;

import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.http.client.ReactorResourceFactory;

/**
 * Gives an application that a test runs in this JVM event loops of its own. Otherwise all of them
 * share the JVM's, and the first one that is closed ends those of the others.
 */
public final class OwnLoops implements ApplicationContextInitializer<GenericApplicationContext> {
  @Override
  public void initialize(GenericApplicationContext context) {
    context.registerBean(ReactorResourceFactory.class, OwnLoops::loops);
  }

  private static ReactorResourceFactory loops() {
    ReactorResourceFactory loops = new ReactorResourceFactory();
    loops.setUseGlobalResources(false);
    return loops;
  }
}
