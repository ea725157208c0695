package io.heddle.api;

import io.heddle.answercache.AnswerKey;
import io.heddle.answercache.AnswerProperties;
import io.heddle.answercache.AnswerStore;
import io.heddle.answercache.Answers;
import io.heddle.answercache.Flight;
import io.heddle.answercache.NewAnswer;
import io.heddle.base.Problem;
import io.heddle.base.ProblemCode;
import io.heddle.web.AdmissionGate;
import io.heddle.web.BodyReader;
import io.heddle.web.BytesResponse;
import io.heddle.web.HeaderNames;
import io.heddle.web.IdempotencyHashes;
import io.heddle.web.ProblemWriter;
import io.heddle.web.Query;
import io.heddle.web.RequestContext;
import io.heddle.web.RequestHeaders;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import reactor.core.publisher.Mono;

/** The calls on answers that clients keep. */
final class CacheHandler {

  private static final String ANY_TYPE = "application/octet-stream";
  private static final int LONGEST_TYPE = 255;
  private static final int TAG_BYTES = 16;

  private final Answers answers;
  private final AnswerProperties properties;
  private final AdmissionGate gate;
  private final BodyReader reader;

  CacheHandler(
      Answers answers, AnswerProperties properties, AdmissionGate gate, BodyReader reader) {
    this.answers = answers;
    this.properties = properties;
    this.gate = gate;
    this.reader = reader;
  }

  Mono<BytesResponse> get(RequestContext call) {
    AnswerKey key = key(call);
    call.query();
    Duration maxAge = RequestHeaders.oldest(call.headers());
    Duration wait = RequestHeaders.singleFlight(call.headers(), properties.longestWait());
    if (wait == null) {
      return answers
          .get(key, maxAge)
          .map(found -> shown(call, found))
          .switchIfEmpty(Mono.fromSupplier(() -> ProblemWriter.answer(none())));
    }
    return answers
        .join(key, maxAge, wait, wait)
        .map(flight ->
            switch (flight) {
              case Flight.Found found -> shown(call, found.answer());
              case Flight.Compute _ ->
                  ProblemWriter.answer(none()).header(HeaderNames.SINGLE_FLIGHT, "compute");
              case Flight.Busy _ ->
                  ProblemWriter.answer(none().with("retryAfter", 1))
                      .header(HeaderNames.SINGLE_FLIGHT, "busy");
            });
  }

  Mono<BytesResponse> put(RequestContext call) {
    AnswerKey key = key(call);
    call.query();
    HttpHeaders headers = call.headers();
    Duration asked = RequestHeaders.life(headers, properties.longestLife());
    Duration life = Objects.requireNonNullElse(asked, properties.defaultLife());
    String type = contentType(headers);
    int most = Math.toIntExact(properties.maxBytes().toBytes());
    return reader
        .bytes(call.exchange(), most)
        .flatMap(body -> {
          NewAnswer answer = new NewAnswer(type, body, life);
          gate.requireAllowed(call.admission());
          return checked(call, key).then(Mono.defer(() -> answers.put(key, answer)));
        })
        .map(kept ->
            BytesResponse.empty(kept.replaced() ? 204 : 201)
                .header(HttpHeaders.ETAG, "\"" + tag(kept.answer()) + "\""));
  }

  Mono<BytesResponse> delete(RequestContext call) {
    AnswerKey key = key(call);
    call.query();
    gate.requireAllowed(call.admission());
    return checked(call, key)
        .then(Mono.defer(() -> answers.remove(key)))
        .map(_ -> BytesResponse.empty(204));
  }

  /** The path's key of an answer, in the caller's own space. */
  private static AnswerKey key(RequestContext call) {
    String name = call.variable("key");
    // The server puts it where the path's bytes are no UTF-8.
    if (!AnswerKey.isName(name) || name.indexOf('\ufffd') >= 0 || call.hasParameter()) {
      throw Query.refuse(
          "key",
          "in the path must be 1 to "
              + AnswerKey.LONGEST
              + " characters in UTF-8, none of them a control character; / ? # % ; are"
              + " percent-encoded");
    }
    return AnswerKey.of(call.caller(), AnswerKey.Kind.CLIENT, name);
  }

  /** What is kept is looked at only for who asks for that. */
  private Mono<Void> checked(RequestContext call, AnswerKey key) {
    HttpHeaders headers = call.headers();
    if (!headers.containsHeader(HttpHeaders.IF_MATCH)
        && !headers.containsHeader(HttpHeaders.IF_NONE_MATCH)) {
      return Mono.empty();
    }
    return answers
        .get(key, null)
        .map(CacheHandler::tag)
        .map(Optional::of)
        .defaultIfEmpty(Optional.empty())
        .doOnNext(tag -> RequestHeaders.check(headers, tag.orElse(null)))
        .then();
  }

  private static Problem none() {
    return Problem.of(ProblemCode.NOT_FOUND, "There is no answer of this key");
  }

  /** As a shared cache on the way would have it: a user's own, and never a page of this origin. */
  private static BytesResponse shown(RequestContext call, AnswerStore.Answer found) {
    String tag = tag(found);
    RequestHeaders.checkMatch(call.headers(), tag);
    BytesResponse answer =
        RequestHeaders.noneMatch(call.headers(), tag)
            ? BytesResponse.empty(304)
            : BytesResponse.of(200, found.contentType(), found.body())
                .header("X-Content-Type-Options", "nosniff")
                .header("Content-Security-Policy", "sandbox");
    return answer
        .header(HttpHeaders.ETAG, "\"" + tag + "\"")
        .header(HttpHeaders.AGE, Long.toString(Math.max(0, found.age().toSeconds())))
        .header(HttpHeaders.CACHE_CONTROL, "private, max-age=" + wholeSeconds(found.life()))
        .header(HttpHeaders.VARY, HeaderNames.USER);
  }

  /** To the nearest: the store tells what is left of it in milliseconds. */
  private static long wholeSeconds(Duration life) {
    return (life.toMillis() + 500) / 1000;
  }

  /** Of the content and its type. */
  private static String tag(AnswerStore.Answer answer) {
    MessageDigest digest = IdempotencyHashes.sha256();
    digest.update(answer.contentType().getBytes(StandardCharsets.UTF_8));
    digest.update((byte) 0);
    byte[] hash = digest.digest(answer.body());
    byte[] part = Arrays.copyOf(hash, TAG_BYTES);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(part);
  }

  private static String contentType(HttpHeaders headers) {
    String encoding = headers.getFirst(HttpHeaders.CONTENT_ENCODING);
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      throw Problem.field(
              ProblemCode.UNSUPPORTED_MEDIA_TYPE,
              HttpHeaders.CONTENT_ENCODING,
              "An answer is kept as it is; its encoding would be lost")
          .toException();
    }
    List<String> given = headers.getOrEmpty(HttpHeaders.CONTENT_TYPE);
    if (given.isEmpty()) {
      return ANY_TYPE;
    }
    String type = given.getFirst();
    if (given.size() > 1 || !isType(type)) {
      throw Query.refuse(
          HttpHeaders.CONTENT_TYPE,
          "must be one media type of at most " + LONGEST_TYPE + " characters");
    }
    return type;
  }

  private static boolean isType(@Nullable String text) {
    if (text == null
        || text.length() > LONGEST_TYPE
        || !text.chars().allMatch(c -> c >= 0x20 && c < 0x7f)) {
      return false;
    }
    try {
      return MediaType.parseMediaType(text).isConcrete();
    } catch (IllegalArgumentException _) {
      return false;
    }
  }
}
