package io.heddle.base;

import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.random.RandomGenerator;

/**
 * Ids from random numbers. Tags come from a fast generator seeded from the system's, because every
 * write makes one; tokens, which are secrets, come from {@link SecureRandom}.
 *
 * <p>The system's random numbers are read once, by the constructor: they come from a file, and
 * event loops, which must not wait for one, make ids. So the secrets come from a DRBG (NIST SP
 * 800-90A), which computes them, and each thread's fast generator is split off one seeded here.
 */
public final class RandomIds implements IdSource {

  private static final char[] DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz".toCharArray();

  private static final int TOKEN_LENGTH = 26;
  private static final int SPARE = 6;
  private static final int FAIR = 256 / DIGITS.length * DIGITS.length;

  private final InstantSource clock;
  private final SecureRandom secure;
  private final SplittableRandom root;
  private final ThreadLocal<RandomGenerator> fast = ThreadLocal.withInitial(this::split);

  public RandomIds(InstantSource clock) {
    this.clock = clock;
    try {
      secure = SecureRandom.getInstance("DRBG");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java has no DRBG", e);
    }
    // The first number makes it read its seed.
    root = new SplittableRandom(secure.nextLong());
  }

  private RandomGenerator split() {
    synchronized (root) {
      return root.split();
    }
  }

  @Override
  public String tag() {
    return digits(fast.get(), Position.TAG_LENGTH);
  }

  @Override
  public String token() {
    byte[] bytes = new byte[TOKEN_LENGTH + SPARE];
    char[] text = new char[TOKEN_LENGTH];
    int at = 0;
    while (at < TOKEN_LENGTH) {
      // All at once: the DRBG does the same work for one number as for all of these bytes.
      secure.nextBytes(bytes);
      for (int i = 0; i < bytes.length && at < TOKEN_LENGTH; i++) {
        int number = bytes[i] & 0xff;
        // What is above the last multiple would make some digits more likely than others.
        if (number < FAIR) {
          text[at++] = DIGITS[number % DIGITS.length];
        }
      }
    }
    return new String(text);
  }

  @Override
  public String sessionId() {
    long millis = clock.millis();
    RandomGenerator random = fast.get();
    long high = millis << 16 | 0x7000 | random.nextInt(0x1000);
    long low = random.nextLong() & 0x3fffffffffffffffL | 0x8000000000000000L;
    return "ses_" + new UUID(high, low);
  }

  private static String digits(RandomGenerator random, int count) {
    char[] text = new char[count];
    for (int i = 0; i < count; i++) {
      text[i] = DIGITS[random.nextInt(DIGITS.length)];
    }
    return new String(text);
  }
}
