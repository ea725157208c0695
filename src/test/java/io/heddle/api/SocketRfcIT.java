package io.heddle.api;

import static io.heddle.testing.RawWebSocket.BINARY;
import static io.heddle.testing.RawWebSocket.CLOSE;
import static io.heddle.testing.RawWebSocket.CONTINUATION;
import static io.heddle.testing.RawWebSocket.PING;
import static io.heddle.testing.RawWebSocket.PONG;
import static io.heddle.testing.RawWebSocket.TEXT;
import static io.heddle.testing.RawWebSocket.close;
import static io.heddle.testing.RawWebSocket.frame;
import static io.heddle.testing.RawWebSocket.head;
import static io.heddle.testing.RawWebSocket.join;
import static io.heddle.testing.RawWebSocket.masked;
import static io.heddle.testing.RawWebSocket.unmasked;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.testing.RawWebSocket;
import io.heddle.testing.RawWebSocket.Frame;
import io.heddle.testing.RawWebSocket.Length;
import io.heddle.web.Connections;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

/**
 * RFC 6455, sentence by sentence, with a client that says octets. Three in ten of these were once
 * wrong: a frame with a reserved bit was carried out, a broken text was taken for broken JSON, and
 * a wrong close code ended the connection without a word.
 *
 * <p>After every probe that the server must refuse, the thread of the session is still empty.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SocketRfcIT {

  private static final int FIN = 0x80;
  private static final int TOO_LARGE = 2 << 20;

  /** Answered with an error that has its ref. */
  private static final String ASK = "{'type':'unwatch','session':'none','ref':'%s'}";

  private static final String APPEND =
      "{'type':'append','session':'rfc','message':{'role':'user','content':'%s'}}";

  private final AtomicInteger passed = new AtomicInteger();
  private Application server;
  private Http http;

  private interface Script {
    void run(RawWebSocket socket) throws Exception;
  }

  @BeforeAll
  void start() {
    server =
        Application.start(
            Map.of(
                "heddle.engine", "embedded",
                "heddle.embedded.path", "",
                "heddle.limits.enabled", "false",
                "heddle.live.message-timeout", "1s"));
    http = new Http(server.port());
    http.post("/v1/sessions", "{'id':'rfc'}");
  }

  @AfterAll
  void stop() {
    try {
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertThat(server.bean(Connections.class).open()).isZero());
      System.out.println("SocketRfcIT: probes of RFC 6455 passed=" + passed);
    } finally {
      server.close();
    }
  }

  // ---- 4: the handshake

  @TestFactory
  Stream<DynamicTest> handshakes() {
    List<DynamicTest> probes = new ArrayList<>();
    handshake(probes, "4.2.2 as it should be", 101, "");
    handshake(probes, "4.2.1 names and tokens in any case", 101, "Upgrade=UPGRADE: WebSocket");
    handshake(probes, "4.2.1 another protocol beside it", 101, "Upgrade=Upgrade: h2c, websocket");
    handshake(
        probes, "4.2.1 Connection is a list", 101, "Connection=Connection: keep-alive, UPGRADE");
    handshake(
        probes,
        "4.2.1 Connection in two lines",
        101,
        "Connection=Connection: keep-alive\r\nConnection: Upgrade");
    handshake(probes, "4.2.1 no Upgrade", 400, "Upgrade=");
    handshake(probes, "4.2.1 another Upgrade", 400, "Upgrade=Upgrade: h2c");
    handshake(probes, "4.2.1 Upgrade that only begins so", 400, "Upgrade=Upgrade: websocket2");
    handshake(probes, "4.2.1 no Connection", 400, "Connection=");
    handshake(probes, "4.2.1 another Connection", 400, "Connection=Connection: keep-alive");
    for (String version : List.of("0", "8", "12", "14", "013", "13, 8", "x", "255")) {
      handshake(
          probes,
          "4.4 version " + version,
          426,
          "Sec-WebSocket-Version=Sec-WebSocket-Version: " + version);
    }
    handshake(probes, "4.2.1 no version", 426, "Sec-WebSocket-Version=");
    handshake(
        probes,
        "11.3.5 the version twice",
        400,
        "Sec-WebSocket-Version=Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13");
    Map<String, String> keys =
        Map.of(
            "none", "",
            "empty", "Sec-WebSocket-Key:",
            "of 15 bytes", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA",
            "of 17 bytes", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA=",
            "of 18 bytes", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAA",
            "of 16 letters", "Sec-WebSocket-Key: 0123456789abcdef",
            "without padding", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ",
            "that is no base64", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==",
            "twice",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");
    keys.forEach(
        (name, key) -> handshake(probes, "4.2.1 key " + name, 400, "Sec-WebSocket-Key=" + key));
    handshake(probes, "4.2.1 HTTP/1.0", 400, "GET=GET /v1/socket HTTP/1.0");
    handshake(probes, "4.2.1 POST", 405, "GET=POST /v1/socket HTTP/1.1");
    handshake(probes, "4.2.1 HEAD", 405, "GET=HEAD /v1/socket HTTP/1.1");
    handshake(probes, "a body", 400, "Host=Host: 127.0.0.1\r\nContent-Length: 5");
    handshake(
        probes, "a body in chunks", 400, "Host=Host: 127.0.0.1\r\nTransfer-Encoding: chunked");
    probe(
        probes,
        "9.1 no extension is agreed on",
        offering -> {
          assertThat(offering.status()).isEqualTo(101);
          assertThat(offering.header("sec-websocket-extensions")).isEmpty();
        },
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-other");
    probe(
        probes,
        "4.2.2 no subprotocol is chosen",
        offering -> {
          assertThat(offering.status()).isEqualTo(101);
          assertThat(offering.header("sec-websocket-protocol")).isEmpty();
        },
        "Sec-WebSocket-Protocol: chat, superchat");
    return probes.stream();
  }

  private void probe(List<DynamicTest> probes, String name, Script script, String header) {
    probes.add(
        DynamicTest.dynamicTest(
            name,
            () -> {
              String request =
                  RawWebSocket.handshake(server.port(), "/v1/socket")
                      .replace("\r\n\r\n", "\r\n" + header + "\r\n\r\n");
              try (RawWebSocket socket = RawWebSocket.asked(server.port(), request)) {
                script.run(socket);
              }
              passed.incrementAndGet();
            }));
  }

  /**
   * @param change which line of the handshake is another one; empty for none
   */
  private void handshake(List<DynamicTest> probes, String name, int status, String change) {
    probes.add(
        DynamicTest.dynamicTest(
            name,
            () -> {
              String request = RawWebSocket.handshake(server.port(), "/v1/socket");
              if (!change.isEmpty()) {
                String line = change.substring(0, change.indexOf('='));
                String other = change.substring(change.indexOf('=') + 1);
                request =
                    request.replaceFirst(
                        line + "[^\r]*\r\n", other.isEmpty() ? "" : other + "\r\n");
              }
              try (RawWebSocket socket = RawWebSocket.asked(server.port(), request)) {
                assertThat(socket.status()).isEqualTo(status);
                if (status == 101) {
                  assertThat(socket.header("sec-websocket-accept"))
                      .isEqualTo("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
                  assertThat(socket.header("upgrade")).isEqualToIgnoringCase("websocket");
                  assertThat(socket.header("connection")).isEqualToIgnoringCase("upgrade");
                  isUnderstood(socket);
                } else if (status == 426) {
                  assertThat(socket.header("sec-websocket-version")).isEqualTo("13");
                  assertThat(socket.header("upgrade")).isEqualTo("websocket");
                }
              }
              passed.incrementAndGet();
            }));
  }

  // ---- 5: frames

  @TestFactory
  Stream<DynamicTest> brokenFrames() {
    List<DynamicTest> probes = new ArrayList<>();
    byte[] append = json(APPEND.formatted("x"));
    for (int bits : List.of(0x40, 0x20, 0x10, 0x70)) {
      broken(
          probes,
          "5.2 reserved bits %x of a text".formatted(bits),
          1002,
          frame(FIN | bits | TEXT, append));
    }
    broken(probes, "5.2 a reserved bit of a ping", 1002, frame(FIN | 0x40 | PING));
    broken(probes, "5.2 a reserved bit of a close", 1002, frame(FIN | 0x10 | CLOSE, close(1000)));
    broken(
        probes,
        "5.2 a reserved bit of a continuation",
        1002,
        join(frame(TEXT, append), frame(FIN | 0x20 | CONTINUATION)));
    for (int opcode : List.of(3, 4, 5, 6, 7, 11, 12, 13, 14, 15)) {
      broken(probes, "5.2 opcode " + opcode, 1002, frame(FIN | opcode, append));
    }
    broken(probes, "5.1 a text is not masked", 1002, unmasked(FIN | TEXT, append));
    broken(probes, "5.1 a ping is not masked", 1002, unmasked(FIN | PING));
    broken(probes, "5.1 a close is not masked", 1002, unmasked(FIN | CLOSE, close(1000)));
    broken(
        probes,
        "5.1 a continuation is not masked",
        1002,
        join(frame(TEXT, append), unmasked(FIN | CONTINUATION)));
    for (int opcode : List.of(CLOSE, PING, PONG)) {
      String name = opcode == CLOSE ? "close" : opcode == PING ? "ping" : "pong";
      broken(probes, "5.5 a " + name + " in pieces", 1002, frame(opcode));
      broken(probes, "5.5 a " + name + " of 126 bytes", 1002, frame(FIN | opcode, new byte[126]));
      broken(
          probes,
          "5.5 a " + name + " with a long length",
          1002,
          head(FIN | opcode, true, 65_536, Length.SHORTEST));
    }
    broken(
        probes, "5.4 a continuation without a beginning", 1002, frame(FIN | CONTINUATION, append));
    broken(probes, "5.4 more to continue, of nothing", 1002, frame(CONTINUATION, append));
    broken(
        probes,
        "5.4 a continuation after the end",
        1002,
        join(
            frame(TEXT),
            frame(FIN | CONTINUATION, json(ASK.formatted("1"))),
            frame(FIN | CONTINUATION)));
    broken(
        probes,
        "5.4 a text within a text",
        1002,
        join(frame(TEXT, append), frame(FIN | TEXT, append)));
    broken(
        probes, "5.4 binary within a text", 1002, join(frame(TEXT, append), frame(FIN | BINARY)));
    broken(
        probes,
        "5.2 5 bytes with a length of two",
        1002,
        join(head(FIN | TEXT, true, 5, Length.TWO), masked(new byte[5])));
    broken(
        probes,
        "5.2 125 bytes with a length of two",
        1002,
        head(FIN | TEXT, true, 125, Length.TWO));
    broken(
        probes, "5.2 no bytes with a length of two", 1002, head(FIN | TEXT, true, 0, Length.TWO));
    broken(
        probes,
        "5.2 126 bytes with a length of eight",
        1002,
        head(FIN | TEXT, true, 126, Length.EIGHT));
    broken(
        probes,
        "5.2 65,535 bytes with a length of eight",
        1002,
        head(FIN | TEXT, true, 65_535, Length.EIGHT));
    broken(
        probes,
        "5.2 the highest bit of a length",
        1002,
        head(FIN | TEXT, true, Long.MIN_VALUE, Length.EIGHT));
    broken(probes, "5.2 a length of -1", 1002, head(FIN | TEXT, true, -1, Length.EIGHT));
    broken(probes, "a binary message", 1003, frame(FIN | BINARY, append));
    broken(probes, "a binary message that has only begun", 1003, frame(BINARY));
    broken(
        probes,
        "a message that is too large, by its head",
        1009,
        head(FIN | TEXT, true, TOO_LARGE, Length.EIGHT));
    broken(probes, "a message of 2^62 bytes", 1009, head(FIN | TEXT, true, 1L << 62, Length.EIGHT));
    broken(
        probes, "a first piece that is too large", 1009, head(TEXT, true, TOO_LARGE, Length.EIGHT));
    broken(
        probes,
        "pieces that are too large together",
        1009,
        join(frame(TEXT, spaces(700_000)), head(CONTINUATION, true, 700_000, Length.EIGHT)));
    broken(probes, "an empty message is no object", 4400, frame(FIN | TEXT));
    broken(probes, "what is no JSON", 4400, frame(FIN | TEXT, json("hello")));
    return probes.stream();
  }

  @TestFactory
  Stream<DynamicTest> soundFrames() {
    List<DynamicTest> probes = new ArrayList<>();
    byte[] ask = json(ASK.formatted("r"));
    answered(probes, "5.4 one frame", "r", frame(FIN | TEXT, ask));
    answered(
        probes,
        "5.4 two frames",
        "r",
        join(frame(TEXT, part(ask, 0, 9)), frame(FIN, part(ask, 9, ask.length))));
    answered(
        probes,
        "5.4 a frame for each byte",
        "r",
        IntStream.range(0, ask.length)
            .mapToObj(i -> frame((i == 0 ? TEXT : 0) | (i == ask.length - 1 ? FIN : 0), ask[i]))
            .reduce(new byte[0], RawWebSocket::join));
    answered(
        probes,
        "5.4 frames without a byte",
        "r",
        join(frame(TEXT), frame(0), frame(0, ask), frame(0), frame(FIN)));
    answered(
        probes,
        "5.3 a mask of zeros",
        "r",
        join(new byte[] {(byte) (FIN | TEXT), (byte) (0x80 | ask.length), 0, 0, 0, 0}, ask));
    answered(
        probes,
        "5.5.3 a pong that nobody asked for",
        "r",
        join(frame(FIN | PONG), frame(FIN | PONG, new byte[125]), frame(FIN | TEXT, ask)));
    answered(
        probes,
        "5.5.3 a pong between the pieces",
        "r",
        join(
            frame(TEXT, part(ask, 0, 9)),
            frame(FIN | PONG, (byte) 1),
            frame(FIN, part(ask, 9, ask.length))));
    answered(probes, "5.2 126 bytes", "r", frame(FIN | TEXT, wide(ask, 126)));
    answered(probes, "5.2 65,535 bytes", "r", frame(FIN | TEXT, wide(ask, 65_535)));
    answered(probes, "5.2 65,536 bytes", "r", frame(FIN | TEXT, wide(ask, 65_536)));
    answered(probes, "a message of a megabyte", "r", frame(FIN | TEXT, wide(ask, 1 << 20)));
    answered(
        probes,
        "a message of a megabyte, in uneven pieces",
        "r",
        join(
            frame(TEXT, part(wide(ask, 1 << 20), 0, 77_777)),
            frame(0, part(wide(ask, 1 << 20), 77_777, 900_001)),
            frame(FIN, part(wide(ask, 1 << 20), 900_001, 1 << 20))));
    probe(
        probes,
        "5.2 octet by octet",
        socket -> {
          socket.trickle(join(frame(TEXT, part(ask, 0, 9)), frame(FIN, part(ask, 9, ask.length))));
          assertThat(text(socket)).contains("\"ref\":\"r\"");
        });
    probe(
        probes,
        "many messages in one segment are answered in their order",
        socket -> {
          byte[] all = new byte[0];
          for (int i = 0; i < 200; i++) {
            all = join(all, frame(FIN | TEXT, json(ASK.formatted("n" + i))));
          }
          socket.send(all);
          for (int i = 0; i < 200; i++) {
            assertThat(text(socket)).contains("\"ref\":\"n" + i + "\"");
          }
        });
    for (int length : List.of(0, 1, 5, 125)) {
      probe(
          probes,
          "5.5.2 a ping of " + length + " bytes",
          socket -> {
            byte[] payload = new byte[length];
            Arrays.fill(payload, (byte) 0xfe);
            socket.send(FIN | PING, payload);
            isPong(socket, payload);
          });
    }
    probe(
        probes,
        "5.4 a ping between the pieces is answered at once",
        socket -> {
          socket.send(frame(TEXT, part(ask, 0, 9)));
          socket.send(FIN | PING, (byte) 7);
          isPong(socket, (byte) 7);
          socket.send(frame(FIN, part(ask, 9, ask.length)));
          assertThat(text(socket)).contains("\"ref\":\"r\"");
        });
    probe(
        probes,
        "5.5.2 ten pings",
        socket -> {
          for (byte i = 0; i < 10; i++) {
            socket.send(FIN | PING, i);
          }
          for (byte i = 0; i < 10; i++) {
            isPong(socket, i);
          }
        });
    return probes.stream();
  }

  // ---- 5.6, 8.1: text is UTF-8

  @TestFactory
  Stream<DynamicTest> texts() {
    List<DynamicTest> probes = new ArrayList<>();
    for (String good : List.of("é", "水", "𝄞", "\u07ff\u0800\ud7ff\ue000\uffff", "\udbff\udfff")) {
      byte[] ask = json(ASK.formatted(good));
      answered(
          probes, "8.1 " + Integer.toHexString(good.codePointAt(0)), good, frame(FIN | TEXT, ask));
      int cut =
          new String(ask, StandardCharsets.ISO_8859_1)
                  .indexOf(good.getBytes(StandardCharsets.UTF_8)[0])
              + 1;
      answered(
          probes,
          "8.1 pieces within " + Integer.toHexString(good.codePointAt(0)),
          good,
          join(frame(TEXT, part(ask, 0, cut)), frame(FIN, part(ask, cut, ask.length))));
    }
    for (String bad :
        List.of(
            "80",
            "bf",
            "c0 80",
            "c1 bf",
            "c3 28",
            "e0 80 80",
            "e0 9f bf",
            "ed a0 80",
            "ed bf bf",
            "e2 28 a1",
            "e2 82 28",
            "f0 80 80 80",
            "f0 8f bf bf",
            "f4 90 80 80",
            "f5 80 80 80",
            "f8 88 80 80 80",
            "fe",
            "ff",
            "c3 c3")) {
      broken(probes, "8.1 " + bad, 1007, frame(FIN | TEXT, quoted(hex(bad))));
    }
    for (String half : List.of("c3", "e2 82", "f0 9f 98")) {
      broken(probes, "8.1 ends within " + half, 1007, frame(FIN | TEXT, hex(half)));
      broken(
          probes,
          "8.1 ends within " + half + ", in pieces",
          1007,
          join(frame(TEXT, hex(half)), frame(0), frame(FIN)));
    }
    broken(
        probes,
        "8.1 wrong across two pieces",
        1007,
        join(frame(TEXT, hex("e2 82")), frame(0, hex("28"))));
    broken(probes, "8.1 told before the message ends", 1007, frame(TEXT, hex("22 ff")));
    broken(
        probes,
        "8.1 told before the frame ends",
        1007,
        join(head(FIN | TEXT, true, 1000, Length.SHORTEST), masked(hex("22 ff"))));
    return probes.stream();
  }

  // ---- 5.5.1, 7: the close

  @TestFactory
  Stream<DynamicTest> closes() {
    List<DynamicTest> probes = new ArrayList<>();
    for (int code :
        List.of(
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999,
            4000, 4400, 4999)) {
      closed(probes, "7.4 code " + code, code, frame(FIN | CLOSE, close(code)));
    }
    for (int code :
        List.of(0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)) {
      broken(probes, "7.4 code " + code, 1002, frame(FIN | CLOSE, close(code)));
    }
    closed(probes, "5.5.1 no code", 1005, frame(FIN | CLOSE));
    broken(probes, "5.5.1 half a code", 1002, frame(FIN | CLOSE, (byte) 3));
    closed(probes, "5.5.1 with a reason", 1000, frame(FIN | CLOSE, close(1000, json("done – ü"))));
    closed(
        probes,
        "5.5.1 with the longest reason",
        1000,
        frame(FIN | CLOSE, close(1000, spaces(123))));
    broken(
        probes,
        "7.1.6 a reason that is no UTF-8",
        1007,
        frame(FIN | CLOSE, close(1000, hex("ff"))));
    broken(probes, "7.1.6 half a character", 1007, frame(FIN | CLOSE, close(1000, hex("e2 82"))));
    closed(
        probes,
        "5.5.1 after a close nothing is taken",
        1000,
        join(frame(FIN | CLOSE, close(1000)), frame(FIN | TEXT, json(APPEND.formatted("late")))));
    closed(
        probes,
        "5.5.1 nor anything broken answered",
        1000,
        join(frame(FIN | CLOSE, close(1000)), frame(0x7f), frame(FIN | CLOSE, close(1001))));
    closed(
        probes,
        "5.4 a close between the pieces",
        1000,
        join(frame(TEXT, json("{'type'")), frame(FIN | CLOSE, close(1000))));
    probe(
        probes,
        "5.5.1 a close by a client that says no more",
        socket -> {
          socket.sendClose(1000, "");
          socket.endOutput();
          isClosed(socket, 1000);
        });
    probe(
        probes,
        "7.2.1 a client that ends without a close",
        socket -> {
          isUnderstood(socket);
          socket.endOutput();
          assertThat(socket.isAtEnd()).isTrue();
        });
    probe(
        probes,
        "7.1.1 the server closes, the client answers, the server ends it",
        socket -> {
          socket.text("no object");
          Frame close = frameOf(socket);
          assertThat(close.code()).isEqualTo(4400);
          long told = System.nanoTime();
          socket.send(FIN | CLOSE, close(4400));
          assertThat(socket.isAtEnd()).isTrue();
          assertThat(System.nanoTime() - told).isLessThan(Duration.ofMillis(1500).toNanos());
        });
    probe(
        probes,
        "7.1.1 the server closes and the client does not answer",
        socket -> {
          socket.text("no object");
          isClosed(socket, 4400);
        });
    probe(
        probes,
        "5.5.1 after the server's close nothing is said",
        socket -> {
          socket.send(
              join(
                  frame(FIN | TEXT, json("no object")),
                  frame(FIN | PING, (byte) 1),
                  frame(FIN | TEXT, json(APPEND.formatted("late"))),
                  frame(TEXT, hex("ff"))));
          isClosed(socket, 4400);
        });
    for (Map.Entry<String, byte[]> begun :
        Map.of(
                "a message without its end", frame(TEXT, json("{")),
                "half a frame",
                    join(head(FIN | TEXT, true, 1000, Length.SHORTEST), masked(spaces(10))),
                "half a head", new byte[] {(byte) (FIN | TEXT)},
                "half a ping", join(head(FIN | PING, true, 8, Length.SHORTEST), new byte[1]))
            .entrySet()) {
      probe(
          probes,
          begun.getKey() + " is waited for in vain",
          socket -> {
            socket.send(begun.getValue());
            isClosed(socket, 4408);
          });
    }
    probe(
        probes,
        "pings do not make a message's time longer",
        socket -> {
          socket.send(frame(TEXT, json("{")));
          Frame last;
          int pongs = -1;
          do {
            socket.send(FIN | PING, (byte) 1);
            last = frameOf(socket);
            pongs++;
          } while (last.opcode() == PONG);
          assertThat(last.code()).isEqualTo(4408);
          assertThat(pongs).isPositive();
        });
    return probes.stream();
  }

  // ---- what the probes are made of

  private void probe(List<DynamicTest> probes, String name, Script script) {
    probes.add(
        DynamicTest.dynamicTest(
            name,
            () -> {
              try (RawWebSocket socket = RawWebSocket.open(server.port(), "/v1/socket")) {
                script.run(socket);
              }
              Http.Reply thread = http.get("/v1/sessions/rfc/messages");
              assertThat(thread.json().path("data").size()).as(thread.toString()).isZero();
              passed.incrementAndGet();
            }));
  }

  /** Closed with this code, and the connection ended; nothing comes before or after the close. */
  private void broken(List<DynamicTest> probes, String name, int code, byte[] octets) {
    closed(probes, name, code, octets);
  }

  private void closed(List<DynamicTest> probes, String name, int code, byte[] octets) {
    probe(
        probes,
        name,
        socket -> {
          socket.send(octets);
          isClosed(socket, code);
        });
  }

  private void answered(List<DynamicTest> probes, String name, String ref, byte[] octets) {
    probe(
        probes,
        name,
        socket -> {
          socket.send(octets);
          assertThat(text(socket)).contains("\"ref\":\"" + ref + "\"");
          isUnderstood(socket);
        });
  }

  private static void isUnderstood(RawWebSocket socket) throws IOException {
    socket.send(frame(FIN | TEXT, json(ASK.formatted("still"))));
    assertThat(text(socket)).contains("\"ref\":\"still\"");
  }

  private static void isClosed(RawWebSocket socket, int code) throws IOException {
    Frame last = frameOf(socket);
    while (last.opcode() == TEXT && last.text().contains("\"ref\":\"1\"")) {
      last = frameOf(socket);
    }
    assertThat(last.opcode()).as("opcode").isEqualTo(CLOSE);
    assertThat(last.code()).as(new String(last.payload(), StandardCharsets.UTF_8)).isEqualTo(code);
    assertThat(socket.isAtEnd()).as("nothing after the close, and no reset").isTrue();
  }

  private static void isPong(RawWebSocket socket, byte... payload) throws IOException {
    Frame pong = frameOf(socket);
    assertThat(pong.opcode()).isEqualTo(PONG);
    assertThat(pong.payload()).isEqualTo(payload);
  }

  private static String text(RawWebSocket socket) throws IOException {
    Frame text = frameOf(socket);
    assertThat(text.opcode()).as(text.text()).isEqualTo(TEXT);
    return text.text();
  }

  /** Every frame of the server: final, no reserved bit, not masked (5.1, 5.2). */
  private static Frame frameOf(RawWebSocket socket) throws IOException {
    Frame frame = socket.receive();
    assertThat(frame.first() & 0xf0).isEqualTo(FIN);
    assertThat(frame.second() & 0x80).as("a server's frame is not masked").isZero();
    return frame;
  }

  private static byte[] json(String text) {
    return text.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] quoted(byte[] octets) {
    return join(json("{'x':'"), octets, json("'}"));
  }

  private static byte[] hex(String octets) {
    String[] each = octets.split(" ");
    byte[] bytes = new byte[each.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) Integer.parseInt(each[i], 16);
    }
    return bytes;
  }

  private static byte[] spaces(int count) {
    byte[] spaces = new byte[count];
    Arrays.fill(spaces, (byte) ' ');
    return spaces;
  }

  /** JSON that means the same and has so many bytes. */
  private static byte[] wide(byte[] json, int length) {
    return join(json, spaces(length - json.length));
  }

  private static byte[] part(byte[] bytes, int from, int to) {
    return Arrays.copyOfRange(bytes, from, to);
  }
}
