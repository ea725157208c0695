package io.heddle.testing;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Optional;

/** Where the {@code redis-server} program of this machine is. */
final class RedisBinary {
  private static final class Embedded {
    static final Path PATH = unpack();
  }

  private RedisBinary() {}

  /** The one on the PATH, else the one in the embedded-redis jar. */
  static Path find() {
    return onPath().orElseGet(RedisBinary::embedded);
  }

  static Optional<Path> onPath() {
    String path = System.getenv().getOrDefault("PATH", "");
    for (String directory : path.split(File.pathSeparator, -1)) {
      Path candidate = Path.of(directory, "redis-server");
      if (!directory.isEmpty() && Files.isExecutable(candidate)) {
        return Optional.of(candidate);
      }
    }
    return Optional.empty();
  }

  /** Redis 7.0 as the jar brings it, unpacked once a JVM. */
  static Path embedded() {
    return Embedded.PATH;
  }

  private static Path unpack() {
    String os =
        System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("mac") ? "darwin" : "linux";
    String arch =
        switch (System.getProperty("os.arch")) {
          case "aarch64", "arm64" -> "arm64";
          default -> "amd64";
        };
    String name = "/redis-server-7.0.15-%s-%s".formatted(os, arch);
    try (InputStream in = redis.embedded.RedisServer.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("No redis-server on the PATH and none in the jar: " + name);
      }
      Path file =
          Files.createTempFile(
              "heddle-redis-server",
              "",
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      file.toFile().deleteOnExit();
      try (var out = Files.newOutputStream(file)) {
        in.transferTo(out);
      }
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
