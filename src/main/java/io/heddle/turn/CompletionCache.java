package io.heddle.turn;

import io.heddle.answercache.AnswerKey;
import io.heddle.answercache.AnswerStore;
import io.heddle.answercache.Answers;
import io.heddle.answercache.NewAnswer;
import io.heddle.base.Tenant;
import io.heddle.json.InvalidJson;
import io.heddle.json.Json;
import io.heddle.json.JsonValue;
import io.heddle.json.JsonWriter;
import io.heddle.session.Turn;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;

/**
 * Gives an answer again to the user who asks the same, for whom that will do. Of the turns that ask
 * at the same time, on any replica, one asks the model and the others wait for what it says. A
 * store that does not answer costs a model call, never the turn.
 */
final class CompletionCache {

  private static final String TYPE = "application/vnd.heddle.answer+json";

  /** The members of a message that a model is told. */
  private static final Set<String> TOLD =
      Set.of("role", "content", "name", "toolCalls", "toolCallId", "reasoning", "upstream");

  private final Answers answers;
  private final Upstream upstream;

  CompletionCache(Answers answers, Upstream upstream) {
    this.answers = answers;
    this.upstream = upstream;
  }

  /**
   * The pieces that {@link Upstream#call} gives, one by one; after its end it is kept, as long as
   * nobody cancels.
   *
   * @param user whose it is
   * @param maxAge how old it may be
   * @param hit is run when it was there
   */
  Flux<ModelEvent> call(
      Tenant tenant, @Nullable String user, ModelCall call, Duration maxAge, Runnable hit) {
    return Flux.create(sink -> {
      AtomicBoolean asked = new AtomicBoolean();
      AnswerKey key = new AnswerKey(tenant, AnswerKey.Kind.MODEL, user, keyOf(call));
      sink.onDispose(
          answers
              .getOrCompute(
                  key,
                  maxAge,
                  () -> {
                    asked.set(true);
                    return ask(call, maxAge, sink);
                  })
              .flatMap(found ->
                  asked.get() || tell(found, sink, hit)
                      ? Mono.<NewAnswer>empty()
                      // Of another release, perhaps: it costs a call, not the turn.
                      : ask(call, maxAge, sink))
              .subscribe(_ -> {}, sink::error, sink::complete));
    });
  }

  /** Passes on what the model says, and then what of it is to be kept; nothing, if it broke off. */
  private Mono<NewAnswer> ask(ModelCall call, Duration maxAge, FluxSink<ModelEvent> sink) {
    AnswerBuilder answer = new AnswerBuilder();
    return upstream
        .call(call)
        .concatMapIterable(pieces -> pieces, 1)
        .doOnNext(piece -> {
          answer.add(piece);
          sink.next(piece);
        })
        .ofType(ModelEvent.Finish.class)
        .filter(finish -> TurnEnding.of(finish).status() == Turn.Status.COMPLETED)
        .map(finish -> new NewAnswer(TYPE, Kept.toBytes(answer, finish), maxAge))
        .singleOrEmpty();
  }

  /** Whether it could be read. */
  private static boolean tell(AnswerStore.Answer found, FluxSink<ModelEvent> sink, Runnable hit) {
    Kept kept = found.contentType().equals(TYPE) ? Kept.parse(found.body()) : null;
    if (kept == null) {
      return false;
    }
    hit.run();
    kept.answer().forEach(sink::next);
    sink.next(kept.finish());
    return true;
  }

  /** Of all that decides what a model may answer, and of nothing else. */
  static String keyOf(ModelCall call) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
    put(digest, call.model());
    put(digest, call.system());
    for (Json message : call.messages()) {
      digest.update((byte) 1);
      told(message)
          .forEach((name, value) -> {
            put(digest, name);
            digest.update(value);
            digest.update((byte) 0);
          });
    }
    digest.update((byte) 2);
    digest.update(call.parameters().utf8());
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void put(MessageDigest digest, @Nullable String text) {
    if (text != null) {
      digest.update(text.getBytes(StandardCharsets.UTF_8));
    }
    digest.update((byte) (text == null ? 3 : 0));
  }

  private static Map<String, byte[]> told(Json message) {
    Map<String, byte[]> told = new TreeMap<>();
    try {
      JsonValue.of(message)
          .members()
          .forEach((name, value) -> {
            if (TOLD.contains(name)) {
              told.put(name, value.json().utf8());
            }
          });
    } catch (InvalidJson _) {
      told.put("", message.utf8());
    }
    return told;
  }

  /** An answer as it is stored. */
  private record Kept(List<ModelEvent> answer, ModelEvent.Finish finish) {

    static byte[] toBytes(AnswerBuilder answer, ModelEvent.Finish finish) {
      JsonWriter out = JsonWriter.object(1024).number("seq", 1).name("events");
      out.array(answer.said().pieces(), (piece, to) -> to.raw(ModelEventCodec.encode(piece)));
      out.string("finishReason", finish.reason()).string("model", finish.model());
      if (finish.usage() != null) {
        out.ascii(",\"usage\":");
        finish.usage().writeTo(out);
      }
      if (finish.opaque() != null) {
        finish.opaque().writeTo(out.ascii(",\"opaque\":"));
      }
      return out.ascii("}").toBytes();
    }

    static @Nullable Kept parse(byte[] body) {
      try {
        JsonValue all = JsonValue.of(new Json(body));
        List<ModelEvent> answer =
            all.elements("events").stream().map(ModelEventCodec::decode).toList();
        String reason = all.text("finishReason");
        ModelEvent.Finish finish =
            new ModelEvent.Finish(
                reason == null ? "stop" : reason,
                usage(all.get("usage")),
                all.text("model"),
                Opaque.read(all.get("opaque")));
        return answer.isEmpty() ? null : new Kept(answer, finish);
      } catch (InvalidJson _) {
        return null;
      }
    }

    private static @Nullable Usage usage(@Nullable JsonValue usage) {
      return usage == null
          ? null
          : new Usage(
              usage.number("inputTokens"),
              usage.number("outputTokens"),
              usage.number("cachedTokens"),
              usage.number("reasoningTokens"));
    }
  }
}
