package io.heddle.config;

import io.heddle.answercache.Allowance;
import io.heddle.answercache.AnswerProperties;
import io.heddle.answercache.Answers;
import io.heddle.api.Routes;
import io.heddle.base.IdSource;
import io.heddle.engine.Engine;
import java.time.InstantSource;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.event.ContextClosedEvent;

/** Cached answers. */
@Configuration(proxyBeanMethods = false)
class AnswersConfiguration {

  @Bean
  Answers answers(
      Engine engine,
      AnswerProperties properties,
      IdSource ids,
      InstantSource clock,
      Allowance allowance) {
    return new Answers(engine.answers(), properties, ids, clock, allowance);
  }

  @Bean
  Routes.Cache cacheCalls(Answers answers, AnswerProperties properties) {
    return new Routes.Cache(answers, properties);
  }

  /** Before the web server stops, which would wait for those who wait for an answer. */
  @Bean
  ApplicationListener<ContextClosedEvent> nobodyWaitsForAnswers(Answers answers) {
    return _ -> answers.stopWaiting();
  }
}
