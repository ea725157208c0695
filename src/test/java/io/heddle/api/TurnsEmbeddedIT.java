package io.heddle.api;

import java.util.HashMap;
import java.util.Map;

class TurnsEmbeddedIT extends TurnsContract {

  @Override
  HttpContract.Server start(Map<String, String> properties) {
    Map<String, String> all = new HashMap<>(properties);
    all.put("heddle.engine", "embedded");
    all.put("heddle.embedded.path", "");
    return Application.start(all);
  }

  @Override
  HttpContract.Server another(HttpContract.Server first, Map<String, String> properties) {
    return first;
  }
}
