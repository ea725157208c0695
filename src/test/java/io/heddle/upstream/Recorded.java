package io.heddle.upstream;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;

/** What a listener was told, as words. */
final class Recorded implements UpstreamListener {

  private final List<String> told = new CopyOnWriteArrayList<>();

  List<String> told() {
    return List.copyOf(told);
  }

  long count(String what) {
    return told.stream().filter(what::equals).count();
  }

  @Override
  public void started(String upstream) {
    told.add(upstream + " started");
  }

  @Override
  public void firstPiece(String upstream, Duration after) {
    told.add(upstream + " first");
  }

  @Override
  public void retried(String upstream) {
    told.add(upstream + " retried");
  }

  @Override
  public void ended(String upstream, Outcome outcome, Duration after) {
    told.add(upstream + " " + outcome.name().toLowerCase(Locale.ROOT));
  }

  @Override
  public void fellBack(String upstream) {
    told.add(upstream + " fell back");
  }
}
