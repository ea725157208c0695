package io.heddle.session.contract;

import io.heddle.json.Json;
import io.heddle.session.NewMessage;
import io.heddle.session.SessionAttributes;
import io.heddle.session.Write;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Named;

/** Writes and messages for the suites. */
final class WriteFixtures {

  static final Duration HOUR = Duration.ofHours(1);

  private WriteFixtures() {}

  /**
   * Every kind of write to a session that is there, one for each record; each goes on the session
   * of {@link ContractSuite#furnished}.
   */
  static Stream<Named<Write>> every() {
    return Stream.concat(
        everyButDelete(), Stream.of(Named.<Write>of("Delete", new Write.Delete())));
  }

  static Stream<Named<Write>> everyButDelete() {
    return Stream.<Write>of(
            new Write.Append(List.of(says("late"))),
            new Write.Update(described("someone", HOUR)),
            new Write.SaveState(Json.of("{\"late\":true}")),
            new Write.RestoreState("latest"),
            new Write.DeleteMessage("second"),
            new Write.TruncateThread("first"),
            new Write.TruncateThread(null))
        .map(write -> {
          String name = write.getClass().getSimpleName();
          return Named.of(write.equals(new Write.TruncateThread(null)) ? "Clear" : name, write);
        });
  }

  static SessionAttributes described(@Nullable String user, Duration ttl) {
    return new SessionAttributes(
        user, null, Json.EMPTY_OBJECT, null, null, SessionAttributes.Status.ACTIVE, ttl);
  }

  static SessionAttributes complete(SessionAttributes description) {
    return with(description, SessionAttributes.Status.COMPLETE, description.ttl());
  }

  static SessionAttributes with(
      SessionAttributes from, SessionAttributes.Status status, Duration ttl) {
    return new SessionAttributes(
        from.user(), from.title(), from.metadata(), from.systemPrompt(), from.model(), status, ttl);
  }

  static NewMessage says(String text) {
    return says(null, text);
  }

  static NewMessage says(@Nullable String id, String text) {
    return new NewMessage(
        id, Json.of("{\"role\":\"user\",\"content\":\"" + text + "\",\"status\":\"completed\"}"));
  }

  /** A message that counts exactly this many bytes, its id too. */
  static NewMessage sized(@Nullable String id, int bytes) {
    long empty = says(id, "").bytes();
    return says(id, "x".repeat(bytes - (int) empty));
  }

  static Write.Append append(NewMessage... messages) {
    return new Write.Append(List.of(messages));
  }
}
