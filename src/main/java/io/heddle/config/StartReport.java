package io.heddle.config;

import io.heddle.settings.CommandLine;
import io.heddle.settings.EngineChoice;
import io.heddle.settings.ListenAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/** Says once, when the server is up, where it listens and who can reach it. */
@Component
final class StartReport implements ApplicationListener<ApplicationReadyEvent> {

  private static final Logger log = LoggerFactory.getLogger(StartReport.class);

  @Override
  public void onApplicationEvent(ApplicationReadyEvent event) {
    Environment environment = event.getApplicationContext().getEnvironment();
    String address = EngineChoice.text(environment, "server.address");
    String shown = address == null ? "0.0.0.0" : address;
    String place = "http://" + shown + ":" + environment.getProperty("local.server.port");
    String took =
        event.getTimeTaken() == null ? "" : " after " + event.getTimeTaken().toMillis() + " ms";
    if (ListenAddress.isLoopback(address)) {
      log.info(
          "Heddle {} listens on {}{}. It has no sign-in yet and can be reached from this machine"
              + " only; server.address and heddle.security.mode=open open it.",
          CommandLine.version(),
          place,
          took);
    } else {
      log.warn(
          "Heddle {} listens on {}{}. It has no sign-in yet: whoever reaches this address may read"
              + " and write every session.",
          CommandLine.version(),
          place,
          took);
    }
  }
}
