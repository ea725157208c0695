package io.heddle.api;

import io.heddle.base.Problem;
import io.heddle.json.Json;
import io.heddle.json.JsonParsers;
import io.heddle.json.JsonReader;
import io.heddle.session.NewMessage;
import io.heddle.session.SessionProperties;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import tools.jackson.core.json.JsonFactory;

/** Reads the bodies of the calls. Each method throws a {@code ProblemException} for a bad one. */
final class RequestBodies {

  private final JsonFactory factory;
  private final int maxMessage;
  private final Duration defaultTtl;

  RequestBodies(SessionProperties properties) {
    factory = JsonParsers.factory(properties.maxNesting());
    maxMessage = (int) properties.maxMessage().toBytes();
    defaultTtl = properties.defaultTtl();
  }

  List<NewMessage> messages(byte[] body) {
    return read(body, in -> new MessageShape(in, maxMessage).oneOrMore());
  }

  TurnBody turn(byte[] body) {
    return read(body, in -> TurnBody.read(in, maxMessage));
  }

  SocketRequest socketRequest(byte[] text) {
    return read(text, in -> SocketRequest.read(in, maxMessage));
  }

  /** Of a request that was refused. */
  SocketRequest.Name socketRequestName(byte[] text) {
    return read(text, SocketRequest.Name::read);
  }

  SessionBody session(byte[] body) {
    return read(body, in -> SessionBody.read(in, maxMessage));
  }

  PatchBody patch(byte[] body) {
    return read(body, in -> PatchBody.read(in, defaultTtl));
  }

  ForkBody fork(byte[] body) {
    return body.length == 0 ? ForkBody.NONE : read(body, ForkBody::read);
  }

  CompactBody compact(byte[] body) {
    return body.length == 0 ? CompactBody.NONE : read(body, CompactBody::read);
  }

  LockBody lock(byte[] body) {
    return read(body, LockBody::read);
  }

  LockBody renewal(byte[] body) {
    return read(body, LockBody::readRenewal);
  }

  /** Any JSON object; the same name twice in it is refused, further inside it is not looked at. */
  Json document(byte[] body) {
    return read(body, in -> in.copyObject(body.length, Set.of()));
  }

  private <T> T read(byte[] text, Function<JsonReader, T> shape) {
    return JsonReader.read(factory, invalid -> Problem.of(invalid).toException(), text, shape);
  }
}
