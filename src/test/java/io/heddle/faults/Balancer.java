package io.heddle.faults;

import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** Stands for what stands before the replicas: says which one a new connection goes to. */
@FunctionalInterface
interface Balancer {

  int port();

  /** Any of these. */
  static Balancer of(List<Integer> ports) {
    return () -> ports.get(ThreadLocalRandom.current().nextInt(ports.size()));
  }

  static Balancer to(int port) {
    return () -> port;
  }
}
