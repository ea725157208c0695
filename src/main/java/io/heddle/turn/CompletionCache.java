package io.heddle.turn;

import io.heddle.answercache.AnswerKey;
import io.heddle.answercache.AnswerStore;
import io.heddle.answercache.Answers;
import io.heddle.answercache.NewAnswer;
import io.heddle.base.Json;
import io.heddle.base.JsonWriter;
import io.heddle.base.Tenant;
import io.heddle.session.Turn;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Gives an answer again to the user who asks the same, for whom that will do. Of the turns that ask
 * at the same time, on any replica, one asks the model and the others wait for what it says. A
 * store that does not answer costs a model call, never the turn.
 */
final class CompletionCache {

  private static final String TYPE = "application/vnd.heddle.answer+json";

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
    byte[] utf8 = message.utf8();
    try (JsonParser in = ModelEventCodec.parser(utf8)) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        in.nextToken();
        switch (name) {
          case "role", "content", "name", "toolCalls", "toolCallId", "reasoning", "upstream" ->
              told.put(name, ModelEventCodec.raw(in, utf8).utf8());
          default -> in.skipChildren();
        }
      }
    } catch (JacksonException _) {
      told.put("", utf8);
    }
    return told;
  }

  /** An answer as it is stored. */
  private record Kept(List<ModelEvent> answer, ModelEvent.Finish finish) {

    static byte[] toBytes(AnswerBuilder answer, ModelEvent.Finish finish) {
      JsonWriter out = new JsonWriter(1024).ascii("{\"seq\":1,\"events\":[");
      String comma = "";
      for (ModelEvent piece : answer.said().pieces()) {
        out.ascii(comma).raw(ModelEventCodec.encode(piece));
        comma = ",";
      }
      out.ascii("],\"finishReason\":").string(finish.reason()).ascii(",\"model\":");
      out.string(finish.model());
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
      List<ModelEvent> answer = new ArrayList<>();
      String reason = "stop";
      String model = null;
      Usage usage = null;
      Opaque opaque = null;
      try (JsonParser in = ModelEventCodec.parser(body)) {
        in.nextToken();
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
          String name = in.currentName();
          in.nextToken();
          switch (name) {
            case "events" -> {
              while (in.nextToken() == JsonToken.START_OBJECT) {
                answer.add(ModelEventCodec.decode(in, body));
              }
            }
            case "finishReason" -> reason = in.getValueAsString("stop");
            case "model" -> model = in.getValueAsString();
            case "usage" -> usage = usage(in);
            case "opaque" -> opaque = Opaque.read(in, body);
            default -> in.skipChildren();
          }
        }
      } catch (JacksonException _) {
        return null;
      }
      return answer.isEmpty()
          ? null
          : new Kept(answer, new ModelEvent.Finish(reason, usage, model, opaque));
    }

    private static Usage usage(JsonParser in) {
      long input = 0;
      long output = 0;
      long cached = 0;
      long reasoning = 0;
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        in.nextToken();
        switch (name) {
          case "inputTokens" -> input = in.getLongValue();
          case "outputTokens" -> output = in.getLongValue();
          case "cachedTokens" -> cached = in.getLongValue();
          case "reasoningTokens" -> reasoning = in.getLongValue();
          default -> in.skipChildren();
        }
      }
      return new Usage(input, output, cached, reasoning);
    }
  }
}
