package io.heddle.turn;

import io.heddle.json.Json;
import io.heddle.turn.Tokens.Told;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Counts the tokens of a request to a model, a slice of text in each step.
 *
 * <p>It need not go to the end: as soon as there are more than somebody may have, the rest would
 * change nothing. And of very long texts only the beginning is looked at; what is beyond it counts
 * a token a byte when the count is to be reserved, which is never too little, or as dense as the
 * beginning when it is only told.
 */
final class CountSteps implements FairWork.Steps<Long> {

  /** So many characters are counted in one step: some milliseconds. */
  private static final int SLICE = 8 * 1024;

  /** So many characters of one request are counted; the rest is estimated. */
  static final int EXACT = 1 << 20;

  private final Tokens tokens;
  private final List<Json> bodies;
  private final List<Told> others;
  private final long enough;
  private final boolean upper;
  private final @Nullable Map<Json, Integer> counts;
  private final long weight;

  private int next;
  private int nextOther;
  private @Nullable Json body;
  private @Nullable Told told;
  private int text;
  private int at;
  private long ofThis;
  private long sum;
  private long looked;
  private long counted;
  private long unlooked;
  private boolean guessed;

  /**
   * @param bodies of messages
   * @param others texts beside them
   * @param enough above so many it stops; what it comes to is then above that, and no more is known
   * @param upper whether what is not looked at counts a token a byte
   * @param counts is told of each body that was counted to its end; or null
   */
  CountSteps(
      Tokens tokens,
      List<Json> bodies,
      List<Told> others,
      long enough,
      boolean upper,
      @Nullable Map<Json, Integer> counts) {
    this.tokens = tokens;
    this.bodies = bodies;
    this.others = others;
    this.enough = enough;
    this.upper = upper;
    this.counts = counts;
    long bytes = 0;
    for (Json each : bodies) {
      bytes += each.length();
    }
    for (Told each : others) {
      for (String one : each.texts()) {
        bytes += one.length();
      }
    }
    this.weight = bytes;
  }

  /** Of everything that a model is told by a call. */
  static CountSteps of(Tokens tokens, ModelCall call, long enough, boolean upper) {
    List<Told> beside = beside(call.system(), call.parameters());
    return new CountSteps(tokens, call.messages(), beside, enough, upper, null);
  }

  /** Of a text, to its end. */
  static CountSteps of(Tokens tokens, String text) {
    List<Told> told = List.of(Told.of(text));
    return new CountSteps(tokens, List.of(), told, Long.MAX_VALUE, false, null);
  }

  /**
   * No request of so many bytes has fewer tokens than this, if all of them are told to a model: for
   * who would refuse that many anyway.
   */
  static long least(long characters) {
    return characters / Tokens.LONGEST;
  }

  @Override
  public long weight() {
    return weight;
  }

  @Override
  public Long result() {
    return sum;
  }

  @Override
  public boolean step() {
    int left = SLICE;
    while (left > 0) {
      Told current = told;
      if (current == null) {
        if (!begin()) {
          finish();
          return true;
        }
        left -= 64;
      } else if (text == current.texts().size()) {
        end();
      } else {
        left -= slice(current.texts().get(text), left);
      }
      if (sum > enough) {
        return true;
      }
    }
    return false;
  }

  /** Takes up the next body or text; false when there is none. */
  private boolean begin() {
    text = 0;
    at = 0;
    ofThis = 0;
    guessed = false;
    if (nextOther < others.size()) {
      body = null;
      told = others.get(nextOther++);
    } else if (next < bodies.size()) {
      Json mine = bodies.get(next++);
      Integer known = tokens.known(mine);
      if (known != null) {
        sum += known;
        if (counts != null) {
          counts.put(mine, known);
        }
        return true;
      }
      body = mine;
      told = Tokens.told(mine);
    } else {
      return false;
    }
    ofThis = told.fixed();
    sum += told.fixed();
    for (String each : told.texts()) {
      // What it must have at least may be enough already, before any of it is counted.
      if (sum + least(each.length()) > enough) {
        sum += least(each.length());
        break;
      }
    }
    return true;
  }

  private int slice(String of, int most) {
    int from = at;
    if (looked >= EXACT) {
      long rest = bytes(of, at);
      unlooked += rest;
      sum += upper ? rest : 0;
      guessed = true;
      text++;
      at = 0;
      return 64;
    }
    while (at < of.length() && at - from < most) {
      int end = Tokens.end(of, at);
      long more = tokens.count(of, at, end);
      sum += more;
      counted += more;
      ofThis += more;
      at = end;
    }
    int passed = at - from;
    looked += passed;
    if (at >= of.length()) {
      text++;
      at = 0;
    }
    return Math.max(1, passed);
  }

  private void end() {
    Json mine = body;
    if (mine != null && !guessed) {
      tokens.remember(mine, ofThis);
      if (counts != null) {
        counts.put(mine, (int) Math.min(Integer.MAX_VALUE, ofThis));
      }
    }
    told = null;
    body = null;
  }

  private void finish() {
    if (!upper && unlooked > 0) {
      sum += Math.round(unlooked * ((double) counted / Math.max(1, looked)));
    }
  }

  private static long bytes(String of, int from) {
    long bytes = 0;
    for (int i = from; i < of.length(); i++) {
      char c = of.charAt(i);
      bytes += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
    }
    return bytes;
  }

  /** Everything that a model is told by a call. */
  static List<Told> beside(@Nullable String system, Json parameters) {
    List<Told> beside = new ArrayList<>(2);
    if (system != null) {
      beside.add(Told.of(system));
    }
    Told said = Tokens.parameters(parameters);
    if (said.fixed() > 0 || !said.texts().isEmpty()) {
      beside.add(said);
    }
    return beside;
  }
}
