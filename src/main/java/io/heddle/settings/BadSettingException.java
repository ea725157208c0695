package io.heddle.settings;

/** A setting that cannot be meant. Never holds the value of one that may be a secret. */
public final class BadSettingException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String action;

  /**
   * @param problem names the setting
   * @param action what to write instead
   */
  public BadSettingException(String problem, String action) {
    super(problem);
    this.action = action;
  }

  String action() {
    return action;
  }
}
