package io.heddle.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A process that asks: one thread, connections kept alive, each sends its next request when the
 * last is answered. Every answer must be a 200 or 201. Told on stdin {@code append port path
 * sessions connections requests}, {@code get} with the same words, {@code create port sessions}, or
 * {@code chat port path upstream form connections requests}, where the upstream is a port that
 * Portkey's gateway is to call, or {@code -}, and the form {@code stream} or {@code whole}, it
 * answers on stdout with the nanoseconds that all took, and the 99th percentile of those that one
 * took.
 */
final class Load {

  private static final int MESSAGE = 300;
  private static final int ANSWER = 65_536;
  private static final byte[] GOOD = ascii("HTTP/1.1 20");
  private static final byte[] LAST_CHUNK = ascii("\r\n0\r\n\r\n");
  private static final byte[] LENGTH = ascii("content-length: ");

  private final byte[][] requests;
  private final Selector selector;
  private final long[] latencies;
  private int unsent;
  private int unanswered;
  private int next;

  private Load(byte[][] requests, int count) throws IOException {
    this.requests = requests;
    this.selector = Selector.open();
    this.latencies = new long[count];
    this.unsent = count;
    this.unanswered = count;
  }

  public static void main(String[] args) throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ", -1);
      int port = Integer.parseInt(words[1]);
      if (words[0].equals("chat")) {
        byte[][] calls = {chat(port, words[2], words[3], words[4].equals("stream"))};
        System.out.println(
            run(port, calls, Integer.parseInt(words[5]), Integer.parseInt(words[6])));
      } else if (words[0].equals("create")) {
        int sessions = Integer.parseInt(words[2]);
        byte[][] puts = new byte[sessions][];
        Arrays.setAll(puts, session -> put(port, sessions, session));
        System.out.println(run(port, puts, 1, sessions));
      } else {
        int sessions = Integer.parseInt(words[3]);
        byte[][] requests = new byte[sessions][];
        boolean get = words[0].equals("get");
        Arrays.setAll(
            requests,
            session ->
                get
                    ? get(port, words[2], sessions, session)
                    : post(port, words[2], sessions, session));
        System.out.println(
            run(port, requests, Integer.parseInt(words[4]), Integer.parseInt(words[5])));
      }
    }
  }

  private static String run(int port, byte[][] requests, int connections, int count)
      throws IOException {
    Load load = new Load(requests, count);
    List<SocketChannel> channels = new ArrayList<>();
    try {
      for (int i = 0; i < connections; i++) {
        SocketChannel channel =
            SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.configureBlocking(false);
        channel.register(load.selector, SelectionKey.OP_READ, new Exchange());
        channels.add(channel);
      }
      long all = load.drive();
      Arrays.sort(load.latencies);
      return all + " " + load.latencies[(int) (count * 0.99)];
    } finally {
      for (SocketChannel channel : channels) {
        channel.close();
      }
      load.selector.close();
    }
  }

  private long drive() throws IOException {
    long start = System.nanoTime();
    for (SelectionKey key : selector.keys()) {
      send(key);
    }
    while (unanswered > 0) {
      if (selector.select(this::read, 20_000) == 0) {
        throw new IOException("no answer for 20 s; " + unanswered + " are missing");
      }
    }
    return System.nanoTime() - start;
  }

  private void send(SelectionKey key) throws IOException {
    if (unsent == 0) {
      return;
    }
    unsent--;
    SocketChannel channel = (SocketChannel) key.channel();
    ((Exchange) key.attachment()).sentAt = System.nanoTime();
    ByteBuffer request = ByteBuffer.wrap(requests[next]);
    next = (next + 1) % requests.length;
    while (request.hasRemaining()) {
      channel.write(request);
    }
  }

  private void read(SelectionKey key) {
    SocketChannel channel = (SocketChannel) key.channel();
    Exchange exchange = (Exchange) key.attachment();
    ByteBuffer answer = exchange.answer;
    try {
      if (channel.read(answer) < 0) {
        throw new IOException("the server hung up");
      }
      int length = length(answer);
      if (length < 0 || answer.position() < length) {
        return;
      }
      for (int i = 0; i < GOOD.length; i++) {
        if (answer.get(i) != GOOD[i]) {
          byte[] text = new byte[answer.position()];
          answer.get(0, text);
          throw new IOException("refused: " + new String(text, StandardCharsets.UTF_8));
        }
      }
      answer.clear();
      unanswered--;
      latencies[unanswered] = System.nanoTime() - exchange.sentAt;
      send(key);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Bytes of the whole answer, or -1 while its head is not there. */
  private static int length(ByteBuffer answer) {
    int end = answer.position();
    int body = -1;
    for (int i = 0; i + 3 < end; i++) {
      if (answer.get(i) != '\n') {
        continue;
      }
      if (answer.get(i + 1) == '\r') {
        return body >= 0 ? i + 3 + body : endsWith(answer, LAST_CHUNK) ? end : -1;
      }
      if (body < 0 && i + LENGTH.length < end && named(answer, i + 1)) {
        body = 0;
        for (int at = i + 1 + LENGTH.length; at < end && answer.get(at) != '\r'; at++) {
          body = body * 10 + (answer.get(at) - '0');
        }
      }
    }
    return -1;
  }

  /** Whether a body in chunks is there: nothing comes behind it, since nothing more was asked. */
  private static boolean endsWith(ByteBuffer answer, byte[] last) {
    int from = answer.position() - last.length;
    for (int i = 0; i < last.length; i++) {
      if (from < 0 || answer.get(from + i) != last[i]) {
        return false;
      }
    }
    return true;
  }

  private static boolean named(ByteBuffer answer, int at) {
    for (int i = 0; i < LENGTH.length; i++) {
      byte letter = answer.get(at + i);
      if (letter != LENGTH[i] && letter + 32 != LENGTH[i]) {
        return false;
      }
    }
    return true;
  }

  private static byte[] put(int port, int sessions, int session) {
    return request("PUT", port, "/v1/sessions/bench-" + sessions + "-" + session, "{}");
  }

  private static byte[] post(int port, String path, int sessions, int session) {
    String start = "{\"role\":\"user\",\"content\":\"";
    String body = start + "x".repeat(MESSAGE - start.length() - 2) + "\"}";
    return request("POST", port, path + "/bench-" + sessions + "-" + session + "/messages", body);
  }

  private static byte[] get(int port, String path, int sessions, int session) {
    String target = path + "/bench-" + sessions + "-" + session + "/messages?limit=50";
    return ascii("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\n\r\n");
  }

  private static byte[] chat(int port, String path, String upstream, boolean stream) {
    String body =
        "{\"model\":\"bench\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
            + "{\"role\":\"user\",\"content\":\""
            + "x".repeat(MESSAGE)
            + "\"}],\"temperature\":0.5,\"stream\":"
            + stream
            + "}";
    String more =
        upstream.equals("-")
            ? ""
            : "\r\nAuthorization: Bearer none\r\nx-portkey-provider: openai\r\n"
                + "x-portkey-custom-host: http://127.0.0.1:"
                + upstream
                + "/v1";
    return request("POST", port, path, more, body);
  }

  private static byte[] request(String method, int port, String path, String body) {
    return request(method, port, path, "", body);
  }

  private static byte[] request(String method, int port, String path, String more, String body) {
    String head =
        "%s %s HTTP/1.1\r\n"
            + "Host: 127.0.0.1:%d\r\n"
            + "Content-Type: application/json\r\n"
            + "Content-Length: %d%s";
    return ascii(head.formatted(method, path, port, body.length(), more) + "\r\n\r\n" + body);
  }

  /** What one connection is doing. */
  private static final class Exchange {
    private final ByteBuffer answer = ByteBuffer.allocateDirect(ANSWER);
    private long sentAt;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
