package io.heddle.web;

import io.heddle.base.Position;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.base.ProblemException;
import io.heddle.session.OnBusy;
import io.heddle.session.SessionProperties;
import io.heddle.session.WritePreconditions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/** Reads the headers that say on what terms a caller reads or writes. */
public final class RequestHeaders {

  public static final String RESPOND_ASYNC = "respond-async";

  private static final int MAX_KEY = 255;
  private static final int MAX_TOKEN = 128;

  /** An entity tag (RFC 9110, 8.8.3). */
  private static final Pattern TAG = Pattern.compile("(W/)?\"[!#-~\\x80-\\xff]*\"");

  private RequestHeaders() {}

  /** {@code If-Match} and {@code If-None-Match} of a write to something with this tag, or none. */
  public static void check(HttpHeaders headers, @Nullable String current) {
    checkMatch(headers, current);
    List<String> none = headers.get(HttpHeaders.IF_NONE_MATCH);
    if (none != null && current != null && names(none, current)) {
      throw conflict(current);
    }
  }

  /** {@code If-Match} alone, which a read obeys too. */
  public static void checkMatch(HttpHeaders headers, @Nullable String current) {
    List<String> lines = headers.get(HttpHeaders.IF_MATCH);
    if (lines == null) {
      return;
    }
    List<String> tags = tags(lines);
    if (tags.isEmpty() || (tags.size() > 1 && tags.contains("*"))) {
      throw Query.refuse(HttpHeaders.IF_MATCH, "must be * or a list of tags");
    }
    if (current == null || !names(lines, current)) {
      throw conflict(current);
    }
  }

  private static ProblemException conflict(@Nullable String current) {
    return Problem.of(
            ProblemCode.VERSION_CONFLICT,
            current == null ? "There is nothing yet" : "It is another than it is asked to be")
        .toException();
  }

  /**
   * What a session must be at (RFC 9110, 13.1.1): positions, {@link WritePreconditions#THERE} for
   * {@code *}, and none when it is not said. The tag of something else is compared too, and matches
   * nothing.
   */
  public static List<Position> ifMatch(HttpHeaders headers) {
    List<String> lines = headers.get(HttpHeaders.IF_MATCH);
    return lines == null || lines.isEmpty() ? List.of() : ifMatch(HttpHeaders.IF_MATCH, lines);
  }

  public static List<Position> ifMatch(String name, List<String> lines) {
    List<Position> positions = new ArrayList<>();
    boolean any = false;
    for (String text : tags(lines)) {
      if (text.equals("*")) {
        any = true;
      } else {
        Position position = Position.parse(unquoted(text));
        if (position == null && !TAG.matcher(text).matches()) {
          throw Query.refuse(name, "has something that is no entity tag");
        }
        positions.add(position == null ? WritePreconditions.NOWHERE : position);
      }
    }
    if (any && !positions.isEmpty()) {
      throw Query.refuse(name, "must be * or a list of positions, not both");
    }
    if (positions.isEmpty() && !any) {
      throw Query.refuse(name, "is empty");
    }
    return any ? List.of(WritePreconditions.THERE) : positions;
  }

  /**
   * {@code If-Match}, and {@code If-None-Match} as writes look at it (RFC 9110, 13.2.2): where one
   * of its tags is the session's, nothing is written.
   */
  public static List<Position> preconditions(HttpHeaders headers) {
    List<Position> positions = ifMatch(headers);
    List<String> lines = headers.get(HttpHeaders.IF_NONE_MATCH);
    if (lines == null) {
      return positions;
    }
    List<String> tags = tags(lines);
    if (tags.contains("*")) {
      return List.of(positions.isEmpty() ? WritePreconditions.ABSENT : WritePreconditions.NOWHERE);
    }
    List<Position> none =
        tags.stream().map(tag -> Position.parse(unquoted(tag))).filter(Objects::nonNull).toList();
    if (none.isEmpty()) {
      return positions;
    }
    if (!positions.isEmpty() && !positions.contains(WritePreconditions.THERE)) {
      List<Position> left = positions.stream().filter(each -> !none.contains(each)).toList();
      return left.isEmpty() ? List.of(WritePreconditions.NOWHERE) : left;
    }
    List<Position> all = new ArrayList<>(positions);
    all.add(WritePreconditions.ELSEWHERE);
    all.addAll(none);
    return all;
  }

  /** The elements of a list of entity tags, which may have commas. */
  private static List<String> tags(List<String> lines) {
    List<String> tags = new ArrayList<>();
    for (String line : lines) {
      boolean quoted = false;
      int from = 0;
      for (int i = 0; i <= line.length(); i++) {
        if (i == line.length() || (line.charAt(i) == ',' && !quoted)) {
          String tag = line.substring(from, i).strip();
          if (!tag.isEmpty()) {
            tags.add(tag);
          }
          from = i + 1;
        } else if (line.charAt(i) == '"') {
          quoted = !quoted;
        }
      }
    }
    return tags;
  }

