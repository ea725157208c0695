package io.heddle.session.contract;

import io.heddle.base.SessionKey;
import io.heddle.session.LiveMessage;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import reactor.core.Disposable;

/** What one listener to a session's live channel heard. */
final class RecordingListener implements AutoCloseable {

  private static final LiveMessage READY = new LiveMessage.Typing("ready");

  private final EngineUnderTest engine;
  private final List<String> heard = new CopyOnWriteArrayList<>();
  private final Disposable listening;

  /**
   * @param engine where {@link #ready} speaks
   * @param at where it listens
   */
  RecordingListener(EngineUnderTest engine, EngineUnderTest at, SessionKey key) {
    this.engine = engine;
    listening = at.liveChannel().listen(key, message -> heard.add(message.toJson().toString()));
  }

  /** Says something until it is heard: a channel does not tell when it stands. */
  RecordingListener ready(SessionKey key) {
    ContractSuite.await()
        .pollInterval(Duration.ofMillis(50))
        .until(() -> {
          ContractSuite.run(engine.liveChannel().publish(key, READY));
          return heard.contains(READY.toJson().toString());
        });
    return this;
  }

  List<String> heard() {
    return heard.stream().filter(message -> !message.equals(READY.toJson().toString())).toList();
  }

  /** Everything, what {@link #ready} said too. */
  int count() {
    return heard.size();
  }

  @Override
  public void close() {
    listening.dispose();
  }
}
