package io.heddle.api;

import io.heddle.base.Json;
import io.heddle.session.NewMessage;
import io.heddle.session.SessionProperties;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import tools.jackson.core.json.JsonFactory;

/** Reads the bodies of the calls. Each method throws a {@code ProblemException} for a bad one. */
final class RequestBodies {

  private final JsonFactory factory;
  private final int maxMessage;
  private final Duration defaultTtl;

  RequestBodies(SessionProperties properties) {
    factory = JsonReader.factory(properties.maxNesting());
    maxMessage = (int) properties.maxMessage().toBytes();
    defaultTtl = properties.defaultTtl();
  }

  List<NewMessage> messages(byte[] body) {
    return JsonReader.read(factory, body, in -> new MessageShape(in, maxMessage).oneOrMore());
  }

  TurnBody turn(byte[] body) {
    return JsonReader.read(factory, body, in -> TurnBody.read(in, maxMessage));
  }

  SocketRequest socketRequest(byte[] text) {
    return JsonReader.read(factory, text, in -> SocketRequest.read(in, maxMessage));
  }

  /** Of a request that was refused. */
  SocketRequest.Name socketRequestName(byte[] text) {
    return JsonReader.read(factory, text, SocketRequest.Name::read);
  }

  SessionBody session(byte[] body) {
    return JsonReader.read(factory, body, in -> SessionBody.read(in, maxMessage));
  }

  PatchBody patch(byte[] body) {
    return JsonReader.read(factory, body, in -> PatchBody.read(in, defaultTtl));
  }

  ForkBody fork(byte[] body) {
    return body.length == 0 ? ForkBody.NONE : JsonReader.read(factory, body, ForkBody::read);
  }

  CompactBody compact(byte[] body) {
    return body.length == 0 ? CompactBody.NONE : JsonReader.read(factory, body, CompactBody::read);
  }

  LockBody lock(byte[] body) {
    return JsonReader.read(factory, body, LockBody::read);
  }

  LockBody renewal(byte[] body) {
    return JsonReader.read(factory, body, LockBody::readRenewal);
  }

  /** Any JSON object; the same name twice in it is refused, further inside it is not looked at. */
  Json document(byte[] body) {
    return JsonReader.read(factory, body, in -> in.copyObject(body.length, Set.of()));
  }
}
