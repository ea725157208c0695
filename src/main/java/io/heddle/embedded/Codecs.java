package io.heddle.embedded;

import io.heddle.base.Position;
import io.heddle.embedded.SessionRecord.Draft;
import io.heddle.embedded.SessionRecord.Holder;
import io.heddle.embedded.SessionRecord.Life;
import io.heddle.embedded.SessionRecord.Running;
import io.heddle.json.Json;
import io.heddle.session.LoggedChanges;
import io.heddle.session.SessionAttributes;
import io.heddle.session.Turn;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import org.h2.mvstore.DataUtils;
import org.h2.mvstore.WriteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * How the values stand in the file.
 *
 * <p>How the layout evolves: {@link StoreFile#LAYOUT} is the number of all of this, keys included,
 * and stands in the file. Whoever changes anything here raises it and makes {@link StoreFile} turn
 * a file of the number before into the new one when it opens it; an older Heddle refuses the newer
 * file by its number. A number is never used for two layouts.
 *
 * <p>Layout 2 added the turns. What it adds to a session and to a change is behind the rest and
 * only there where there is something to say, so a file of layout 1 is one of layout 2 in which
 * nobody has had a turn. Layout 3 added the journal, and 4 the ids of messages that went.
 */
final class Codecs {

  static final Codec<SessionRecord> SESSION =
      new Codec<>(Codecs::putSession, Codecs::getSession, r -> 320, true);

  static final Codec<SessionAttributes> DESCRIPTION =
      new Codec<>(
          (out, d) -> putBytes(out, d.toJson().utf8()),
          in -> SessionAttributes.parse(getBytes(in)),
          Codecs::weight,
          true);

  static final Codec<StoredRecords.Row> ROW =
      new Codec<>(
          (out, row) -> {
            out.putVarLong(row.seq()).putVarLong(row.created());
            putText(out, row.tag());
            putText(out, row.name());
            putBytes(out, row.body().utf8());
          },
          in ->
              new StoredRecords.Row(
                  DataUtils.readVarLong(in),
                  DataUtils.readVarLong(in),
                  getText(in),
                  getTextOrNull(in),
                  new Json(getBytes(in))),
          row -> 160 + row.body().length(),
          false);

  static final Codec<StoredRecords.Place> PLACE =
      new Codec<>(
          (out, place) -> out.putVarLong(place.version()).putVarInt(place.index()),
          in -> new StoredRecords.Place(DataUtils.readVarLong(in), DataUtils.readVarInt(in)),
          _ -> 32,
          true);

  static final Codec<StoredRecords.Gone> GONE =
      new Codec<>(
          (out, gone) -> {
            putText(out, gone.name());
            PLACE.put().put(out, gone.place());
            out.putVarLong(gone.count());
          },
          in -> new StoredRecords.Gone(getText(in), PLACE.decode(in), DataUtils.readVarLong(in)),
          gone -> 96,
          false);

  static final Codec<StoredRecords.Made> MADE =
      new Codec<>(
          (out, made) -> {
            putText(out, made.tag());
            putBytes(out, made.body() == null ? new byte[0] : made.body().utf8());
            if (made.messages() != LoggedChanges.NONE) {
              out.putVarInt(made.messages());
            }
          },
          in -> {
            String tag = getText(in);
            byte[] body = getBytes(in);
            return new StoredRecords.Made(
                tag,
                body.length == 0 ? null : new Json(body),
                in.hasRemaining() ? DataUtils.readVarInt(in) : LoggedChanges.NONE);
          },
          made -> 100 + (made.body() == null ? 0 : made.body().length()),
          false);

  static final Codec<StoredRecords.Saved> SAVED =
      new Codec<>(
          (out, saved) -> {
            putText(out, saved.tag());
            out.putVarLong(saved.time());
            putBytes(out, saved.document().utf8());
          },
          in ->
              new StoredRecords.Saved(
                  getText(in), DataUtils.readVarLong(in), new Json(getBytes(in))),
          saved -> 120 + saved.document().length(),
          false);

  static final Codec<StoredRecords.Kept> KEPT =
      new Codec<>(
          Codecs::putKept, Codecs::getKept, kept -> 280 + 80 * kept.messages().size(), false);

  static final Codec<StoredRecords.Cached> CACHED =
      new Codec<>(
          (out, cached) -> {
            putText(out, cached.contentType());
            out.putVarLong(cached.storedAt()).putVarLong(cached.expiresAt());
            putBytes(out, cached.body());
          },
          in ->
              new StoredRecords.Cached(
                  getText(in), DataUtils.readVarLong(in), DataUtils.readVarLong(in), getBytes(in)),
          cached -> 160 + cached.body().length,
          false);

  static final Codec<Long> NUMBER =
      new Codec<>((out, number) -> out.putVarLong(number), DataUtils::readVarLong, n -> 24, true);

  static final Codec<String> TEXT =
      new Codec<>(Codecs::putText, Codecs::getText, text -> 40 + 2 * text.length(), true);

  static final Codec<Boolean> NOTHING =
      new Codec<>((out, nothing) -> {}, in -> true, n -> 16, true);

  private Codecs() {}

  interface Put<T> {
    void put(WriteBuffer out, T value);
  }

  interface Get<T> {
    T get(ByteBuffer in);
  }

  /**
   * One type of value.
   *
   * @param weight about how many bytes the object takes in RAM
   * @param keepsValue whether the object is kept beside its bytes: for what is small and asked for
   *     often
   */
  record Codec<T>(Put<T> put, Get<T> get, ToIntFunction<T> weight, boolean keepsValue) {

    byte[] encode(T value) {
      WriteBuffer out = new WriteBuffer(weight.applyAsInt(value));
      put.put(out, value);
      byte[] bytes = new byte[out.position()];
      out.position(0);
      out.get(bytes);
      return bytes;
    }

    T decode(ByteBuffer in) {
      return get.get(in);
    }

    int weight(T value) {
      return weight.applyAsInt(value);
    }
  }

  static <T> void putList(WriteBuffer out, List<T> items, Put<T> put) {
    out.putVarInt(items.size());
    items.forEach(item -> put.put(out, item));
  }

  static <T> List<T> getList(ByteBuffer in, Get<T> get) {
    int count = DataUtils.readVarInt(in);
    List<T> items = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      items.add(get.get(in));
    }
    return items;
  }

  private static void putSession(WriteBuffer out, SessionRecord r) {
    out.put((byte) r.life().ordinal());
    out.putVarLong(r.number()).putVarLong(r.thread());
    putText(out, r.user());
    out.putVarLong(r.version());
    putText(out, r.tag());
    out.putVarLong(r.lastSeq()).putVarLong(r.messages()).putVarLong(r.bytes());
    out.putVarLong(r.created()).putVarLong(r.updated()).putVarLong(r.expires());
    out.putVarLong(r.queued()).putVarInt(r.rows());
    out.putVarInt(r.checkpoints()).putVarLong(r.checkpointBytes()).putVarLong(r.fence());
    Holder holder = r.holder();
    putText(out, holder == null ? null : holder.token());
    if (holder != null) {
      out.putVarLong(holder.until()).put((byte) (holder.client() ? 1 : 0));
      out.putLong(holder.process());
      putText(out, holder.label());
    }
    putText(out, r.build());
    SessionRecord before = r.before();
    out.put((byte) (before == null ? 0 : 1));
    if (before != null) {
      putSession(out, before);
    } else if (r.turn() != null || r.waiting() > 0 || r.due() != 0) {
      putTurn(out, r);
    }
  }

  private static void putTurn(WriteBuffer out, SessionRecord r) {
    out.putVarInt(r.waiting()).putVarLong(r.due());
    Running turn = r.turn();
    putText(out, turn == null ? null : turn.id());
    if (turn != null) {
      out.putVarLong(turn.version()).putVarInt(turn.attempt()).putVarLong(turn.until());
      out.putVarLong(turn.last()).put((byte) turn.cancel().ordinal());
    }
  }

  private static void getTurn(ByteBuffer in, Draft r) {
    r.waiting = DataUtils.readVarInt(in);
    r.due = DataUtils.readVarLong(in);
    String id = getTextOrNull(in);
    if (id != null) {
      r.turn =
          new Running(
              id,
              DataUtils.readVarLong(in),
              DataUtils.readVarInt(in),
              DataUtils.readVarLong(in),
              DataUtils.readVarLong(in),
              Turn.Cancel.values()[in.get()]);
    }
  }

  private static SessionRecord getSession(ByteBuffer in) {
    Life life = Life.values()[in.get()];
    long number = DataUtils.readVarLong(in);
    long thread = DataUtils.readVarLong(in);
    String user = getTextOrNull(in);
    Draft r =
        new Draft(life, number, thread, user, new Position(DataUtils.readVarLong(in), getText(in)));
    r.lastSeq = DataUtils.readVarLong(in);
    r.messages = DataUtils.readVarLong(in);
    r.bytes = DataUtils.readVarLong(in);
    r.created = DataUtils.readVarLong(in);
    r.updated = DataUtils.readVarLong(in);
    r.expires = DataUtils.readVarLong(in);
    r.queued = DataUtils.readVarLong(in);
    r.rows = DataUtils.readVarInt(in);
    r.checkpoints = DataUtils.readVarInt(in);
    r.checkpointBytes = DataUtils.readVarLong(in);
    r.fence = DataUtils.readVarLong(in);
    String token = getTextOrNull(in);
    if (token != null) {
      r.holder =
          new Holder(
              token, DataUtils.readVarLong(in), in.get() == 1, in.getLong(), getTextOrNull(in));
    }
    r.build = getTextOrNull(in);
    if (in.get() == 1) {
      // A tombstone under a building: neither of them has turns.
      r.before = getSession(in);
    } else if (in.hasRemaining()) {
      getTurn(in, r);
    }
    return r.done();
  }

  private static void putKept(WriteBuffer out, StoredRecords.Kept kept) {
    putText(out, kept.body());
    putText(out, kept.operation());
    out.putVarLong(kept.until());
    Position position = kept.position();
    out.putVarLong(position == null ? 0 : position.version());
    putText(out, position == null ? null : position.tag());
    putList(out, kept.messages(), Codecs::putText);
  }

  private static StoredRecords.Kept getKept(ByteBuffer in) {
    String body = getText(in);
    String operation = getTextOrNull(in);
    long until = DataUtils.readVarLong(in);
    long version = DataUtils.readVarLong(in);
    String tag = getTextOrNull(in);
    Position position = tag == null ? null : new Position(version, tag);
    return new StoredRecords.Kept(body, operation, until, position, getList(in, Codecs::getText));
  }

  /** The length and one, so that null is 0. */
  static void putText(WriteBuffer out, @Nullable String text) {
    if (text == null) {
      out.putVarInt(0);
    } else {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      out.putVarInt(utf8.length + 1).put(utf8);
    }
  }

  static @Nullable String getTextOrNull(ByteBuffer in) {
    int length = DataUtils.readVarInt(in) - 1;
    if (length < 0) {
      return null;
    }
    byte[] utf8 = new byte[length];
    in.get(utf8);
    return new String(utf8, StandardCharsets.UTF_8);
  }

  static String getText(ByteBuffer in) {
    String text = getTextOrNull(in);
    if (text == null) {
      throw new IllegalStateException("a text is missing in the store");
    }
    return text;
  }

  static void putBytes(WriteBuffer out, byte[] bytes) {
    out.putVarInt(bytes.length).put(bytes);
  }

  static byte[] getBytes(ByteBuffer in) {
    byte[] bytes = new byte[DataUtils.readVarInt(in)];
    in.get(bytes);
    return bytes;
  }

  private static int weight(SessionAttributes d) {
    int weight = 250 + d.metadata().length();
    for (String text : new @Nullable String[] {d.user(), d.title(), d.systemPrompt(), d.model()}) {
      weight += text == null ? 0 : 2 * text.length();
    }
    return weight;
  }
}
