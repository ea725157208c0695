package io.heddle.limit;

import io.heddle.base.Problem;
import io.heddle.base.Tenant;
import io.heddle.json.InvalidJson;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether a turn's tokens are within the caller's limits, and what is needed to settle them when
 * the turn has ended, by whichever replica ends it.
 *
 * @param reservation null when there is nothing to settle: no rule counts tokens, or it was refused
 * @param decisions one a rule that was asked; none when nothing is limited, the store was silent,
 *     or it was read from its JSON
 * @param refusal {@code rate-limited} or {@code limiter-unavailable}, or null when the turn may run
 * @param policy the {@code RateLimit-Policy} header, {@code "tokens";q=100000;w=60}, or null
 */
public record TokenReservation(
    Subject subject,
    @Nullable Reservation reservation,
    List<Decision> decisions,
    @Nullable Problem refusal,
    @Nullable String policy) {

  public TokenReservation {
    decisions = List.copyOf(decisions);
  }

  public boolean allowed() {
    return refusal == null;
  }

  /** The {@code RateLimit} header, {@code "tokens";r=98800;t=30}, or null when there is none. */
  public @Nullable String rateLimit() {
    return Admission.rateLimit(decisions);
  }

  /** What {@link #parse} needs to settle it: the reservation, none of what was decided. */
  public Json toJson() {
    JsonWriter out = new JsonWriter(256);
    out.ascii("{\"tenant\":\"").ascii(subject.tenant().name());
    out.ascii("\",\"subject\":").string(subject.name());
    if (reservation != null) {
      out.ascii(",\"id\":").string(reservation.id());
      out.ascii(",\"amount\":").number(reservation.amount());
      out.ascii(",\"counters\":[");
      for (Reservation.Counter counter : reservation.counters()) {
        out.next().ascii("{\"rule\":").string(counter.rule());
        out.ascii(",\"lengthMillis\":").number(counter.length().toMillis());
        out.ascii(",\"window\":").string(counter.window()).ascii("}");
      }
      out.ascii("]");
    }
    return out.ascii("}").toJson();
  }

  /**
   * Reads {@link #toJson()} back.
   *
   * @throws IllegalArgumentException when it is something else
   */
  public static TokenReservation parse(Json stored) {
    try {
      JsonValue all = JsonValue.of(stored).object();
      String id = all.text("id");
      List<Reservation.Counter> counters =
          all.elements("counters").stream().map(TokenReservation::counter).toList();
      return new TokenReservation(
          new Subject(new Tenant(all.required("tenant").text()), all.required("subject").text()),
          id == null ? null : new Reservation(id, all.number("amount"), counters),
          List.of(),
          null,
          null);
    } catch (InvalidJson e) {
      throw new IllegalArgumentException("not a reservation of tokens: " + stored, e);
    }
  }

  private static Reservation.Counter counter(JsonValue counter) {
    Duration length = Duration.ofMillis(counter.number("lengthMillis"));
    return new Reservation.Counter(counter.word("rule"), length, counter.word("window"));
  }
}