  /** Whether {@code If-None-Match} names the position; what is no position does not match. */
  public static boolean noneMatch(HttpHeaders headers, Position current) {
    List<String> lines = headers.get(HttpHeaders.IF_NONE_MATCH);
    return lines != null && names(lines, current.toString());
  }

  /** The same for a tag that is no position, without its quotes. */
  public static boolean noneMatch(HttpHeaders headers, String tag) {
    List<String> lines = headers.get(HttpHeaders.IF_NONE_MATCH);
    return lines != null && names(lines, tag);
  }

  private static boolean names(List<String> lines, String wanted) {
    for (String tag : tags(lines)) {
      if (tag.equals("*") || unquoted(tag).equals(wanted)) {
        return true;
      }
    }
    return false;
  }

  public static @Nullable Position minPosition(HttpHeaders headers) {
    String text = one(headers, HeaderNames.MIN_POSITION);
    return text == null ? null : position(HeaderNames.MIN_POSITION, text);
  }

  public static @Nullable String lock(HttpHeaders headers) {
    String token = one(headers, HeaderNames.LOCK);
    return token == null ? null : lock(HeaderNames.LOCK, token);
  }

  public static String lock(String name, String token) {
    if (token.length() > MAX_TOKEN || !visible(token)) {
      throw Query.refuse(name, "is no lock's token");
    }
    return token;
  }

  public static Duration waitFor(HttpHeaders headers, Duration otherwise) {
    String text = one(headers, HeaderNames.WAIT);
    return text == null
        ? otherwise
        : seconds(HeaderNames.WAIT, text, 0, SessionProperties.MAX_WAIT);
  }

  /** How long a caller waits for another to compute an answer; null when it does not wait. */
  public static @Nullable Duration singleFlight(HttpHeaders headers, Duration most) {
    String text = one(headers, HeaderNames.SINGLE_FLIGHT);
    return text == null ? null : seconds(HeaderNames.SINGLE_FLIGHT, text, 1, most);
  }

  /**
   * How old a kept answer may be, {@code Cache-Control: max-age}; null for any age, none at all for
   * {@code no-cache} and {@code no-store}.
   */
  public static @Nullable Duration oldest(HttpHeaders headers) {
    CacheControl said = CacheControl.of(headers);
    if (said.anew()) {
      return Duration.ZERO;
    }
    Long maxAge = said.maxAge();
    return maxAge == null ? null : Duration.ofSeconds(maxAge);
  }

  /** How long an answer is to be kept, {@code Cache-Control: max-age}; null when it is not said. */
  public static @Nullable Duration life(HttpHeaders headers, Duration most) {
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

  public static @Nullable String key(HttpHeaders headers) {
    String key = one(headers, HeaderNames.IDEMPOTENCY_KEY);
    return key == null ? null : key(HeaderNames.IDEMPOTENCY_KEY, key);
  }

  public static String key(String name, String key) {
    if (key.length() > MAX_KEY || !printable(key)) {
      throw Query.refuse(name, "must be 1 to " + MAX_KEY + " printable ASCII characters");
    }
    return key;
  }

  /**
   * How old an answer to the same question may be, {@code Cache-Control: max-age}; null for one
   * that is asked for anew.
   */
  public static @Nullable Duration maxAge(HttpHeaders headers) {
    CacheControl said = CacheControl.of(headers);
    Long maxAge = said.maxAge();
    return said.anew() || maxAge == null || maxAge == 0 ? null : Duration.ofSeconds(maxAge);
  }

  /** Whether the caller rather has an answer at once than the whole of it (RFC 7240). */
  public static boolean prefersAsync(HttpHeaders headers) {
    for (String line : headers.getOrEmpty(HeaderNames.PREFER)) {
      for (String part : line.split(",", -1)) {
        if (part.strip().equalsIgnoreCase(RESPOND_ASYNC)) {
          return true;
        }
      }
    }
    return false;
  }

  /** What is to become of a turn while another one runs. */
  public static OnBusy onBusy(HttpHeaders headers) {
    String text = headers.getFirst(HeaderNames.ON_BUSY);
    OnBusy onBusy = text == null ? OnBusy.ENQUEUE : OnBusy.of(text);
    if (onBusy == null) {
      throw Query.refuse(HeaderNames.ON_BUSY, "must be enqueue, reject, interrupt or rollback");
    }
    return onBusy;
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

  public static Position position(String header, String text) {
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
