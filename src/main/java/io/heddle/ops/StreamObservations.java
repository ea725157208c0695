package io.heddle.ops;

import io.micrometer.common.KeyValue;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationFilter;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.http.server.reactive.observation.ServerRequestObservationContext;

/**
 * Takes event streams and WebSockets out of the timer of requests. A stream lasts for hours and
 * ends when its client leaves, which Spring counts as a request of that length with the status
 * {@code UNKNOWN}: one of them makes every percentile useless.
 */
public final class StreamObservations implements ObservationFilter {

  static final String STREAMS = "http.server.streams";

  private static final int OK = 200;
  private static final int SWITCHING = 101;
  private static final String STATUS = "status";
  private static final KeyValue STATUS_OK = KeyValue.of(STATUS, Integer.toString(OK));
  private static final KeyValue SUCCESS = KeyValue.of("outcome", "SUCCESS");
  private static final String EVENTS = MediaType.TEXT_EVENT_STREAM_VALUE;

  @Override
  public Observation.Context map(Observation.Context context) {
    if (context instanceof ServerRequestObservationContext request) {
      ServerHttpResponse response = request.getResponse();
      if (response != null && isStream(response)) {
        int status = response.getStatusCode() == null ? OK : response.getStatusCode().value();
        request.setName(STREAMS);
        request.addLowCardinalityKeyValue(
            status == OK ? STATUS_OK : KeyValue.of(STATUS, Integer.toString(status)));
        request.addLowCardinalityKeyValue(SUCCESS);
      }
    }
    return context;
  }

  private static boolean isStream(ServerHttpResponse response) {
    if (response.getStatusCode() != null && response.getStatusCode().value() == SWITCHING) {
      return true;
    }
    // By its text: parsed, it would be the dearest thing about a short answer's measuring.
    String type = response.getHeaders().getFirst(HttpHeaders.CONTENT_TYPE);
    return type != null && type.regionMatches(true, 0, EVENTS, 0, EVENTS.length());
  }
}
