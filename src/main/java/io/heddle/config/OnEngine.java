package io.heddle.config;

import io.heddle.settings.EngineChoice;
import io.heddle.settings.EngineChoice.Kind;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.core.type.AnnotatedTypeMetadata;

/** Only when this engine was chosen. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Conditional(OnEngine.Chosen.class)
@interface OnEngine {

  Kind value();

  /** Looks at the choice. */
  final class Chosen implements Condition {
    @Override
    public boolean matches(ConditionContext context, AnnotatedTypeMetadata metadata) {
      return metadata
          .getAnnotations()
          .get(OnEngine.class)
          .getEnum("value", Kind.class)
          .equals(EngineChoice.of(context.getEnvironment()).engine());
    }
  }
}
