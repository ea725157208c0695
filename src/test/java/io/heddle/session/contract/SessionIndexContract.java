package io.heddle.session.contract;

import static io.heddle.session.contract.WriteFixtures.append;
import static io.heddle.session.contract.WriteFixtures.described;
import static io.heddle.session.contract.WriteFixtures.says;
import static org.assertj.core.api.Assertions.assertThat;

import io.heddle.base.ProblemCode;
import io.heddle.base.SessionKey;
import io.heddle.base.Tenant;
import io.heddle.session.SessionIndex;
import io.heddle.session.Write;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Lists of sessions, and which one is a user's current. */
abstract class SessionIndexContract extends ContractSuite {

  private static final Instant START = Instant.parse("2026-11-20T10:00:00Z");
  private static final String USER = "ünï/{user}: 1";

  @Test
  void listsAUsersSessionsNewestFirst() {
    SessionKey a = newKey();
    SessionKey b = newKey();
    SessionKey c = newKey();
    touch(a, USER, 1);
    touch(c, USER, 3);
    touch(b, USER, 2);
    assertThat(list(USER, 10, null).ids()).containsExactly(c.id(), b.id(), a.id());
    assertThat(list(USER, 10, null).next()).isNull();

    touch(a, USER, 4);
    assertThat(list(USER, 10, null).ids()).containsExactly(a.id(), c.id(), b.id());
    touch(a, USER, 2);
    assertThat(list(USER, 10, null).ids())
        .as("an earlier time is ignored")
        .containsExactly(a.id(), c.id(), b.id());
    touch(a, USER, 4);
    assertThat(list(USER, 10, null).ids()).hasSize(3);
  }

  @Test
  void aUserNobodyKnowsHasNoSessions() {
    assertThat(list("nobody", 10, null)).isEqualTo(new SessionIndex.Page(List.of(), null));
  }

