package io.heddle;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** Starts Heddle. */
@SpringBootApplication
public class HeddleApplication {
  public static void main(String[] args) {
    SpringApplication.run(HeddleApplication.class, args);
  }
}
