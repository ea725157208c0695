package io.heddle.web;

import java.util.List;

/** The names that routes give to the segments of paths. */
final class PathNames {

  /** What a segment is called that no route has a name for. */
  static final String NONE = "path";

  private final List<String[]> patterns;

  PathNames(List<String> patterns) {
    this.patterns = patterns.stream().map(PathNames::segments).toList();
  }

  /** The variable of a segment that is not as it must be, in a target as it came. */
  String of(String target, int index) {
    int query = target.indexOf('?');
    String[] segments = segments(query < 0 ? target : target.substring(0, query));
    for (String[] pattern : patterns) {
      if (isVariable(pattern, index) && isBelow(pattern, segments, index)) {
        return pattern[index].substring(1, pattern[index].length() - 1);
      }
    }
    return NONE;
  }

  private static boolean isBelow(String[] pattern, String[] segments, int index) {
    for (int i = 0; i < index; i++) {
      if (!isVariable(pattern, i) && !pattern[i].equals(segments[i])) {
        return false;
      }
    }
    return true;
  }

  private static boolean isVariable(String[] pattern, int index) {
    return index < pattern.length && pattern[index].startsWith("{");
  }

  private static String[] segments(String path) {
    return path.substring(path.indexOf('/') + 1).split("/", -1);
  }
}
