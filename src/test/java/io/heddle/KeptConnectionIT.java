package io.heddle;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One of about 150 appends of a megabyte was answered 408 after ten seconds: its first bytes had
 * come right behind the request before it, and nobody asked the connection for the others.
 */
class KeptConnectionIT {

  private static final int PATIENCE_MILLIS = 5_000;

  private static Server server;

  @BeforeAll
  static void start() {
    server = Server.start("heddle.engine=embedded", "heddle.embedded.path=");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 100, 8_000, 70_000, 500_000, 899_000})
  void aBodyThatBeginsBehindAnotherRequestArrives(int early) throws IOException {
    try (Socket client = client()) {
      OutputStream out = client.getOutputStream();
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(client.getInputStream(), StandardCharsets.ISO_8859_1));
      byte[] small = message(10);
      byte[] large = message(900_000);
      for (int i = 0; i < 5; i++) {
        byte[] first = concat(head("early-" + early + "-" + i, small.length), small);
        byte[] second = head("late-" + early + "-" + i, large.length);
        byte[] begun = new byte[early];
        System.arraycopy(large, 0, begun, 0, early);
        out.write(concat(concat(first, second), begun));
        out.flush();
        assertThat(status(in)).isEqualTo(201);
        out.write(large, early, large.length - early);
        out.flush();
        assertThat(status(in)).isEqualTo(201);
      }
    }
  }

  @Test
  void manyLongBodiesArriveOneAfterAnother() throws IOException {
    try (Socket client = client()) {
      OutputStream out = client.getOutputStream();
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(client.getInputStream(), StandardCharsets.ISO_8859_1));
      byte[] large = message(1_000_000);
      for (int i = 0; i < 100; i++) {
        out.write(head("many-" + i / 10, large.length));
        out.write(large);
        out.flush();
        assertThat(status(in)).as("of body " + i).isEqualTo(201);
      }
    }
  }

  private static Socket client() throws IOException {
    Socket client = new Socket("127.0.0.1", server.port());
    client.setSoTimeout(PATIENCE_MILLIS);
    return client;
  }

  private static byte[] message(int length) {
    return ("{\"role\":\"user\",\"content\":\"" + "x".repeat(length) + "\"}")
        .getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] head(String session, int length) {
    return ("POST /v1/sessions/"
            + session
            + "/messages?create=true HTTP/1.1\r\nHost: localhost\r\n"
            + "Content-Type: application/json\r\nContent-Length: "
            + length
            + "\r\n\r\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] concat(byte[] one, byte[] two) {
    byte[] both = new byte[one.length + two.length];
    System.arraycopy(one, 0, both, 0, one.length);
    System.arraycopy(two, 0, both, one.length, two.length);
    return both;
  }

  /** Of the next answer, which is read to its end. */
  private static int status(BufferedReader in) throws IOException {
    int status = Integer.parseInt(in.readLine().split(" ")[1]);
    int length = 0;
    for (String line = in.readLine(); !line.isEmpty(); line = in.readLine()) {
      if (line.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:")) {
        length = Integer.parseInt(line.substring(15).strip());
      }
    }
    for (int i = 0; i < length; i++) {
      in.read();
    }
    return status;
  }
}
