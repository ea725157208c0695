package io.heddle.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.RandomIds;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TurnIdTest {

  private static final RandomIds IDS = new RandomIds(InstantSource.system());

  @Test
  void idsAreReadBackAndCarryTheirSession() {
    for (String session :
        new String[] {"s", "ses_0199-x", "a:b.c_d", "trn_0123456789abcdef_s", IDS.sessionId()}) {
      TurnId id = TurnId.next(IDS, new SessionKey(Tenant.DEFAULT, session));
      assertThat(id.session()).isEqualTo(session);
      assertThat(id.toString()).matches("trn_[0-9a-z]{16}_\\Q" + session + "\\E");
      assertThat(TurnId.parse(id.toString())).isEqualTo(id);
    }
  }

  @Test
  void noTwoAreEqual() {
    SessionKey key = new SessionKey(Tenant.DEFAULT, "s1");
    Set<String> ids = new HashSet<>();
    for (int i = 0; i < 10_000; i++) {
      assertThat(ids.add(TurnId.next(IDS, key).toString())).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "trn_",
        "trn_0123456789abcdef",
        "trn_0123456789abcdef_",
        "trn_0123456789abcdefs1",
        "trn_0123456789abcde_s1",
        "trn_0123456789abcdef0_s1",
        "trn_0123456789ABCDEF_s1",
        "trn_0123456789abcd-f_s1",
        "msg_0123456789abcdef_s1",
        "0123456789abcdef_s1",
        "trn_0123456789abcdef_s 1",
        "trn_0123456789abcdef_s/1",
        "trn_0123456789abcdef_\u00e9"
      })
  void whatIsNoTurnsIdIsTold(String text) {
    assertThat(TurnId.parse(text)).isNull();
  }
}
