package io.heddle.upstream;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** What becomes of a text that {@code echo} says: an answer that proves which input it is of. */
enum EchoFunction {
  ECHO(text -> text),
  REVERSE(text -> new StringBuilder(text).reverse().toString()),
  UPPER(text -> text.toUpperCase(Locale.ROOT)),
  /** 64 hex digits of the text's UTF-8. */
  SHA256(EchoFunction::sha256);

  private final UnaryOperator<String> function;

  EchoFunction(UnaryOperator<String> function) {
    this.function = function;
  }

  static Optional<EchoFunction> of(String name) {
    return Arrays.stream(values())
        .filter(function -> function.name().toLowerCase(Locale.ROOT).equals(name))
        .findFirst();
  }

  String apply(String text) {
    return function.apply(text);
  }

  private static String sha256(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java has no SHA-256", e);
    }
  }
}
