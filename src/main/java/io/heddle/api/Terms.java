package io.heddle.api;

import io.heddle.base.Position;
import io.heddle.session.SessionProperties;
import io.heddle.web.Query;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/** Reads the headers that say on what terms a caller reads or writes. */
final class Terms {

  static final String MIN_POSITION = "Heddle-Min-Position";
  static final String LOCK = "Heddle-Lock";
  static final String WAIT = "Heddle-Wait";
  static final String SINGLE_FLIGHT = "Heddle-Single-Flight";
  static final String KEY = "Idempotency-Key";
  static final String PREFER = "Prefer";
  static final String RESPOND_ASYNC = "respond-async";

  private static final int MAX_KEY = 255;
  private static final int MAX_TOKEN = 128;

  private Terms() {}

  /** {@code If-Match}: positions, or none for {@code *} and when it is not there. */
  static List<Position> ifMatch(HttpHeaders headers) {
    List<String> lines = headers.get(HttpHeaders.IF_MATCH);
    return lines == null || lines.isEmpty() ? List.of() : ifMatch(HttpHeaders.IF_MATCH, lines);
  }

  static List<Position> ifMatch(String name, List<String> lines) {
    List<Position> positions = new ArrayList<>();
    boolean any = false;
    for (String line : lines) {
      for (String tag : line.split(",", -1)) {
        String text = tag.strip();
        if (text.equals("*")) {
          any = true;
        } else {
          positions.add(position(name, text));
        }
      }
    }
    if (any && !positions.isEmpty()) {
      throw Query.refuse(name, "must be * or a list of positions, not both");
    }
    return positions;
  }

  /** Whether {@code If-None-Match} names the position; what is no position does not match. */
  static boolean noneMatch(HttpHeaders headers, Position current) {
    List<String> lines = headers.get(HttpHeaders.IF_NONE_MATCH);
    return lines != null && names(lines, current.toString());
  }

  /** The same for a tag that is no position, without its quotes. */
  static boolean noneMatch(HttpHeaders headers, String tag) {
    List<String> lines = headers.get(HttpHeaders.IF_NONE_MATCH);
    return lines != null && names(lines, tag);
  }

  private static boolean names(List<String> lines, String wanted) {
    for (String line : lines) {
      for (String tag : line.split(",", -1)) {
        String text = tag.strip();
        if (text.equals("*") || unquoted(text).equals(wanted)) {
          return true;
        }
      }
    }
    return false;
  }

  static @Nullable Position minPosition(HttpHeaders headers) {
    String text = one(headers, MIN_POSITION);
    return text == null ? null : position(MIN_POSITION, text);
  }

  static @Nullable String lock(HttpHeaders headers) {
    String token = one(headers, LOCK);
    return token == null ? null : lock(LOCK, token);
  }

  static String lock(String name, String token) {
    if (token.length() > MAX_TOKEN || !visible(token)) {
      throw Query.refuse(name, "is no lock's token");
    }
    return token;
  }

  static Duration waitFor(HttpHeaders headers, Duration otherwise) {
    String text = one(headers, WAIT);
    return text == null ? otherwise : seconds(WAIT, text, 0, SessionProperties.MAX_WAIT);
  }

  /** How long a caller waits for another to compute an answer; null when it does not wait. */
  static @Nullable Duration singleFlight(HttpHeaders headers, Duration most) {
    String text = one(headers, SINGLE_FLIGHT);
    return text == null ? null : seconds(SINGLE_FLIGHT, text, 1, most);
  }

  /**
   * How old a kept answer may be, {@code Cache-Control: max-age}; null for any age, none at all for
   * {@code no-cache} and {@code no-store}.
   */
  static @Nullable Duration oldest(HttpHeaders headers) {
    CacheControl said = CacheControl.of(headers);
    if (said.anew()) {
      return Duration.ZERO;
    }
    Long maxAge = said.maxAge();
    return maxAge == null ? null : Duration.ofSeconds(maxAge);
  }

  /** How long an answer is to be kept, {@code Cache-Control: max-age}; null when it is not said. */
  static @Nullable Duration life(HttpHeaders headers, Duration most) {
    CacheControl said = CacheControl.of(headers);
    if (said.anew()) {
      throw Query.refuse(HttpHeaders.CACHE_CONTROL, "says that the answer must not be kept");
    }
    Long maxAge = said.maxAge();
    if (maxAge != null && (maxAge < 1 || maxAge > most.toSeconds())) {
      throw Query.refuse(
          HttpHeaders.CACHE_CONTROL, "has a max-age that is not from 1 to " + most.toSeconds());
    }
    return maxAge == null ? null : Duration.ofSeconds(maxAge);
  }

  private static Duration seconds(String name, String text, long least, Duration most) {
    if (!text.isEmpty() && text.length() < 11 && text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      long seconds = Long.parseLong(text);
      if (seconds >= least && seconds <= most.toSeconds()) {
        return Duration.ofSeconds(seconds);
      }
    }
    throw Query.refuse(
        name, "must be a whole number of seconds from " + least + " to " + most.toSeconds());
  }

  static @Nullable String key(HttpHeaders headers) {
    String key = one(headers, KEY);
    return key == null ? null : key(KEY, key);
  }

  static String key(String name, String key) {
    if (key.length() > MAX_KEY || !printable(key)) {
      throw Query.refuse(name, "must be 1 to " + MAX_KEY + " printable ASCII characters");
    }
    return key;
  }

  /**
   * How old an answer to the same question may be, {@code Cache-Control: max-age}; null for one
   * that is asked for anew.
   */
  static @Nullable Duration maxAge(HttpHeaders headers) {
    CacheControl said = CacheControl.of(headers);
    Long maxAge = said.maxAge();
    return said.anew() || maxAge == null || maxAge == 0 ? null : Duration.ofSeconds(maxAge);
  }

  /** Whether the caller rather has an answer at once than the whole of it (RFC 7240). */
  static boolean prefersAsync(HttpHeaders headers) {
    for (String line : headers.getOrEmpty(PREFER)) {
      for (String part : line.split(",", -1)) {
        if (part.strip().equalsIgnoreCase(RESPOND_ASYNC)) {
          return true;
        }
      }
    }
    return false;
  }

  private static @Nullable String one(HttpHeaders headers, String name) {
    List<String> values = headers.get(name);
    if (values == null || values.isEmpty()) {
      return null;
    }
    if (values.size() > 1) {
      throw Query.refuse(name, "is there twice");
    }
    return values.getFirst();
  }

  static Position position(String header, String text) {
    Position position = Position.parse(unquoted(text));
    if (position == null) {
      throw Query.refuse(header, "has something that is no position");
    }
    return position;
  }

  /** The inside of {@code "x"} and {@code W/"x"}; a bare {@code x} is taken too. */
  private static String unquoted(String tag) {
    String quoted = tag.startsWith("W/") ? tag.substring(2) : tag;
    int last = quoted.length() - 1;
    boolean quotes = last > 0 && quoted.charAt(0) == '"' && quoted.charAt(last) == '"';
    return quotes ? quoted.substring(1, last) : quoted;
  }

  private static boolean printable(String text) {
    return !text.isEmpty() && text.chars().allMatch(c -> c >= 0x20 && c < 0x7f);
  }

  private static boolean visible(String text) {
    return !text.isEmpty() && text.chars().allMatch(c -> c > 0x20 && c < 0x7f);
  }
}
