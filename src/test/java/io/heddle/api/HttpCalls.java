package io.heddle.api;

import io.heddle.api.Http.Reply;
import java.util.List;
import java.util.Map;

/**
 * What the parts of the contract share: a server, names of the test's own, and short words for
 * calls.
 */
interface HttpCalls {

  String MESSAGE = "{'role':'user','content':'hi'}";

  /** A client of a server without limits. */
  Http http();

  /** A client of a server with these settings, which lives as long as the class's tests. */
  Http http(Map<String, String> properties);

  HttpContract.Server server(Map<String, String> properties);

  /** Of a session that no other test has. */
  String id();

  void newId();

  /** Whom no other test knows. */
  String user();

  default String session() {
    return "/v1/sessions/" + id();
  }

  default String messages() {
    return session() + "/messages";
  }

  default Reply create() {
    return http().post("/v1/sessions", "{'id':'" + id() + "'}").is(201);
  }

  /** Creates the session with messages "1" to "n", client ids m1 to mn, one version each. */
  default void thread(int n) {
    create();
    for (int i = 1; i <= n; i++) {
      http().post(messages(), "{'id':'m" + i + "','role':'user','content':'" + i + "'}").is(201);
    }
  }

  default List<String> contents(Reply page) {
    return page.is(200)
        .json()
        .path("data")
        .valueStream()
        .map(m -> m.path("content").asString())
        .toList();
  }

  default List<String> ids(Reply list) {
    return list.is(200)
        .json()
        .path("data")
        .valueStream()
        .map(s -> s.path("id").asString())
        .toList();
  }

  default String positionNow() {
    return http().get(session()).is(200).position();
  }

  static String quoted(String position) {
    return "\"" + position + "\"";
  }
}
