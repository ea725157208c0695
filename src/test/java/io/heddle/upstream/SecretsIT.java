package io.heddle.upstream;

import static io.heddle.upstream.Calls.all;
import static io.heddle.upstream.Calls.call;
import static io.heddle.upstream.Calls.problem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.read.ListAppender;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.testing.ModelScript;
import io.heddle.testing.ScriptedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.slf4j.LoggerFactory;

/** A key is sent to its server, and shown to nobody: no caller, no log at any level. */
@Isolated("It reads all that is logged, and sets levels for the whole JVM.")
class SecretsIT {

  private static final String KEY = "hk_8d7f6a5b4c3d2e1f";
  private static final String TENANT = "tenant-secret-value";

  @TempDir Path directory;

  private final ScriptedModel server = ScriptedModel.start();
  private final Logger root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private final List<Appender<ILoggingEvent>> shown = new ArrayList<>();
  private final Level before = root.getLevel();

  @BeforeEach
  void listen() {
    log.start();
    root.iteratorForAppenders().forEachRemaining(shown::add);
    root.addAppender(log);
  }

  @AfterEach
  void close() {
    root.setLevel(before);
    shown.forEach(root::addAppender);
    root.detachAppender(log);
    server.close();
  }

  private Models models(String... more) {
    String[] settings = {
      "upstreams.test.base-url=" + server.baseUrl(),
      "upstreams.test.headers.X-Tenant=" + TENANT,
      "upstreams.test.max-retries=0"
    };
    List<String> all = new ArrayList<>(List.of(settings));
    all.addAll(List.of(more));
    return Calls.models(new Recorded(), all.toArray(String[]::new));
  }

  private String logged() {
    StringBuilder text = new StringBuilder();
    for (ILoggingEvent event : List.copyOf(log.list)) {
      text.append(event.getFormattedMessage()).append('\n');
      if (event.getThrowableProxy() != null) {
        text.append(ThrowableProxyUtil.asString(event.getThrowableProxy())).append('\n');
      }
    }
    return text.toString();
  }

  @Test
  void noFailureShowsTheKeyWhateverTheServerSays() {
    shown.forEach(root::detachAppender);
    root.setLevel(Level.TRACE);
    // The test's own server logs what it takes.
    ((Logger) LoggerFactory.getLogger("reactor.netty.http.server")).setLevel(Level.INFO);
    ((Logger) LoggerFactory.getLogger("reactor.netty.channel")).setLevel(Level.INFO);
    ((Logger) LoggerFactory.getLogger("io.netty")).setLevel(Level.INFO);
    String told =
        "Key " + KEY + " of " + TENANT + " (Bearer " + KEY + ", sk-proj-abcdefghij) is bad";
    try (Models models =
        models("upstreams.test.api-key=" + KEY, "upstreams.test.breaker.minimum-calls=100")) {
      for (int status : new int[] {400, 401, 403, 404, 429, 500, 503}) {
        server.next(ModelScript.error(status, told));
        Problem problem = problem(models.call(call("m", "hi")));
        assertThat(problem.toString()).doesNotContain(KEY, TENANT, "abcdefghij");
      }
      server.next(ModelScript.stream().event("{\"error\":{\"message\":\"" + told + "\"}}"));
      assertThat(problem(models.call(call("m", "hi"))).toString())
          .contains("is bad")
          .doesNotContain(KEY, TENANT, "abcdefghij");
      server.next(ModelScript.stream().event(told));
      problem(models.call(call("m", "hi")));
      server.refuse();
      assertThat(problem(models.call(call("m", "hi"))).detail()).contains("connections");
    }
    assertThat(server.lastRequest().headers())
        .containsEntry("authorization", "Bearer " + KEY)
        .containsEntry("x-tenant", TENANT);
    assertThat(logged()).contains("test").doesNotContain(KEY, TENANT);
  }

  @Test
  void aKeyThatIsNotTakenIsOurFaultAndToldOnce() {
    server.answer(ModelScript.error(401, "Incorrect API key provided: " + KEY));
    try (Models models = models("upstreams.test.api-key=" + KEY)) {
      for (int i = 0; i < 3; i++) {
        Problem problem = problem(models.call(call("m", "hi")));
        assertThat(problem.code()).isEqualTo(ProblemCode.MODEL_UNAVAILABLE);
        assertThat(problem.detail()).contains("credentials").doesNotContain("Incorrect");
        assertThat(problem.members()).containsEntry("upstreamStatus", 401);
      }
      assertThat(models.breakers()).containsEntry("test", BreakerState.CLOSED);
    }
    assertThat(log.list)
        .filteredOn(event -> event.getLevel() == Level.ERROR)
        .singleElement()
        .extracting(ILoggingEvent::getFormattedMessage)
        .asString()
        .contains("heddle.upstreams.test", "401")
        .doesNotContain(KEY);
  }

  @Test
  void aKeyIsReadFromItsFile() throws IOException {
    Path file = Files.writeString(directory.resolve("key"), KEY + "\n");
    try (Models models = models("upstreams.test.api-key-file=" + file)) {
      all(models.call(call("m", "hi")));
    }
    assertThat(server.lastRequest().headers()).containsEntry("authorization", "Bearer " + KEY);
  }

  @Test
  void aFileWithoutAKeyStopsTheStartByName() throws IOException {
    Path empty = Files.writeString(directory.resolve("empty"), " \n");
    Path several = Files.writeString(directory.resolve("several"), KEY + "\n" + KEY);
    String missing = "upstreams.test.api-key-file=" + directory.resolve("missing");

    assertThatThrownBy(() -> models(missing))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("heddle.upstreams.test.api-key-file")
        .hasMessageContaining("missing");
    assertThatThrownBy(() -> models("upstreams.test.api-key-file=" + empty))
        .hasMessageContaining("holds no key");
    assertThatThrownBy(() -> models("upstreams.test.api-key-file=" + several))
        .hasMessageContaining("holds no key")
        .hasMessageNotContaining(KEY);
  }

  @Test
  void settingsDoNotShowTheirSecrets() {
    UpstreamProperties properties =
        Calls.properties(
            "upstreams.test.base-url=http://127.0.0.1:1",
            "upstreams.test.api-key=" + KEY,
            "upstreams.test.headers.X-Tenant=" + TENANT);

    assertThat(properties.toString()).contains("test", "***").doesNotContain(KEY, TENANT);
    assertThatThrownBy(() ->
            Calls.properties(
                "upstreams.test.base-url=http://127.0.0.1:1",
                "upstreams.test.api-key=a\u0000" + KEY))
        .rootCause()
        .hasMessageContaining("heddle.upstreams.test.api-key")
        .hasMessageNotContaining(KEY);
  }
}
