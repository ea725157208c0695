package io.heddle.api;

import java.util.HashMap;
import java.util.Map;

class QuotasEmbeddedIT extends QuotasContract {

  @Override
  HttpContract.Server start(Map<String, String> properties) {
    Map<String, String> all = new HashMap<>(properties);
    all.put("heddle.engine", "embedded");
    all.put("heddle.embedded.path", "");
    return Application.start(all);
  }
}
