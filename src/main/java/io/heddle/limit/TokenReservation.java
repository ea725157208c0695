package io.heddle.limit;

import io.heddle.base.Json;
import io.heddle.base.JsonBuffer;
import io.heddle.base.Problem;
import io.heddle.base.Tenant;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

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

  private static final JsonMapper MAPPER = new JsonMapper();

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
    JsonBuffer out = new JsonBuffer(256);
    out.ascii("{\"tenant\":\"").ascii(subject.tenant().name());
    out.ascii("\",\"subject\":").string(subject.name());
    if (reservation != null) {
      out.ascii(",\"id\":").string(reservation.id());
      out.ascii(",\"amount\":").number(reservation.amount());
      out.ascii(",\"counters\":[");
      String comma = "";
      for (Reservation.Counter counter : reservation.counters()) {
        out.ascii(comma).ascii("{\"rule\":").string(counter.rule());
        out.ascii(",\"lengthMillis\":").number(counter.length().toMillis());
        out.ascii(",\"window\":").string(counter.window()).ascii("}");
        comma = ",";
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
      JsonNode json = MAPPER.readTree(stored.utf8());
      Subject subject =
          new Subject(
              new Tenant(json.required("tenant").stringValue()),
              json.required("subject").stringValue());
      Reservation reservation = json.has("id") ? reservation(json) : null;
      return new TokenReservation(subject, reservation, List.of(), null, null);
    } catch (JacksonException e) {
      throw new IllegalArgumentException("not a reservation of tokens: " + stored, e);
    }
  }

  private static Reservation reservation(JsonNode json) {
    List<Reservation.Counter> counters = new ArrayList<>();
    for (JsonNode counter : json.required("counters")) {
      counters.add(
          new Reservation.Counter(
              counter.required("rule").stringValue(),
              Duration.ofMillis(counter.required("lengthMillis").longValue()),
              counter.required("window").stringValue()));
    }
    return new Reservation(
        json.required("id").stringValue(), json.required("amount").longValue(), counters);
  }
}
