package io.heddle.web;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/** An IP network, or one address. Names are never looked up. */
record Network(InetAddress base, int bits) {

  /** The bits of an IPv6 address that tell sites apart: one client has all that follow. */
  private static final int SITE_BYTES = 8;

  static boolean isNetwork(String text) {
    return parse(text) != null;
  }

  static @Nullable Network parse(String text) {
    int slash = text.indexOf('/');
    InetAddress base = address(slash < 0 ? text : text.substring(0, slash));
    if (base == null) {
      return null;
    }
    int longest = base.getAddress().length * 8;
    if (slash < 0) {
      return new Network(base, longest);
    }
    String length = text.substring(slash + 1);
    if (!length.matches("\\d{1,3}") || Integer.parseInt(length) > longest) {
      return null;
    }
    return new Network(base, Integer.parseInt(length));
  }

  /** The address of a literal; null for anything else. */
  static @Nullable InetAddress address(String text) {
    byte[] bytes = NetUtil.createByteArrayFromIpAddressString(text);
    if (bytes == null || text.indexOf('%') >= 0) {
      return null;
    }
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("4 or 16 bytes are an address", e);
    }
  }

  boolean contains(InetAddress address) {
    byte[] one = base.getAddress();
    byte[] other = address.getAddress();
    if (one.length != other.length) {
      return false;
    }
    for (int bit = 0; bit < bits; bit += 8) {
      int shift = Math.max(0, 8 - (bits - bit));
      if ((one[bit / 8] & 0xff) >> shift != (other[bit / 8] & 0xff) >> shift) {
        return false;
      }
    }
    return true;
  }

  /**
   * What one client is known by: an IPv4 address, or the first half of an IPv6 address, since a
   * client has 2^64 of those to choose from.
   */
  static String client(InetAddress address) {
    byte[] bytes = address.getAddress();
    if (bytes.length == 4) {
      return address.getHostAddress();
    }
    StringBuilder text = new StringBuilder(24);
    for (int i = 0; i < SITE_BYTES; i += 2) {
      int group = (bytes[i] & 0xff) << 8 | bytes[i + 1] & 0xff;
      text.append(Integer.toHexString(group)).append(':');
    }
    return text.append(":/64").toString();
  }
}
