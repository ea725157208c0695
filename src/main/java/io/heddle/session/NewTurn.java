package io.heddle.session;

import io.heddle.json.Json;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A turn that is asked for.
 *
 * @param id a fresh {@link TurnId}; the same one when the same request is sent again
 * @param model for those who look at the record; null when the request does not name one
 * @param request all that is needed to run it, but the input: an object that the store keeps as it
 *     is, so that a waiting turn survives the replica that took it
 * @param input what it adds to the thread when it starts, perhaps nothing
 * @param lease how long its owner may be silent
 * @param keep how long record and log are kept after its end
 */
public record NewTurn(
    String id,
    @Nullable String model,
    Json request,
    List<NewMessage> input,
    Duration lease,
    Duration keep) {}
