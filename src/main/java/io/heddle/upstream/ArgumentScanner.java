package io.heddle.upstream;

import io.heddle.json.SplitCharacters;
import java.util.regex.Pattern;

/**
 * Follows a call's arguments without keeping them: whether they are a whole JSON text by now. Only
 * brackets and quotes are looked at, so that it costs next to nothing.
 */
final class ArgumentScanner {

  private static final Pattern BARE =
      Pattern.compile("true|false|null|-?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?");

  private static final int LONGEST_BARE = 32;

  private final SplitCharacters characters = new SplitCharacters();
  private final StringBuilder bare = new StringBuilder(0);
  private int depth;
  private int length;
  private int solid;
  private long hash;
  private boolean some;
  private boolean inString;
  private boolean escaped;
  private boolean closed;
  private boolean broken;

  /** The same text in whole characters. */
  String take(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      hash = 31 * hash + c;
      scan(c);
    }
    length += text.length();
    return characters.take(text);
  }

  /** What is left of a character that was cut in two. */
  String rest() {
    return characters.rest();
  }

  boolean isEmpty() {
    return !some;
  }

  /** Whether all there is so far is an object without members. */
  boolean hasNoMembers() {
    return isWhole() && depth == 0 && closed && solid == 2;
  }

  /** Whether a text is all of the arguments once more, behind their end. */
  boolean isRepeatedBy(String text) {
    if (text.length() != length || !closed || !isWhole()) {
      return false;
    }
    long other = 0;
    for (int i = 0; i < text.length(); i++) {
      other = 31 * other + text.charAt(i);
    }
    return other == hash;
  }

  /** Whether more has to come: a bracket or a quote is open. */
  boolean isOpen() {
    return !broken && (depth > 0 || inString);
  }

  boolean isWhole() {
    return !broken && (closed ? bare.isEmpty() : depth == 0 && isBare());
  }

  private boolean isBare() {
    return !inString && !bare.isEmpty() && BARE.matcher(bare).matches();
  }

  private void scan(char c) {
    if (inString) {
      solid++;
      if (escaped) {
        escaped = false;
      } else if (c == '\\') {
        escaped = true;
      } else if (c == '"') {
        inString = false;
        closed = depth == 0;
      }
      return;
    }
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
      return;
    }
    some = true;
    solid++;
    broken |= closed;
    switch (c) {
      case '"' -> inString = true;
      case '{', '[' -> depth++;
      case '}', ']' -> {
        depth--;
        closed = depth == 0;
        broken |= depth < 0;
      }
      default -> {
        if (depth == 0) {
          broken |= bare.length() >= LONGEST_BARE;
          if (!broken) {
            bare.append(c);
          }
        }
      }
    }
  }
}
