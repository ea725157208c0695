package io.heddle.turn;

import io.heddle.session.Message;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where a thread may be divided into what is summarised and what is kept: never between a tool call
 * and its outputs, nor within an answer that is several messages.
 */
final class Boundary {

  /** More messages are not kept by their size alone. */
  private static final int MOST_BY_SIZE = 16;

  /** Bytes from a question to where a tool loop may be divided. */
  private static final int OF_QUESTION = 8 * 1024;

  private final List<Message> thread;
  private final List<MessageShape> shapes;

  /** For each place how many calls forbid to divide the thread before it. */
  private final int[] opens;

  Boundary(List<Message> thread) {
    this.thread = thread;
    shapes = new ArrayList<>(thread.size());
    thread.forEach(message -> shapes.add(MessageShape.of(message.body())));
    opens = opens();
  }

  /**
   * How many of the oldest messages may be summarised; 0 for none. Where what is kept would begin
   * within a tool loop, its question is kept too if it is near.
   *
   * @param most so many at most
   * @param room bytes of the messages before that are kept in addition, if they fit
   */
  int before(int most, long room) {
    int at = Math.min(most, thread.size());
    while (at > 0 && !isFree(at)) {
      at--;
    }
    if (at > 0 && at < thread.size() && !isOf(shapes.get(at), "user")) {
      at = questionBefore(at, OF_QUESTION, at);
    }
    int kept = at;
    for (int next = at; next >= 0 && at - next <= MOST_BY_SIZE; ) {
      kept = next;
      next = questionBefore(next, room - bytes(next, at), -1);
    }
    return kept;
  }

  /** The next question before a place, not farther than so many bytes. */
  private int questionBefore(int place, long room, int otherwise) {
    long bytes = 0;
    for (int at = place - 1; at >= 0 && place - at <= MOST_BY_SIZE; at--) {
      bytes += thread.get(at).body().length();
      if (bytes > room) {
        return otherwise;
      }
      if (isOf(shapes.get(at), "user") && isFree(at)) {
        return at;
      }
    }
    return otherwise;
  }

  private long bytes(int from, int to) {
    return thread.subList(from, to).stream().mapToLong(message -> message.body().length()).sum();
  }

  private boolean isFree(int at) {
    if (at == 0 || at == thread.size()) {
      return opens[at] == 0;
    }
    MessageShape next = shapes.get(at);
    boolean withinAnswer = shapes.get(at - 1).role().equals("assistant") && isOf(next, "assistant");
    return opens[at] == 0 && next.answers() == null && !withinAnswer;
  }

  private static boolean isOf(MessageShape shape, String role) {
    return shape.role().equals(role);
  }

  /** How many calls and their outputs each place lies between, or calls without an end. */
  private int[] opens() {
    int size = shapes.size();
    Map<String, Integer> calledAt = new HashMap<>();
    Map<String, Integer> answeredAt = new HashMap<>();
    int[] opens = new int[size + 2];
    for (int i = 0; i < size; i++) {
      MessageShape shape = shapes.get(i);
      for (String call : shape.calls()) {
        Integer called = calledAt.put(call, i);
        if (called != null) {
          // Some models number their calls from 0 in each answer.
          hold(opens, called, answeredAt.remove(call));
        }
      }
      if (shape.answers() != null) {
        answeredAt.put(shape.answers(), i);
      }
    }
    int pending = pendingFrom();
    calledAt.forEach((call, at) -> {
      Integer answered = answeredAt.get(call);
      hold(opens, at, answered == null && at >= pending ? Integer.valueOf(size) : answered);
    });
    for (int i = 1; i < opens.length; i++) {
      opens[i] += opens[i - 1];
    }
    return opens;
  }

  private static void hold(int[] opens, int called, @Nullable Integer answered) {
    if (answered != null) {
      opens[Math.min(called, answered) + 1]++;
      opens[Math.max(called, answered) + 1]--;
    }
  }

  /** Calls from there on may still be answered: nobody has gone on without their outputs. */
  private int pendingFrom() {
    int at = shapes.size();
    while (at > 0
        && (shapes.get(at - 1).answers() != null || isOf(shapes.get(at - 1), "assistant"))) {
      at--;
    }
    return at;
  }
}
