package io.heddle.clients;

import java.util.List;

/**
 * Every call of the wire that OpenAI's library for Java makes: {@code java <class> <base url> <base
 * url that takes sockets>}.
 */
public final class OpenAiJavaWire {

  public static void main(String[] args) {
    Wire wire = new Wire(args[0]);
    new WireChat(wire).run();
    new WireConversations(wire).run();
    new WireResponses(wire).run();
    new WireRefusals(wire).run();
    new WireRetries(wire, args[0]).run();
    Wire sockets = new Wire(args[1]);
    WireSocket.run(sockets);
    List.of(wire, sockets).forEach(each -> each.client.close());
    System.exit(0);
  }
}
