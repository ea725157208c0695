package io.heddle.clients;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the programs of all clients share: {@code java <class> <base url>}. Each call prints a line
 * of JSON; a call that fails ends its case, and the program goes on with the next one. {@code
 * ClientsModel} in the tests tells what the model answers to what.
 */
public final class Cases {

  public static final String MODEL = "stock";
  public static final String PICTURE =
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  public static final String PICTURE_SEEN = "I see: image/png of " + PICTURE.length();
  public static final String COUNTED = "1 2 3 4 5 6 7 8 9 10";
  public static final Pattern TRIP =
      Pattern.compile("Lyon: \"?sunny\"?, Oslo: \"?snow\"?, booked: \"?Lyon\"?");

  private final String client;
  private final String version;
  private String name = "";

  /** Of the client whose jar has this name on the class path. */
  public Cases(String client, String artifact) {
    this.client = client;
    Matcher jar =
        Pattern.compile("/" + artifact + "-(\\d[^/]*)\\.jar")
            .matcher(System.getProperty("java.class.path"));
    this.version = jar.find() ? jar.group(1) : "unknown";
  }

  /** May fail. */
  public interface Work<T> {
    T get() throws Exception;
  }

  /** May fail. */
  public interface Case {
    void run() throws Exception;
  }

  private static final class Told extends RuntimeException {}

  public void of(String name, Case work) {
    this.name = name;
    try {
      work.run();
    } catch (Told e) {
      // The call has said so.
    } catch (Throwable e) {
      print(false, e);
    }
  }

  /** One call of the client. */
  public <T> T call(Work<T> work) {
    try {
      T given = work.get();
      print(true, null);
      return given;
    } catch (Throwable e) {
      print(false, e);
      throw new Told();
    }
  }

  /** A call that must fail, with what is true of the error. */
  public void refused(Consumer<Throwable> check, Work<?> work) {
    call(() -> {
      Object given;
      try {
        given = work.get();
      } catch (Throwable e) {
        check.accept(e);
        return null;
      }
      throw new AssertionError("It must fail, and gives " + given);
    });
  }

  public static void check(boolean right, Object detail) {
    if (!right) {
      throw new AssertionError(detail);
    }
  }

  public static void equal(Object expected, Object actual) {
    check(expected.equals(actual), "expected: " + expected + ", but was: " + actual);
  }

  public static void trip(String text) {
    check(TRIP.matcher(text).matches(), text);
  }

  /** The reset of a connection may overtake the last of what was said on it. */
  public static void halfAnAnswer(String text) {
    check(text.startsWith("Half ") && "Half an ".startsWith(text), text);
  }

  public static String weather(String city) {
    return city.equals("Lyon") ? "sunny" : "snow";
  }

  /** All messages of an error and its causes. */
  public static String words(Throwable error) {
    StringBuilder words = new StringBuilder();
    for (Throwable e = error; e != null; e = e.getCause()) {
      words.append(e).append('\n');
    }
    return words.toString();
  }

  public static void says(String words, Throwable error) {
    check(words(error).contains(words), words(error));
  }

  private void print(boolean ok, Throwable error) {
    StringWriter detail = new StringWriter();
    if (error != null) {
      error.printStackTrace(new PrintWriter(detail));
    }
    System.out.println(
        "{\"client\":%s,\"version\":%s,\"case\":%s,\"on\":%s,\"ok\":%s,\"detail\":%s}"
            .formatted(
                quoted(client),
                quoted(version),
                quoted(name),
                quoted("java " + Runtime.version().feature() + "."),
                ok,
                quoted(detail.toString())));
  }

  private static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < 0x20) {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    return out.append('"').toString();
  }
}
