package io.heddle.bench;

import io.heddle.testing.FreePort;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Programs for Node: their packages are installed under {@code target} when they are needed. */
final class Node {

  private Node() {}

  /** The directory of the programs, with their packages. */
  static Path install() throws IOException, InterruptedException {
    Path directory = Files.createDirectories(Path.of("target", "bench-node")).toAbsolutePath();
    String npm = find("npm");
    for (String file : List.of("server.js", "emitter.js")) {
      Files.writeString(directory.resolve(file), resource(file));
    }
    String wanted = resource("package.json");
    Path installed = directory.resolve("package.json");
    if (!Files.exists(installed)
        || !Files.readString(installed).equals(wanted)
        || !Files.exists(directory.resolve("node_modules/.package-lock.json"))) {
      Files.writeString(installed, wanted);
      Process process =
          new ProcessBuilder(npm, "install", "--no-package-lock", "--no-audit", "--no-fund")
              .directory(directory.toFile())
              .inheritIO()
              .start();
      if (process.waitFor() != 0) {
        Files.delete(installed);
        throw new IOException("npm install failed");
      }
    }
    return directory;
  }

  static Child start(Path directory, String program, String redis) throws IOException {
    int port = FreePort.find();
    return Child.command(
        port,
        Map.of("REDIS_URL", redis, "NODE_ENV", "production"),
        new ArrayList<>(
            List.of(
                find("node"),
                "--expose-gc",
                directory.resolve(program).toString(),
                Integer.toString(port))));
  }

  /** Portkey's gateway, which may call servers of this machine. */
  static Child gateway(Path directory) throws IOException {
    int port = FreePort.find();
    return Child.command(
        port,
        "/",
        Map.of("TRUSTED_CUSTOM_HOSTS", "127.0.0.1", "NODE_ENV", "production"),
        List.of(
            find("node"),
            directory.resolve("node_modules/@portkey-ai/gateway/build/start-server.js").toString(),
            "--port=" + port,
            "--headless"));
  }

  static String resource(String name) throws IOException {
    try (InputStream in = Node.class.getResourceAsStream("/bench/" + name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static String find(String program) throws IOException {
    return Arrays.stream(System.getenv("PATH").split(File.pathSeparator, -1))
        .map(directory -> Path.of(directory, program))
        .filter(Files::isExecutable)
        .findFirst()
        .map(Path::toString)
        .orElseThrow(() -> new IOException(program + " is missing: apt-get install nodejs npm"));
  }
}
