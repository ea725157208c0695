package io.heddle.settings;

import io.heddle.embedded.EmbeddedFileException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says what is wrong with the file of sessions, in place of a stack trace. */
public final class EmbeddedFileFailureAnalyzer
    extends AbstractFailureAnalyzer<EmbeddedFileException> {

  @Override
  protected FailureAnalysis analyze(Throwable rootFailure, EmbeddedFileException cause) {
    return new FailureAnalysis(cause.getMessage(), cause.action(), cause);
  }
}
