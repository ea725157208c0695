package io.heddle.turn;

import io.heddle.base.Json;
import io.heddle.base.JsonBuffer;
import io.heddle.base.Tenant;
import io.heddle.cache.AnswerStore;
import io.heddle.session.Turn;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Gives an answer again to who asks the same, for whom that will do. Of those who ask at the same
 * time, on any replica, one asks the model and the others wait for what it says. A store that does
 * not answer costs a model call, never the turn.
 */
final class AnswerCache {

  private static final Logger log = LoggerFactory.getLogger(AnswerCache.class);
  private static final String TYPE = "application/vnd.heddle.answer+json";
  private static final Duration CLAIM = Duration.ofSeconds(10);
  private static final Duration LOOK_AGAIN = Duration.ofMillis(200);

  private final AnswerStore store;
  private final Upstream upstream;
  private final Ticks ticks;
  private final InstantSource clock;

  AnswerCache(AnswerStore store, Upstream upstream, Ticks ticks, InstantSource clock) {
    this.store = store;
    this.upstream = upstream;
    this.ticks = ticks;
    this.clock = clock;
  }

  /**
   * The answer, as {@link Upstream#call} gives it.
   *
   * @param maxAge how old it may be
   * @param hit is run when it was there
   */
  Flux<Piece> call(Tenant tenant, ModelCall call, Duration maxAge, Runnable hit) {
    return Flux.defer(() -> {
      Question question = new Question(tenant, keyOf(call), call, maxAge);
      return find(question, hit)
          .switchIfEmpty(Flux.defer(() -> ask(question, hit)))
          .onErrorResume(
              Problems::isAway,
              error -> {
                log.debug("{}: asked past the cache: {}", call.turn(), error.toString());
                return upstream.call(call);
              });
    });
  }

  private record Question(Tenant tenant, String key, ModelCall call, Duration maxAge) {}

  private Flux<Piece> find(Question question, Runnable hit) {
    return store
        .get(question.tenant(), question.key())
        .filter(found ->
            found.contentType().equals(TYPE)
                && !found.storedAt().plus(question.maxAge()).isBefore(clock.instant()))
        .mapNotNull(found -> Kept.parse(found.body()))
        .flatMapMany(kept -> {
          hit.run();
          return Flux.fromIterable(kept.answer()).concatWithValues(kept.finish());
        });
  }

  /** Once nobody else asks, or has asked. */
  private Flux<Piece> ask(Question question, Runnable hit) {
    return store
        .claim(question.tenant(), question.key(), question.call().turn(), CLAIM)
        .flatMapMany(mine -> mine ? compute(question) : waitFor(question, hit));
  }

  private Flux<Piece> waitFor(Question question, Runnable hit) {
    return ticks
        .pause(LOOK_AGAIN)
        .thenMany(Flux.defer(() -> find(question, hit)))
        .switchIfEmpty(Flux.defer(() -> ask(question, hit)));
  }

  private Flux<Piece> compute(Question question) {
    return Flux.defer(() -> {
      Answer answer = new Answer();
      Disposable renewal = ticks.every(CLAIM.dividedBy(3), () -> renew(question));
      return upstream
          .call(question.call())
          .doOnNext(piece -> {
            answer.add(piece);
            if (piece instanceof Piece.Finish finish) {
              renewal.dispose();
              keep(question, answer, finish);
            }
          })
          .doFinally(_ -> {
            if (!renewal.isDisposed()) {
              renewal.dispose();
              release(question);
            }
          });
    });
  }

  private void keep(Question question, Answer answer, Piece.Finish finish) {
    if (Ending.of(finish).status() != Turn.Status.COMPLETED) {
      release(question);
      return;
    }
    byte[] body = Kept.toBytes(answer, finish);
    store
        .put(question.tenant(), question.key(), TYPE, body, question.maxAge())
        .subscribe(_ -> {}, error -> log.debug("an answer was not kept: {}", error.toString()));
  }

  private void renew(Question question) {
    store
        .claim(question.tenant(), question.key(), question.call().turn(), CLAIM)
        .subscribe(_ -> {}, _ -> {});
  }

  private void release(Question question) {
    store
        .release(question.tenant(), question.key(), question.call().turn())
        .subscribe(_ -> {}, _ -> {});
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
    // A slash, so that no key of a client's own can be this.
    return "turn/" + HexFormat.of().formatHex(digest.digest());
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
    try (JsonParser in = Pieces.parser(utf8)) {
      in.nextToken();
      while (in.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = in.currentName();
        in.nextToken();
        int from = (int) in.currentTokenLocation().getByteOffset();
        in.skipChildren();
        in.finishToken();
        int to = (int) in.currentLocation().getByteOffset();
        switch (name) {
          case "role", "content", "name", "toolCalls", "toolCallId" ->
              told.put(name, Arrays.copyOfRange(utf8, from, to));
          default -> {}
        }
      }
    } catch (JacksonException _) {
      told.put("", utf8);
    }
    return told;
  }

  /** An answer as it is stored. */
  private record Kept(List<Piece> answer, Piece.Finish finish) {

    static byte[] toBytes(Answer answer, Piece.Finish finish) {
      JsonBuffer out = new JsonBuffer(1024).ascii("{\"seq\":1,\"events\":[");
      String comma = "";
      for (Piece piece : answer.said().pieces()) {
        out.ascii(comma).raw(Pieces.event(piece));
        comma = ",";
      }
      out.ascii("],\"finishReason\":").string(finish.reason()).ascii(",\"model\":");
      out.string(finish.model());
      if (finish.usage() != null) {
        out.ascii(",\"usage\":");
        Ending.writeUsage(out, finish.usage());
      }
      return out.ascii("}").toBytes();
    }

    static @Nullable Kept parse(byte[] body) {
      Pieces.Told told = Pieces.told(new Json(body));
      if (told == null) {
        return null;
      }
      String reason = "stop";
      String model = null;
      Usage usage = null;
      try (JsonParser in = Pieces.parser(body)) {
        in.nextToken();
        while (in.nextToken() == JsonToken.PROPERTY_NAME) {
          String name = in.currentName();
          in.nextToken();
          switch (name) {
            case "finishReason" -> reason = in.getValueAsString("stop");
            case "model" -> model = in.getValueAsString();
            case "usage" -> usage = usage(in);
            default -> in.skipChildren();
          }
        }
      } catch (JacksonException _) {
        return null;
      }
      return new Kept(told.pieces(), new Piece.Finish(reason, usage, model));
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