  @Test
  void pagesHoldEachSessionOnceEvenWhenTimesAreEqual() {
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      SessionKey key = newKey();
      touch(key, USER, 100 - i / 3);
      expected.add(key.id());
    }
    List<String> whole = list(USER, 50, null).ids();
    assertThat(whole).containsExactlyInAnyOrderElementsOf(expected);
    assertThat(whole.subList(0, 3)).containsExactlyInAnyOrderElementsOf(expected.subList(0, 3));
    assertThat(whole.subList(6, 9)).containsExactlyInAnyOrderElementsOf(expected.subList(6, 9));
    for (int limit = 1; limit <= 10; limit++) {
      assertThat(walk(USER, limit)).as("limit " + limit).isEqualTo(whole);
    }
  }

  @Test
  void aPageGoesOnWhereTheLastEndedWhateverChangedBefore() {
    List<SessionKey> keys = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      SessionKey key = newKey();
      touch(key, USER, 10 - i);
      keys.add(key);
    }
    SessionIndex.Page first = list(USER, 3, null);
    touch(newKey(), USER, 20);
    touch(keys.get(0), USER, 21);
    run(engine().index().forget(tenant, USER, List.of(keys.get(2).id(), keys.get(4).id())));

    assertThat(list(USER, 3, first.next()).ids())
        .containsExactly(keys.get(3).id(), keys.get(5).id());
  }

  @Test
  void forgetsSessions() {
    SessionKey a = newKey();
    SessionKey b = newKey();
    touch(a, USER, 1);
    touch(b, USER, 2);
    run(engine().index().forget(tenant, USER, List.of(b.id(), "never-there")));
    assertThat(list(USER, 10, null).ids()).containsExactly(a.id());
    run(engine().index().forget(tenant, USER, List.of(a.id())));
    assertThat(list(USER, 10, null).ids()).isEmpty();
    touch(b, USER, 3);
    assertThat(list(USER, 10, null).ids()).containsExactly(b.id());
  }

  @Test
  void usersAndTenantsAreApart() {
    SessionKey mine = newKey();
    touch(mine, USER, 1);
    Tenant other = new Tenant("x" + tenant.name());
    SessionKey theirs = new SessionKey(other, mine.id());
    run(engine().index().touch(theirs, "another", START));
    run(engine().index().compareAndSetCurrent(tenant, USER, null, mine.id()).then());

    assertThat(list("another", 10, null).ids()).isEmpty();
    assertThat(list(USER + "2", 10, null).ids()).isEmpty();
    assertThat(get(engine().index().list(other, USER, 10, null)).ids()).isEmpty();
    assertThat(get(engine().index().list(other, "another", 10, null)).ids())
        .containsExactly(theirs.id());
    assertThat(engine().index().current(other, USER).block(PATIENCE)).isNull();
    assertThat(engine().index().current(tenant, "another").block(PATIENCE)).isNull();
    run(engine().index().forget(other, USER, List.of(mine.id())));
    assertThat(list(USER, 10, null).ids()).containsExactly(mine.id());
  }

  @Test
  void aLongUserIsLikeAnyOther() {
    String user = "u".repeat(255);
    SessionKey key = newKey();
    SessionKey other = newKey();
    touch(key, user + "a", 1);
    touch(other, user + "b", 1);
    assertThat(list(user + "a", 10, null).ids()).containsExactly(key.id());
    assertThat(list(user + "b", 10, null).ids()).containsExactly(other.id());
  }

  @Test
  void whatIsNoCursorIsRefused() {
    touch(newKey(), USER, 1);
    create(newKey());
    for (String cursor : List.of("", "x", "!!", "{}", "0", "-1", "x".repeat(500))) {
      failed(engine().index().list(tenant, USER, 10, cursor), ProblemCode.INVALID_CURSOR);
      failed(engine().index().list(tenant, null, 10, cursor), ProblemCode.INVALID_CURSOR);
    }
  }

  @Test
  void setsTheCurrentSessionOfWhatWasRead() {
    SessionIndex index = engine().index();
    assertThat(index.current(tenant, USER).block(PATIENCE)).isNull();
    assertThat(get(index.compareAndSetCurrent(tenant, USER, "stale", "a")))
        .as("expected one, there is none")
        .isNotEqualTo("stale");
    run(index.compareAndSetCurrent(tenant, USER, null, "a").then());
    String first = get(index.current(tenant, USER));
    assertThat(first).isEqualTo("a");

    assertThat(get(index.compareAndSetCurrent(tenant, USER, null, "b"))).isEqualTo("a");
    assertThat(get(index.compareAndSetCurrent(tenant, USER, "c", "b"))).isEqualTo("a");
    assertThat(get(index.current(tenant, USER))).isEqualTo("a");
    assertThat(get(index.compareAndSetCurrent(tenant, USER, "a", "b"))).isEqualTo("b");
    assertThat(get(engine().peer().index().current(tenant, USER))).isEqualTo("b");
    assertThat(get(index.compareAndSetCurrent(tenant, USER, "b", "b"))).isEqualTo("b");
  }

  @Test
  void ofManyWithTheSameExpectationOneWinsAndAllAreToldIt() {
    for (@Nullable String expected : new @Nullable String[] {null, "next"}) {
      List<String> told =
          atOnce(
              40,
              i ->
                  (i % 2 == 0 ? engine() : engine().peer())
                      .index()
                      .compareAndSetCurrent(tenant, USER, expected, "by-" + expected + "-" + i));
      assertThat(told).hasSize(40).containsOnly(told.getFirst());
      assertThat(told.getFirst()).startsWith("by-" + expected);
      assertThat(get(engine().index().current(tenant, USER))).isEqualTo(told.getFirst());
      get(engine().index().compareAndSetCurrent(tenant, USER, told.getFirst(), "next"));
    }
  }

  /** Without a user: every session of the tenant, whoever's, by when it ends. */
  @Test
  void listsATenantsSessionsByExpiry() {
    List<String> byExpiry = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      SessionKey key = newKey();
      create(key, i % 3 == 0 ? null : "u" + i, Duration.ofHours(1 + i));
      byExpiry.add(key.id());
    }
    SessionKey elsewhere = new SessionKey(new Tenant("x" + tenant.name()), IDS.sessionId());
    create(elsewhere, null, Duration.ofHours(1));

    assertThat(get(engine().index().list(tenant, null, 50, null)))
        .isEqualTo(new SessionIndex.Page(byExpiry, null));
    for (int limit : List.of(1, 5, 11, 12, 13)) {
      assertThat(walk(null, limit)).as("limit " + limit).isEqualTo(byExpiry);
    }
    assertThat(get(engine().index().list(elsewhere.tenant(), null, 50, null)).ids())
        .containsExactly(elsewhere.id());
  }

  @Test
  void aTenantsListFollowsLivesAndEnds() {
    SessionKey deleted = newKey();
    SessionKey prolonged = newKey();
    SessionKey stays = newKey();
    create(deleted, null, Duration.ofHours(1));
    create(prolonged, null, Duration.ofHours(2));
    create(stays, null, Duration.ofHours(3));
    applied(prolonged, append(says("x")));
    applied(prolonged, new Write.Update(described(null, Duration.ofHours(9))));
    applied(deleted, new Write.Delete());

    Set<String> listed = new HashSet<>(walk(null, 2));
    assertThat(listed).contains(prolonged.id(), stays.id());
  }

  private void touch(SessionKey key, String user, int minute) {
    run(engine().index().touch(key, user, START.plusSeconds(60L * minute)));
  }

  private SessionIndex.Page list(String user, int limit, @Nullable String cursor) {
    return get(engine().index().list(tenant, user, limit, cursor));
  }

  private List<String> walk(@Nullable String user, int limit) {
    List<String> ids = new ArrayList<>();
    String cursor = null;
    do {
      SessionIndex.Page page = get(engine().index().list(tenant, user, limit, cursor));
      assertThat(page.ids()).hasSizeLessThanOrEqualTo(limit);
      ids.addAll(page.ids());
      cursor = page.next();
      assertThat(ids).as("a walk that ends").hasSizeLessThan(1000);
    } while (cursor != null);
    return ids;
  }
}
