package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.described;

import io.heddle.base.Position;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.session.Change;
import io.heddle.session.ChangeFeed;
import io.heddle.session.Write;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;

/** Records what a feed tells, from a moment when it is known to be ready. */
final class Changes implements AutoCloseable {

  private final EngineUnderTest engine;
  private final List<Change.Published> all = new CopyOnWriteArrayList<>();
  private final List<SessionKey> probes = onePerPartition();
  private final Disposable subscription;

  private Changes(EngineUnderTest engine, EngineUnderTest listening) {
    this.engine = engine;
    this.subscription =
        listening
            .feed()
            .listen(
                new ChangeFeed.Listener() {
                  @Override
                  public void changed(Change.Published change) {
                    all.add(change);
                  }

                  @Override
                  public void compared(int partition, long seq, long askedAt) {}

                  @Override
                  public void lost(int partition, ChangeFeed.Loss loss) {}
                });
  }

  static Changes of(EngineUnderTest engine) {
    return of(engine, engine);
  }

  /** Writes to every partition until all were heard: a feed does not say when it is ready. */
  static Changes of(EngineUnderTest engine, EngineUnderTest listening) {
    Changes changes = new Changes(engine, listening);
    changes.write(key -> new Write.Create(described(null, Duration.ofHours(1)), List.of()));
    changes.flush();
    // A connection that others listen on too may have told of what came before.
    changes.all.clear();
    return changes;
  }

  /** Waits until all that was written before is here: what is written last comes last. */
  void flush() {
    ContractSuite.await()
        .pollInterval(Duration.ofMillis(100))
        .until(() -> {
          Map<SessionKey, Position> last =
              write(key -> new Write.Update(described(null, Duration.ofHours(1))));
          try {
            ContractSuite.await()
                .atMost(Duration.ofSeconds(1))
                .until(() ->
                    all.stream()
                        .map(Change.Published::position)
                        .collect(Collectors.toSet())
                        .containsAll(last.values()));
            return true;
          } catch (ConditionTimeoutException e) {
            return false;
          }
        });
  }

  private Map<SessionKey, Position> write(Function<SessionKey, Write> write) {
    return ContractSuite.get(
        Flux.fromIterable(probes)
            .flatMap(
                key ->
                    engine
                        .writer()
                        .apply(key, write.apply(key), WritePreconditions.NONE)
                        .map(outcome ->
                            Map.entry(key, ContractSuite.assertApplied(outcome).head().position())),
                16)
            .collectMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  private static List<SessionKey> onePerPartition() {
    Tenant tenant = new Tenant("probe-" + ContractSuite.IDS.tag());
    Map<Integer, SessionKey> found = new HashMap<>();
    for (int i = 0; found.size() < SessionKey.PARTITIONS; i++) {
      SessionKey key = new SessionKey(tenant, "probe" + i);
      found.putIfAbsent(key.partition(), key);
    }
    return List.copyOf(found.values());
  }

  List<Change.Published> all() {
    return List.copyOf(all);
  }

  List<Change.Published> of(SessionKey key) {
    return all.stream().filter(change -> change.session().equals(key)).toList();
  }

  /** The types of the session's changes, {@code (large)} for one that came without its body. */
  List<String> types(SessionKey key) {
    return of(key).stream().map(change -> type(change.body())).toList();
  }

  private static String type(@Nullable Json body) {
    if (body == null) {
      return "(large)";
    }
    String text = body.toString();
    return text.substring("{\"type\":\"".length(), text.indexOf('"', "{\"type\":\"".length()));
  }

  @Override
  public void close() {
    subscription.dispose();
  }
}
