package io.heddle.limit;

import io.heddle.base.Problem;
import io.heddle.base.Tenant;
import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.JsonWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

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

  private static final JsonFactory FACTORY = JsonParsers.factory();

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
    String tenant = null;
    String subject = null;
    String id = null;
    long amount = 0;
    List<Reservation.Counter> counters = List.of();
    // Not with a mapper: the first ones to use it wait for each other, and this runs on event
    // loops.
    try (JsonParser in = FACTORY.createParser(ObjectReadContext.empty(), stored.utf8())) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        JsonToken value = in.nextToken();
        switch (name) {
          case "tenant" -> tenant = in.getString();
          case "subject" -> subject = in.getString();
          case "id" -> id = in.getString();
          case "amount" -> amount = in.getLongValue();
          case "counters" -> counters = counters(in);
          // A newer Heddle may have stored more.
          default -> {
            if (value.isStructStart()) {
              in.skipChildren();
            }
          }
        }
      }
    } catch (JacksonException e) {
      throw new IllegalArgumentException("not a reservation of tokens: " + stored, e);
    }
    if (tenant == null || subject == null) {
      throw new IllegalArgumentException("not a reservation of tokens: " + stored);
    }
    return new TokenReservation(
        new Subject(new Tenant(tenant), subject),
        id == null ? null : new Reservation(id, amount, counters),
        List.of(),
        null,
        null);
  }

  private static List<Reservation.Counter> counters(JsonParser in) {
    List<Reservation.Counter> counters = new ArrayList<>(2);
    while (in.nextToken() == JsonToken.START_OBJECT) {
      String rule = "";
      String window = "";
      long length = 0;
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        JsonToken value = in.nextToken();
        switch (name) {
          case "rule" -> rule = in.getString();
          case "window" -> window = in.getString();
          case "lengthMillis" -> length = in.getLongValue();
          default -> {
            if (value.isStructStart()) {
              in.skipChildren();
            }
          }
        }
      }
      counters.add(new Reservation.Counter(rule, Duration.ofMillis(length), window));
    }
    return counters;
  }
}
