package io.heddle.api;

import java.util.HashMap;
import java.util.Map;

class HttpContractEmbeddedIT extends HttpContract {

  @Override
  Server start(Map<String, String> properties) {
    Map<String, String> all = new HashMap<>(properties);
    all.put("heddle.engine", "embedded");
    all.put("heddle.embedded.path", "");
    return Application.start(all);
  }
}
