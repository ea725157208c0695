package io.heddle.api;

import io.heddle.json.Json;
import io.heddle.json.JsonReader;
import io.heddle.session.SessionAttributes;
import io.heddle.session.SessionAttributes.Status;
import io.heddle.session.service.MergePatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * A JSON Merge Patch of a session: what it does to a description. A member that is null goes back
 * to what it is when nobody gives it.
 */
final class PatchBody implements UnaryOperator<SessionAttributes> {

  private final List<UnaryOperator<SessionAttributes>> changes = new ArrayList<>();

  static PatchBody read(JsonReader in, Duration defaultTtl) {
    PatchBody patch = new PatchBody();
    Set<String> seen = new HashSet<>();
    in.object();
    while (in.nextMember(seen)) {
      patch.changes.add(change(in, defaultTtl));
    }
    return patch;
  }

  @Override
  public SessionAttributes apply(SessionAttributes before) {
    SessionAttributes after = before;
    for (UnaryOperator<SessionAttributes> change : changes) {
      after = change.apply(after);
    }
    return after;
  }

  private static UnaryOperator<SessionAttributes> change(JsonReader in, Duration defaultTtl) {
    return switch (in.name()) {
      case "title" -> {
        String title = in.isNull() ? null : in.string(0, SessionBody.MAX_TITLE);
        yield d ->
            new SessionAttributes(
                d.user(), title, d.metadata(), d.systemPrompt(), d.model(), d.status(), d.ttl());
      }
      case "systemPrompt" -> {
        String prompt = in.isNull() ? null : in.string(0, SessionBody.MAX_SYSTEM_PROMPT);
        yield d ->
            new SessionAttributes(
                d.user(), d.title(), d.metadata(), prompt, d.model(), d.status(), d.ttl());
      }
      case "model" -> {
        String model = in.isNull() ? null : in.string(1, SessionBody.MAX_MODEL);
        yield d ->
            new SessionAttributes(
                d.user(), d.title(), d.metadata(), d.systemPrompt(), model, d.status(), d.ttl());
      }
      case "status" -> {
        Status status = in.isString() ? Status.of(in.string(0, 1 << 20)) : null;
        if (status == null) {
          throw in.refuse("must be active or complete");
        }
        yield d ->
            new SessionAttributes(
                d.user(), d.title(), d.metadata(), d.systemPrompt(), d.model(), status, d.ttl());
      }
      case "ttlSeconds" -> {
        Duration ttl = in.isNull() ? defaultTtl : SessionBody.ttl(in);
        yield d ->
            new SessionAttributes(
                d.user(), d.title(), d.metadata(), d.systemPrompt(), d.model(), d.status(), ttl);
      }
      case "metadata" -> {
        Json patch = in.isNull() ? null : Metadata.read(in);
        yield d ->
            new SessionAttributes(
                d.user(),
                d.title(),
                patch == null
                    ? Json.EMPTY_OBJECT
                    : Metadata.checked(MergePatch.apply(d.metadata(), patch)),
                d.systemPrompt(),
                d.model(),
                d.status(),
                d.ttl());
      }
      default -> throw in.unknownField();
    };
  }
}
