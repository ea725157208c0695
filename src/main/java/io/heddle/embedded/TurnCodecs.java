package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.json.Json;
import io.heddle.session.NewMessage;
import io.heddle.session.Turn;
import java.nio.ByteBuffer;
import java.util.ArrayList;
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
          (out, batch) -> {
            out.putVarInt(batch.events().size());
            batch.events().forEach(event -> Codecs.putBytes(out, event.utf8()));
          },
          in -> {
            int count = DataUtils.readVarInt(in);
            List<Json> events = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
              events.add(new Json(Codecs.getBytes(in)));
            }
            return new StoredRecords.Events(events);
          },
          batch -> 60 + batch.events().stream().mapToInt(event -> 40 + event.length()).sum(),
          false);

  private TurnCodecs() {}

  private static void putOrdered(WriteBuffer out, StoredRecords.Ordered turn) {
    Codecs.putText(out, turn.id());
    out.put((byte) turn.status().ordinal()).putVarInt(turn.attempt());
    Codecs.putText(out, turn.model());
    out.putVarLong(turn.created()).putVarLong(turn.started()).putVarLong(turn.ended());
    out.putVarLong(turn.keep()).putVarLong(turn.place()).putVarLong(turn.last());
    out.putVarInt(turn.asked().size());
    for (NewMessage message : turn.asked()) {
      Codecs.putText(out, message.id());
      Codecs.putBytes(out, message.body().utf8());
    }
    putTexts(out, turn.input());
    putTexts(out, turn.output());
    Codecs.putBytes(out, turn.request().utf8());
    Json end = turn.end();
    Codecs.putBytes(out, end == null ? new byte[0] : end.utf8());
    putPosition(out, turn.begun());
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
    int count = DataUtils.readVarInt(in);
    List<NewMessage> asked = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      asked.add(new NewMessage(Codecs.getTextOrNull(in), new Json(Codecs.getBytes(in))));
    }
    List<String> input = getTexts(in);
    List<String> output = getTexts(in);
    Json request = new Json(Codecs.getBytes(in));
    byte[] end = Codecs.getBytes(in);
    Position begun = getPosition(in);
    Position finished = getPosition(in);
    if (begun == null) {
      throw new IllegalStateException("a turn that was never begun is in the store");
    }
    return new StoredRecords.Ordered(
        id,
        status,
        attempt,
        model,
        created,
        started,
        ended,
        keep,
        place,
        asked,
        input,
        output,
        request,
        end.length == 0 ? null : new Json(end),
        begun,
        finished,
        last);
  }

  private static void putTexts(WriteBuffer out, List<String> texts) {
    out.putVarInt(texts.size());
    texts.forEach(text -> Codecs.putText(out, text));
  }

  private static List<String> getTexts(ByteBuffer in) {
    int count = DataUtils.readVarInt(in);
    List<String> texts = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      texts.add(Codecs.getText(in));
    }
    return texts;
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
    int weight = 300 + 80 * (turn.input().size() + turn.output().size()) + turn.request().length();
    for (NewMessage message : turn.asked()) {
      weight += 80 + message.body().length();
    }
    return weight;
  }
}
