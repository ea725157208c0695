package io.heddle.embedded;

import java.nio.ByteBuffer;
import org.h2.mvstore.WriteBuffer;
import org.h2.mvstore.type.BasicDataType;
import org.jspecify.annotations.Nullable;

/**
 * A value as a page holds it: an object, its stored bytes, or both, each made from the other when
 * it is first asked for. A page is written again whole when one of its values changes, and read
 * whole for one of them; so its other values are neither encoded again nor decoded for nothing.
 */
final class LazyValue<V> {

  /** Of the objects around a value or its bytes. */
  private static final int OVERHEAD = 60;

  private final Codecs.Codec<V> codec;

  /** Stays as it is: pages add it when the cell comes and take it off when it goes. */
  private final int weight;

  private volatile @Nullable V value;
  private volatile byte @Nullable [] bytes;

  private LazyValue(Codecs.Codec<V> codec, int weight, @Nullable V value, byte @Nullable [] bytes) {
    this.codec = codec;
    this.weight = OVERHEAD + weight;
    this.value = value;
    this.bytes = bytes;
  }

  static <V> LazyValue<V> of(Codecs.Codec<V> codec, V value) {
    return new LazyValue<>(codec, codec.weight(value), value, null);
  }

  static <V> LazyValue<V> stored(Codecs.Codec<V> codec, byte[] bytes) {
    return new LazyValue<>(codec, bytes.length, null, bytes);
  }

  static <V> @Nullable V valueOf(@Nullable LazyValue<V> cell) {
    return cell == null ? null : cell.value();
  }

  V value() {
    V known = value;
    if (known != null) {
      return known;
    }
    byte[] stored = bytes();
    V decoded = codec.decode(ByteBuffer.wrap(stored));
    if (codec.keepsValue()) {
      value = decoded;
    }
    return decoded;
  }

  byte[] bytes() {
    byte[] known = bytes;
    V from = value;
    if (known == null && from == null) {
      // The writer's thread has just encoded it and let the object go.
      known = bytes;
    }
    if (known == null) {
      if (from == null) {
        throw new IllegalStateException("a cell holds a value or bytes");
      }
      known = codec.encode(from);
      bytes = known;
      if (!codec.keepsValue()) {
        value = null;
      }
    }
    return known;
  }

  /** How pages hold cells of one kind. */
  static final class Type<V> extends BasicDataType<LazyValue<V>> {

    private final Codecs.Codec<V> codec;

    Type(Codecs.Codec<V> codec) {
      this.codec = codec;
    }

    @Override
    public int getMemory(LazyValue<V> cell) {
      return cell.weight;
    }

    @Override
    public void write(WriteBuffer out, LazyValue<V> cell) {
      Codecs.putBytes(out, cell.bytes());
    }

    @Override
    public LazyValue<V> read(ByteBuffer in) {
      return stored(codec, Codecs.getBytes(in));
    }

    @Override
    @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no arrays of generic types
    public LazyValue<V>[] createStorage(int size) {
      return new LazyValue[size];
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Type<?> type && type.codec == codec;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(codec);
    }
  }
}
