package io.heddle.bench;

import io.heddle.testing.HttpConnection;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A process that orders turns and reads their streams, each on a connection of its own. Told on
 * stdin {@code port path turns tokens pace}, where the path's {@code #} is another session each
 * time, it answers with microseconds: first token p50 p99, whole answer p50 p99, delay of a token
 * p50 p99.
 */
final class TurnLoad {

  private static final byte[] OURS = ascii("turn.completed");
  private static final byte[] PLAIN = ascii("[DONE]");

  private TurnLoad() {}

  private record Seen(long first, long whole, long[] delays) {}

  public static void main(String[] args) throws Exception {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    int next = 0;
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ", -1);
      int turns = Integer.parseInt(words[2]);
      int tokens = Integer.parseInt(words[3]);
      List<Seen> seen = new ArrayList<>();
      for (int i = 0; i < turns && words[1].startsWith("/v1/sessions/"); i++) {
        create(Integer.parseInt(words[0]), words[1].replace("#", "turns-" + (next + i)));
      }
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<Seen>> running = new ArrayList<>();
        for (int i = 0; i < turns; i++) {
          String path = words[1].replace("#", "turns-" + next++);
          running.add(
              threads.submit(() -> turn(Integer.parseInt(words[0]), path, tokens, words[4])));
        }
        for (Future<Seen> each : running) {
          seen.add(each.get());
        }
      }
      System.out.println(
          of(seen.stream().mapToLong(Seen::first).toArray())
              + " "
              + of(seen.stream().mapToLong(Seen::whole).toArray())
              + " "
              + of(seen.stream().flatMapToLong(each -> Arrays.stream(each.delays())).toArray()));
    }
  }

  /** Makes the session of the path, so that a turn is all that is measured. */
  private static void create(int port, String path) throws IOException {
    try (HttpConnection connection = new HttpConnection(port, Duration.ofSeconds(20))) {
      connection.call("PUT", path.substring(0, path.lastIndexOf("/turns")), "{}", Map.of());
    }
  }

  private static String of(long[] nanos) {
    Arrays.sort(nanos);
    return nanos[nanos.length / 2] / 1000 + " " + nanos[(int) (nanos.length * 0.99)] / 1000;
  }

  private static Seen turn(int port, String path, int tokens, String pace) throws IOException {
    String body =
        "{\"content\":\"go\",\"model\":\"bench\",\"stream\":true,\"parameters\":{\"max_tokens\":"
            + tokens
            + ",\"seed\":"
            + pace
            + "}}";
    String request =
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                .formatted(path, port)
            + "Accept: text/event-stream\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n"
            + body;
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(60_000);
      long start = System.nanoTime();
      socket.getOutputStream().write(ascii(request));
      return read(socket.getInputStream(), start, tokens);
    }
  }

  /** Of what may be sent again with the end, only the first time counts. */
  private static Seen read(InputStream in, long start, int tokens) throws IOException {
    long[] delays = new long[tokens];
    int seen = 0;
    long first = 0;
    byte[] bytes = new byte[16_384];
    int ours = 0;
    int plain = 0;
    long stamp = -1;
    StringBuilder head = new StringBuilder();
    while (true) {
      int count = in.read(bytes);
      if (count < 0) {
        throw new IOException("hung up after " + seen + " tokens: " + head);
      }
      long now = System.nanoTime();
      if (head.length() < 300) {
        head.append(new String(bytes, 0, Math.min(count, 300), StandardCharsets.ISO_8859_1));
      }
      for (int i = 0; i < count; i++) {
        byte c = bytes[i];
        if (c == '@') {
          stamp = 0;
        } else if (stamp >= 0 && c >= '0' && c <= '9') {
          stamp = stamp * 10 + (c - '0');
        } else if (stamp > 0 && c == ';' && seen < tokens) {
          first = seen == 0 ? now - start : first;
          delays[seen++] = now - stamp;
          stamp = -1;
        }
        ours = c == OURS[ours] ? ours + 1 : c == OURS[0] ? 1 : 0;
        plain = c == PLAIN[plain] ? plain + 1 : c == PLAIN[0] ? 1 : 0;
        if (ours == OURS.length || plain == PLAIN.length) {
          if (seen != tokens) {
            throw new IOException(seen + " of " + tokens + " tokens: " + head);
          }
          return new Seen(first, now - start, delays);
        }
      }
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
