package io.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisConnectionException;
import java.net.ConnectException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RedisErrorsTest {

  /**
   * A wrong password was told as "cannot be reached", and somebody looked at the network for hours.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          WRONGPASS invalid username-password pair or user is disabled.    | password (WRONGPASS)
          NOAUTH HELLO must be called with the client already authenticated | none is set (NOAUTH)
          NOPERM this user has no permissions to run the 'info' command     | (NOPERM)
          LOADING Redis is loading the dataset in memory                    | (LOADING)
          ERR AUTH <password> called without any password configured        | Redis has no password
          """)
  void whatRedisRefusesIsNotToldAsUnreachable(String answer, String told) {
    Throwable byLettuce =
        new RedisConnectionException(
            "Unable to connect to h:1", new RedisCommandExecutionException(answer));
    Throwable byRedisson =
        new IllegalStateException(
            new org.redisson.client.RedisException(
                answer + ". channel: [id: 0x1] command: (AUTH), params: [secret]"));

    assertThat(RedisErrors.reasonOf(byLettuce)).contains(told).doesNotContain("reached");
    assertThat(RedisErrors.reasonOf(byRedisson)).contains(told).doesNotContain("secret", "reached");
  }

  /** Each version of Redis has words of its own for what its user may not do in a script. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "NOPERM this user has no permissions to run the 'evalsha' command",
        "ERR The user executing the script can't run this command or subcommand script: 5c, on"
            + " @user_script:1.",
        "ERR The user executing the script can't publish to the channel mentioned in the command"
            + " script: 5c, on @user_script:9.",
        "ERR ACL failure in script: User default has no permissions to run the 'hdel' command"
            + " script: 5c, on @user_script:1.",
        "ERR Error running script (call to f_5c): @user_script:1: @user_script: 1: -NOPERM this"
            + " user has no permissions"
      })
  void whatItsUserMayNotDoIsOneRefusal(String answer) {
    var refused = new RedisCommandExecutionException(answer);

    assertThat(RedisErrors.refusal(refused)).isEqualTo("NOPERM");
    assertThat(RedisErrors.isAway(RedisErrors.translate(refused, false))).isTrue();
  }

  @Test
  void aServerThatIsAwayIsUnreachable() {
    Throwable away =
        new RedisConnectionException("Unable to connect", new ConnectException("refused"));

    assertThat(RedisErrors.reasonOf(away)).isEqualTo("it cannot be reached: refused");
  }

  @Test
  void whatNobodyExpectedIsToldWithoutTheCommand() {
    Throwable odd =
        new org.redisson.client.RedisException(
            "ERR what. channel: [id: 0x2] command: (HELLO), params: [3, AUTH, ann, secret]");

    assertThat(RedisErrors.reasonOf(odd)).isEqualTo("it cannot be used: ERR what");
  }
}
