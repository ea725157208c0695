package io.heddle.embedded;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Makes the engine's files so that nobody but the user whom Heddle runs as can read them: they hold
 * everybody's conversations. What is there already is given the same mode, unless it is another
 * user's.
 */
final class StoreFiles {

  private static final Set<PosixFilePermission> FILE = PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> DIRECTORY =
      PosixFilePermissions.fromString("rwx------");

  private StoreFiles() {}

  /** Makes the directories that are missing; those that are there keep their mode. */
  static void makeDirectories(Path directory) throws IOException {
    Files.createDirectories(directory, as(directory, DIRECTORY));
  }

  /** Makes the file if it is not there. */
  static void make(Path file) throws IOException {
    try {
      Files.createFile(file, as(file, FILE));
    } catch (FileAlreadyExistsException there) {
      restrict(file);
    }
  }

  private static void restrict(Path file) throws IOException {
    if (isPosix(file) && Files.isRegularFile(file)) {
      Set<PosixFilePermission> now = Files.getPosixFilePermissions(file);
      if (!FILE.containsAll(now) && Files.isWritable(file)) {
        try {
          Files.setPosixFilePermissions(file, FILE);
        } catch (java.nio.file.FileSystemException notOurs) {
          // Whoever owns it gave it to us like this.
        }
      }
    }
  }

  private static FileAttribute<?>[] as(Path path, Set<PosixFilePermission> mode) {
    return isPosix(path)
        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(mode)}
        : new FileAttribute<?>[0];
  }

  private static boolean isPosix(Path path) {
    return path.getFileSystem().supportedFileAttributeViews().contains("posix");
  }
}
