package io.heddle.bench;

import io.heddle.testing.FreePort;
import io.heddle.testing.RedisProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A server that pushes, with a Redis of its own, and the place where its changes are published:
 * never the server itself, so that what is measured on it is pushing alone.
 *
 * @param watch kind, port and path of its sockets, as {@link SocketLoad} is told
 * @param publish the same of where changes are published
 */
record Contestant(
    String name,
    Child server,
    RedisProcess redis,
    String watch,
    String publish,
    List<AutoCloseable> parts)
    implements AutoCloseable {

  private static final String SESSION = "bench-fanout";
  private static final String FILES = "20000";
  private static final Path NGINX = Path.of("/usr/sbin/nginx");
  private static final Path NCHAN = Path.of("/usr/lib/nginx/modules/ngx_nchan_module.so");

  /** Two replicas: one is watched, changes are appended on the other. */
  static Contestant heddle() throws Exception {
    return open(parts -> {
      RedisProcess redis = add(parts, RedisProcess.start());
      Child watched = add(parts, replica(redis));
      Child written = add(parts, replica(redis));
      put(written.port());
      return new Contestant(
          "Heddle",
          watched,
          redis,
          "HEDDLE %d /v1/socket?watch=%s".formatted(watched.port(), SESSION),
          "HEDDLE %d /v1/sessions/%s/messages".formatted(written.port(), SESSION),
          parts);
    });
  }

  static Contestant bare() throws Exception {
    return open(parts -> {
      RedisProcess redis = add(parts, RedisProcess.start());
      Child server = add(parts, Child.server(BareSocketServer.class, redis.uri()));
      return new Contestant(
          "bare Netty",
          server,
          redis,
          "PLAIN %d /socket".formatted(server.port()),
          "REDIS %d bench".formatted(redis.port()),
          parts);
    });
  }

  static Contestant socketIo() throws Exception {
    return open(parts -> {
      Path directory = Node.install();
      RedisProcess redis = add(parts, RedisProcess.start());
      Child server = add(parts, Node.start(directory, "server.js", redis.uri()));
      Child emitter = add(parts, Node.start(directory, "emitter.js", redis.uri()));
      return new Contestant(
          "socket.io",
          server,
          redis,
          "SOCKET_IO %d /socket.io/?EIO=4&transport=websocket".formatted(server.port()),
          "PLAIN %d /".formatted(emitter.port()),
          parts);
    });
  }

  static Contestant nchan() throws Exception {
    return open(parts -> {
      if (!Files.isExecutable(NGINX) || !Files.exists(NCHAN)) {
        throw new IOException("nginx with nchan is missing: apt-get install libnginx-mod-nchan");
      }
      RedisProcess redis = add(parts, RedisProcess.start());
      Child server = add(parts, nginx(redis));
      Child publisher = add(parts, nginx(redis));
      return new Contestant(
          "nchan",
          server,
          redis,
          "PLAIN %d /socket".formatted(server.port()),
          "PLAIN %d /publish".formatted(publisher.port()),
          parts);
    });
  }

  private static Child replica(RedisProcess redis) throws IOException {
    return Child.heddle(redis.uri(), "--heddle.session.max-session=1GB");
  }

  private static void put(int port) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      String request =
          "PUT /v1/sessions/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
              + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
      socket
          .getOutputStream()
          .write(request.formatted(SESSION).getBytes(StandardCharsets.US_ASCII));
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!answer.startsWith("HTTP/1.1 201")) {
        throw new IOException("no session: " + answer);
      }
    }
  }

  private static Child nginx(RedisProcess redis) throws IOException {
    int port = FreePort.find();
    Path directory = Files.createDirectories(Path.of("target", "bench-nginx", "" + port));
    String config =
        Node.resource("nginx.conf")
            .replace("{user}", System.getProperty("user.name"))
            .replace("{files}", FILES)
            .replace("{directory}", directory.toAbsolutePath().toString())
            .replace("{redis}", redis.uri())
            .replace("{port}", Integer.toString(port));
    Path file = directory.toAbsolutePath().resolve("nginx.conf");
    Files.writeString(file, config);
    return Child.command(port, Map.of(), List.of(NGINX.toString(), "-c", file.toString()));
  }

  private static <T extends AutoCloseable> T add(List<AutoCloseable> parts, T part) {
    parts.addFirst(part);
    return part;
  }

  private static Contestant open(Start start) throws Exception {
    List<AutoCloseable> parts = new ArrayList<>();
    try {
      return start.with(parts);
    } catch (Exception e) {
      closeAll(parts);
      throw e;
    }
  }

  private static void closeAll(List<AutoCloseable> parts) throws Exception {
    for (AutoCloseable part : parts) {
      part.close();
    }
  }

  @Override
  public void close() throws Exception {
    closeAll(parts);
  }

  private interface Start {

    /** What is added to the parts is closed with the contestant, or when it does not start. */
    Contestant with(List<AutoCloseable> parts) throws Exception;
  }
}
