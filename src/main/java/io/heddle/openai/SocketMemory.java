package io.heddle.openai;

import io.heddle.base.ByteBudget;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.session.NewMessage;
import io.heddle.turn.AnswerMessage;
import io.heddle.turn.ModelEvent;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * What a socket remembers of responses that are stored nowhere, so that the next one can go on from
 * them: the last one of each lane. It is bounded for the socket and for all sockets of a caller and
 * of the replica; what there is no room for is forgotten, the oldest first. A client that goes on
 * from a forgotten one is told so, and sends all of it again. Any thread may use it.
 */
final class SocketMemory implements AutoCloseable {

  /** Sockets that wait must leave the most of the replica's bytes to requests. */
  private static final int PART_OF_ALL = 4;

  private static final int PART_OF_ONE = 16;

  /** Lanes by name, the one that was longest without a response first. */
  private final Map<String, Past> lanes = new LinkedHashMap<>();

  private final long most;
  private final ByteBudget.Hold own;
  private final ByteBudget.Hold whole;
  private long bytes;

  /** What all sockets remember together. */
  record Shared(ByteBudget all, ByteBudget remembered) {

    static Shared of(ByteBudget all) {
      long one = Math.max(1, all.total() / PART_OF_ONE);
      return new Shared(all, new ByteBudget(Math.max(one, all.total() / PART_OF_ALL), one, one));
    }
  }

  /**
   * A response that can be gone on from.
   *
   * @param thread bodies of messages up to its end
   * @param items ids of items in it
   * @param tools that items of it have brought
   */
  record Past(String id, List<Json> thread, Set<String> items, List<JsonValue> tools) {

    /** The whole thread with the input, whose calls and outputs must fit. */
    List<NewMessage> with(List<NewMessage> input) {
      List<NewMessage> all = new ArrayList<>(thread.size() + input.size());
      thread.forEach(body -> all.add(new NewMessage(null, body)));
      all.addAll(input);
      return PendingToolCalls.check(all);
    }

    /** The same to be stored in a session, whose turns it is none of. */
    List<NewMessage> stored(List<NewMessage> input) {
      List<NewMessage> all = new ArrayList<>(with(input));
      all.replaceAll(message -> {
        JsonValue fields = OpenAiJson.object(message.body());
        if (!fields.has("turn")) {
          return message;
        }
        JsonWriter body = JsonWriter.object(message.body().length());
        fields
            .members()
            .forEach((name, value) -> {
              if (!name.equals("turn")) {
                body.member(name, value);
              }
            });
        return new NewMessage(message.id(), body.done());
      });
      return all;
    }

    /** Where items of the next request may be already. */
    ItemReferences.Place place() {
      return id -> Mono.just(items.contains(id));
    }

    long bytes() {
      long sum = 256;
      for (Json message : thread) {
        sum += message.length() + 64;
      }
      for (JsonValue tool : tools) {
        sum += tool.json().length() + 96;
      }
      return sum + 96L * items.size();
    }
  }

  /**
   * What is remembered for one request.
   *
   * @param lane where its response will be remembered
   * @param past what it goes on from, or null when that is not here
   */
  record Recall(SocketMemory memory, String lane, @Nullable Past past) {

    Listener listener(String id, List<Json> thread, List<JsonValue> tools) {
      return new Listener(this, id, thread, tools);
    }
  }

  SocketMemory(Shared shared, ByteBudget.Holder holder, long most) {
    this.most = most;
    this.own = shared.remembered().hold(holder);
    this.whole = shared.all().hold(holder);
  }

  synchronized Recall recall(String lane, @Nullable String previous) {
    Past past = null;
    for (Past one : lanes.values()) {
      past = one.id().equals(previous) ? one : past;
    }
    return new Recall(this, lane, past);
  }

  private synchronized void keep(String lane, Past past) {
    take(lane);
    long size = past.bytes();
    while (bytes + size > most || !resize(bytes + size)) {
      Iterator<String> oldest = lanes.keySet().iterator();
      if (!oldest.hasNext()) {
        return;
      }
      take(oldest.next());
    }
    bytes += size;
    lanes.put(lane, past);
  }

  private boolean resize(long size) {
    if (!own.tryResize(size)) {
      return false;
    }
    if (whole.tryResize(size)) {
      return true;
    }
    own.tryResize(bytes);
    return false;
  }

  private void take(String lane) {
    Past old = lanes.remove(lane);
    if (old != null) {
      bytes -= old.bytes();
      resize(bytes);
    }
  }

  /** A response on this lane that went on from there has failed. */
  synchronized void forget(String lane, @Nullable String id) {
    Past past = lanes.get(lane);
    if (past != null && past.id().equals(id)) {
      take(lane);
    }
  }

  @Override
  public synchronized void close() {
    lanes.clear();
    own.close();
    whole.close();
  }

  /** Puts together what is to be remembered of a response while it is given. */
  static final class Listener {
    private final Recall recall;
    private final String id;
    private final List<Json> thread;
    private final List<JsonValue> tools;
    private final AnswerMessage answer = new AnswerMessage();
    private @Nullable Json summary;

    private Listener(Recall recall, String id, List<Json> thread, List<JsonValue> tools) {
      this.recall = recall;
      this.id = id;
      this.thread = thread;
      this.tools = tools;
    }

    void hear(ModelEvent piece) {
      if (piece instanceof ModelEvent.Compaction compaction) {
        summary = compaction.body();
      } else {
        answer.add(piece);
      }
    }

    /**
     * @param whole whether the model came to its end
     * @param ids of the response's items
     */
    void end(boolean whole, List<String> ids) {
      List<Json> all = new ArrayList<>(thread);
      if (summary != null) {
        all.add(summary);
      }
      all.addAll(answer.bodies(id, whole));
      keep(all, ids);
    }

    /** Of a request that no model was asked for. */
    void end() {
      keep(thread, List.of());
    }

    private void keep(List<Json> all, List<String> ids) {
      Set<String> items = new HashSet<>(ids);
      if (recall.past() != null) {
        items.addAll(recall.past().items());
      }
      recall.memory().keep(recall.lane(), new Past(id, List.copyOf(all), items, tools));
    }
  }
}
