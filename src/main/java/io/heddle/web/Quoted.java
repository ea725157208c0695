package io.heddle.web;

import java.util.ArrayList;
import java.util.List;

/** Lists whose members may have quoted strings. */
final class Quoted {

  private Quoted() {}

  static List<String> split(String text, char separator) {
    List<String> parts = new ArrayList<>();
    boolean quoted = false;
    int from = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (quoted && c == '\\') {
        i++;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == separator && !quoted) {
        parts.add(text.substring(from, i));
        from = i + 1;
      }
    }
    parts.add(text.substring(from));
    return parts;
  }

  /** Whether it is one quoted string. */
  static boolean isWhole(String text) {
    int at = 1;
    while (at < text.length() && text.charAt(at) != '"') {
      at += text.charAt(at) == '\\' ? 2 : 1;
    }
    return text.startsWith("\"") && at == text.length() - 1;
  }

  static String unquote(String text) {
    return isWhole(text) ? text.substring(1, text.length() - 1).replaceAll("\\\\(.)", "$1") : text;
  }
}
