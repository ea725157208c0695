package io.heddle.base;

/**
 * MurmurHash3_x86_32 with seed 0, after Austin Appleby's reference (public domain,
 * github.com/aappleby/smhasher). The stored layout depends on it: it must never change.
 */
final class Murmur3 {

  private static final int C1 = 0xcc9e2d51;
  private static final int C2 = 0x1b873593;

  private Murmur3() {}

  static int hash32(byte[] data) {
    int h = 0;
    int blocks = data.length & ~3;
    for (int i = 0; i < blocks; i += 4) {
      int k =
          (data[i] & 0xff)
              | (data[i + 1] & 0xff) << 8
              | (data[i + 2] & 0xff) << 16
              | (data[i + 3] & 0xff) << 24;
      h = Integer.rotateLeft(h ^ mix(k), 13) * 5 + 0xe6546b64;
    }
    int tail = 0;
    for (int i = data.length - 1; i >= blocks; i--) {
      tail = tail << 8 | (data[i] & 0xff);
    }
    h ^= mix(tail);
    h ^= data.length;
    h ^= h >>> 16;
    h *= 0x85ebca6b;
    h ^= h >>> 13;
    h *= 0xc2b2ae35;
    h ^= h >>> 16;
    return h;
  }

  private static int mix(int k) {
    return Integer.rotateLeft(k * C1, 15) * C2;
  }
}
