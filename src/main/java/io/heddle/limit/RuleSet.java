package io.heddle.limit;

import io.heddle.limit.Rule.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.util.AntPathMatcher;

/** The rules for one kind of request, and what is the same of all requests of that kind. */
final class RuleSet {

  /**
   * What one replica may hold of a limit: three of them, all idle, hold less than 5 % of it, which
   * is what they can have refused to others.
   */
  private static final long SHARE = 64;

  private final List<Rule> rules;
  private final @Nullable String policy;
  private final long mostLeased;

  private RuleSet(List<Rule> rules) {
    this.rules = rules;
    this.policy = policy(rules);
    long most = Long.MAX_VALUE;
    for (Rule rule : rules) {
      most = Math.min(most, rule.leasable() == 0 ? 1 : rule.limit() / SHARE);
    }
    this.mostLeased = Math.max(1, most);
  }

  List<Rule> rules() {
    return rules;
  }

  /** The {@code RateLimit-Policy} header, {@code "requests";q=6000;w=60}, or null without rules. */
  @Nullable String policy() {
    return policy;
  }

  /** How many permits one lease may have; 1 when there are no leases of these rules. */
  long mostLeased() {
    return mostLeased;
  }

  static @Nullable String policy(List<Rule> rules) {
    StringBuilder header = new StringBuilder(64);
    for (Rule rule : rules) {
      header.append(header.isEmpty() ? "\"" : ", \"").append(rule.name());
      header.append("\";q=").append(rule.limit());
      header.append(";w=").append(Admission.seconds(rule.window()));
    }
    return header.isEmpty() ? null : header.toString();
  }

  /**
   * Which rules are for a request: of each kind those that name its path, else those of no path.
   */
  static final class Finder {
    private final List<Rule> rules;
    private final boolean byPath;
    private final AntPathMatcher paths = new AntPathMatcher();
    private final RuleSet reads;
    private final RuleSet writes;
    private final Map<List<Rule>, RuleSet> found = new ConcurrentHashMap<>();

    Finder(List<Rule> rules) {
      this.rules = rules;
      this.byPath = rules.stream().anyMatch(rule -> !rule.paths().isEmpty());
      this.reads = new RuleSet(match(false, ""));
      this.writes = new RuleSet(match(true, ""));
    }

    RuleSet find(boolean write, Supplier<String> path) {
      if (!byPath) {
        return write ? writes : reads;
      }
      return found.computeIfAbsent(match(write, path.get()), RuleSet::new);
    }

    private List<Rule> match(boolean write, String path) {
      List<Rule> matching = new ArrayList<>(4);
      collect(Kind.REQUESTS, path, matching);
      if (write) {
        collect(Kind.WRITES, path, matching);
      }
      return List.copyOf(matching);
    }

    private void collect(Kind kind, String path, List<Rule> matching) {
      boolean named = false;
      for (Rule rule : rules) {
        if (rule.kind() == kind && names(rule, path)) {
          matching.add(rule);
          named = true;
        }
      }
      if (named) {
        return;
      }
      for (Rule rule : rules) {
        if (rule.kind() == kind && rule.paths().isEmpty()) {
          matching.add(rule);
        }
      }
    }

    private boolean names(Rule rule, String path) {
      for (String pattern : rule.paths()) {
        if (paths.match(pattern, path)) {
          return true;
        }
      }
      return false;
    }
  }
}
