package io.heddle.turn;

import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.json.Json;
import io.heddle.json.JsonWriter;
import io.heddle.session.Turn;
import io.heddle.session.Write.EndTurn;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a turn ends.
 *
 * @param reason the model's {@code finishReason}, {@code cancelled}, {@code rolled_back}, or null
 *     when only an error says why
 * @param problem what went wrong, or null
 */
record TurnEnding(Turn.Status status, @Nullable String reason, @Nullable Problem problem) {

  static final TurnEnding CANCELLED = new TurnEnding(Turn.Status.CANCELLED, "cancelled", null);

  /** Cancelled by one that takes its place; what it added to the thread is taken out again. */
  static final TurnEnding ROLLED_BACK = new TurnEnding(Turn.Status.CANCELLED, "rolled_back", null);

  static TurnEnding failed(Problem problem) {
    return new TurnEnding(Turn.Status.FAILED, null, problem);
  }

  static Problem noRoom() {
    return Problem.of(ProblemCode.STORE_FULL, "the store had no memory left for the answer");
  }

  /**
   * The end of a turn for whose output the store has no room: it failed, and that is all that is
   * kept, which a full store takes. What was to be removed is removed all the same.
   */
  static EndTurn withoutRoom(EndTurn end, @Nullable Usage usage) {
    Usage told = usage == null || usage.total() == 0 ? null : usage;
    return new EndTurn(
        end.attempt(),
        Turn.Status.FAILED,
        List.of(),
        failed(noRoom()).toJson(told, null, false),
        end.remove(),
        end.reap());
  }

  /** A model that stopped because it was not allowed to go on has not completed its answer. */
  static TurnEnding of(ModelEvent.Finish finish) {
    boolean cut = finish.reason().equals("length") || finish.reason().equals("content_filter");
    return new TurnEnding(
        cut ? Turn.Status.INCOMPLETE : Turn.Status.COMPLETED, finish.reason(), null);
  }

  /** Why the answer was cut short, in words for a model that reads the thread later. */
  String why() {
    return switch (status) {
      case CANCELLED -> "the turn was cancelled";
      case FAILED -> "the turn failed";
      default -> "the answer was cut short";
    };
  }

  Json toJson(@Nullable Usage usage, @Nullable String model, boolean cached) {
    return toJson(usage, model, cached, null);
  }

  /**
   * The members that are told with the turn.
   *
   * @param compaction of the thread before the answer, or null
   */
  Json toJson(
      @Nullable Usage usage,
      @Nullable String model,
      boolean cached,
      @Nullable Compaction compaction) {
    JsonWriter out = JsonWriter.object(256);
    if (usage != null) {
      usage.writeTo(out.name("usage"));
    }
    out.some("finishReason", reason).some("model", model);
    if (cached) {
      out.bool("cached", true);
    }
    if (compaction != null && compaction.message() != null) {
      out.name("compaction").ascii("{\"message\":").string(compaction.message().id());
      if (compaction.usage() != null) {
        compaction.usage().writeTo(out.name("usage"));
      }
      out.end();
    }
    if (problem != null) {
      out.name("error").ascii('{').string("code", problem.code().code());
      out.string("detail", problem.detail());
      // What the model's server called it: clients of some wires go by that.
      if (problem.members().get("upstreamStatus") instanceof Integer upstream) {
        out.number("upstreamStatus", upstream);
      }
      if (problem.members().get("upstreamCode") instanceof String upstream) {
        out.string("upstreamCode", upstream);
      }
      if (problem.members().get("upstreamParam") instanceof String upstream) {
        out.string("upstreamParam", upstream);
      }
      out.end();
    }
    // An end has a member in any case.
    return out.length() > 1 ? out.done() : out.string("finishReason", status.text()).done();
  }

  Json toJson() {
    return toJson(null, null, false);
  }
}
