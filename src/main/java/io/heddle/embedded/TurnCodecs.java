package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.json.Json;
import io.heddle.session.NewMessage;
import io.heddle.session.Turn;
import java.nio.ByteBuffer;
import java.util.List;
import org.h2.mvstore.DataUtils;
import org.h2.mvstore.WriteBuffer;
import org.jspecify.annotations.Nullable;

/** How turns stand in the file; see {@link Codecs} for how that evolves. */
final class TurnCodecs {

  static final Codecs.Codec<StoredRecords.Ordered> ORDERED =
      new Codecs.Codec<>(TurnCodecs::putOrdered, TurnCodecs::getOrdered, TurnCodecs::weight, false);

  static final Codecs.Codec<StoredRecords.Events> EVENTS =
      new Codecs.Codec<>(
          (out, batch) -> Codecs.putList(out, batch.events(), TurnCodecs::putJson),
          in -> new StoredRecords.Events(Codecs.getList(in, TurnCodecs::getJson)),
          batch -> 60 + batch.events().stream().mapToInt(event -> 40 + event.length()).sum(),
          false);

  private TurnCodecs() {}

  private static void putOrdered(WriteBuffer out, StoredRecords.Ordered turn) {
    Codecs.putText(out, turn.id());
    out.put((byte) turn.status().ordinal()).putVarInt(turn.attempt());
    Codecs.putText(out, turn.order().model());
    out.putVarLong(turn.order().created()).putVarLong(turn.started()).putVarLong(turn.ended());
    out.putVarLong(turn.order().keep()).putVarLong(turn.place()).putVarLong(turn.last());
    Codecs.putList(
        out,
        turn.asked(),
        (to, message) -> {
          Codecs.putText(to, message.id());
          putJson(to, message.body());
        });
    Codecs.putList(out, turn.input(), Codecs::putText);
    Codecs.putList(out, turn.output(), Codecs::putText);
    putJson(out, turn.order().request());
    Json end = turn.end();
    Codecs.putBytes(out, end == null ? new byte[0] : end.utf8());
    putPosition(out, turn.order().begun());
    putPosition(out, turn.finished());
  }

  private static StoredRecords.Ordered getOrdered(ByteBuffer in) {
    String id = Codecs.getText(in);
    Turn.Status status = Turn.Status.values()[in.get()];
    int attempt = DataUtils.readVarInt(in);
    String model = Codecs.getTextOrNull(in);
    long created = DataUtils.readVarLong(in);
    long started = DataUtils.readVarLong(in);
    long ended = DataUtils.readVarLong(in);
    long keep = DataUtils.readVarLong(in);
    long place = DataUtils.readVarLong(in);
    long last = DataUtils.readVarLong(in);
    List<NewMessage> asked =
        Codecs.getList(in, from -> new NewMessage(Codecs.getTextOrNull(from), getJson(from)));
    List<String> input = Codecs.getList(in, Codecs::getText);
    List<String> output = Codecs.getList(in, Codecs::getText);
    Json request = getJson(in);
    byte[] end = Codecs.getBytes(in);
    Position begun = getPosition(in);
    Position finished = getPosition(in);
    if (begun == null) {
      throw new IllegalStateException("a turn that was never begun is in the store");
    }
    return new StoredRecords.Ordered(
        new StoredRecords.Order(id, model, created, keep, request, begun),
        status,
        attempt,
        started,
        ended,
        place,
        asked,
        input,
        output,
        end.length == 0 ? null : new Json(end),
        finished,
        last);
  }

  private static void putJson(WriteBuffer out, Json json) {
    Codecs.putBytes(out, json.utf8());
  }

  private static Json getJson(ByteBuffer in) {
    return new Json(Codecs.getBytes(in));
  }

  private static void putPosition(WriteBuffer out, @Nullable Position position) {
    Codecs.putText(out, position == null ? null : position.tag());
    if (position != null) {
      out.putVarLong(position.version());
    }
  }

  private static @Nullable Position getPosition(ByteBuffer in) {
    String tag = Codecs.getTextOrNull(in);
    return tag == null ? null : new Position(DataUtils.readVarLong(in), tag);
  }

  private static int weight(StoredRecords.Ordered turn) {
    int weight =
        300 + 80 * (turn.input().size() + turn.output().size()) + turn.order().request().length();
    for (NewMessage message : turn.asked()) {
      weight += 80 + message.body().length();
    }
    return weight;
  }
}
