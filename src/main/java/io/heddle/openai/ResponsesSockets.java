package io.heddle.openai;

import io.heddle.base.Problem;
import io.heddle.web.AdmissionGate;
import io.heddle.web.Connections;
import io.heddle.web.RequestContext;
import io.heddle.web.Upgrade;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** {@code GET /responses}: opens a socket that responses are asked for over. */
final class ResponsesSockets {

  private final ResponsesSocket.Services services;
  private final Connections connections;
  private final int maxMessage;

  /**
   * @param maxMessage bytes of a message
   */
  ResponsesSockets(
      AdmissionGate gate,
      RequestBodies bodies,
      ResponsesHandler responses,
      OpenAiProperties properties,
      Connections connections,
      int maxMessage) {
    this.services =
        new ResponsesSocket.Services(
            gate,
            bodies,
            responses,
            SocketMemory.Shared.of(connections.budget()),
            properties.socketMemory().toBytes(),
            properties.socketMaxAge());
    this.connections = connections;
    this.maxMessage = maxMessage;
  }

  Mono<ServerResponse> open(RequestContext call) {
    if (!call.exchange().getRequest().getMethod().equals(HttpMethod.GET)) {
      throw WireError.invalid(null, "A WebSocket is opened with GET.").toException();
    }
    Problem wrong = Upgrade.refusal(call.exchange().getRequest());
    if (wrong != null) {
      return Mono.just(Upgrade.refused(wrong, WireError.of(wrong).answer()));
    }
    connections.requireRoom();
    services.gate().refuseConnection(call.caller());
    return Mono.just(
        new Upgrade(
            connections, new ResponsesSocket(services, call), call.caller().holder(), maxMessage));
  }
}
