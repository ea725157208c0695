package io.heddle.openai;

/** Carries a {@link WireError} through a reactive chain. Expected, so it has no stack trace. */
final class WireException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient WireError error;

  WireException(WireError error) {
    super(error.status() + " " + error.message(), null, false, false);
    this.error = error;
  }

  WireError error() {
    return error;
  }
}
