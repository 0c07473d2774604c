"""What an account's key may do, through whole decisions: told once, remembered, compared with what it was."""

from dataclasses import replace
from datetime import UTC, time, timedelta

from monitor.alerts.model import NotifyReason, SubjectKind
from monitor.alerts.muting import QuietHours
from monitor.alerts.routing import LevelPolicy, Routing
from monitor.decide import Decision, decide, is_near
from monitor.margin.reading import KeyFacts
from monitor.memory import Memory, shifted
from monitor.policy import Policy
from monitor.rules.base import Level
from tests.builders import NOW, at, policy

HOURS = 3600.0


def facts(*rights: str, **changes) -> KeyFacts:
    return KeyFacts(exchange="bybit", account="main", rights=rights or ("read",), **{"ip_bound": True, **changes})


class Watch:
    """A memory that learns of keys."""

    def __init__(self, rules: Policy | None = None) -> None:
        self.policy = rules or policy()
        self.memory = Memory()
        self.told: list[tuple[float, NotifyReason, str]] = []
        self.last: Decision | None = None

    def learn(self, told: KeyFacts | None, hours: float) -> Decision:
        decision = decide(told, self.memory, self.policy, at(hours * HOURS))
        self.memory = decision.memory
        self.told += [(hours, one.why, one.title) for one in decision.commit.messages]
        return decision


def test_a_harmless_key_is_remembered_and_says_nothing():
    watch = Watch()
    decision = watch.learn(facts(), 0)
    assert watch.told == []
    assert [key.facts for key in decision.commit.keys] == [facts()]
    assert watch.memory.keys["bybit", "main"].read_at == at(0)


def test_a_key_that_may_withdraw_is_told_once_until_it_may_not():
    watch = Watch()
    decision = watch.learn(facts("read", "withdraw"), 0)
    (message,) = decision.commit.messages
    assert message.title == "WARNING: main (Bybit): the key may withdraw"
    assert message.subject.kind is SubjectKind.ACCOUNT
    assert "The key may withdraw.\nTo guard, a key needs to read only" in message.body
    assert "It may now: read, withdraw." in message.body
    assert f"#{message.code}" in message.body
    for hours in (6, 12):
        watch.learn(facts("read", "withdraw"), hours)
        watch.learn(None, hours + 1)
    assert len(watch.told) == 1
    assert not is_near(watch.memory, "main")
    decision = watch.learn(facts(), 18)
    # it lost a right, which is what was asked for
    assert watch.told[1:] == [(18, NotifyReason.RESOLVED, "Settled: the key of main (Bybit)")]
    assert "key rights: over after 18 h." in decision.commit.messages[0].body


def test_a_key_that_ends_is_told_at_each_level_once():
    watch = Watch()
    end = NOW + timedelta(days=15)
    for hours in range(0, 15 * 24, 6):
        watch.learn(facts(expires_at=end), hours)
    assert [(hours / 24, why.value) for hours, why, _ in watch.told] == [(1, "first"), (8, "worsened"), (14, "worsened")]
    assert watch.told[0][2] == "INFO: main (Bybit): the key expires at 2026-12-07 03:00 UTC"
    decision = watch.learn(facts(expires_at=end + timedelta(days=90)), 14.5 * 24)
    assert [one.why for one in decision.commit.messages] == [NotifyReason.RESOLVED]


def test_the_message_says_in_how_long_the_key_ends():
    watch = Watch()
    (message,) = watch.learn(facts(expires_at=NOW + timedelta(days=6, hours=5)), 0).commit.messages
    assert "The key expires at 2026-11-28 08:00 UTC (in 6 days 5 h)." in message.body


def test_lost_rights_are_told_for_a_day_and_end_without_a_word():
    watch = Watch()
    watch.learn(facts("read", "trade"), 0)
    watch.learn(facts("read"), 6)
    assert [(hours, why.value) for hours, why, _ in watch.told] == [(6, "first")]
    assert watch.memory.keys["bybit", "main"].lost == ("trade",)
    watch.learn(facts("read"), 12)
    assert watch.memory.keys["bybit", "main"].lost_at == at(6 * HOURS)
    watch.learn(facts("read"), 30)
    assert watch.memory.alerts == {}
    assert len(watch.told) == 1


def test_rights_that_are_back_are_not_lost():
    watch = Watch()
    watch.learn(facts("read", "trade"), 0)
    watch.learn(facts("read"), 6)
    watch.learn(facts("read", "trade"), 12)
    assert watch.memory.keys["bybit", "main"].lost == ()
    assert watch.memory.alerts == {}
    assert len(watch.told) == 1


def test_what_quiet_hours_held_back_is_told_by_the_tick_after_them():
    # NOW is 3:00; quiet until 5:00
    quiet = QuietHours(begin=time(2), end=time(5), zone=UTC)
    routing = Routing(levels={Level.INFO: LevelPolicy(channels=("chat",), passes_quiet=False)})
    watch = Watch(replace(policy(), quiet_hours=quiet, routing=routing))
    watch.learn(facts(ip_bound=False), 0)
    watch.learn(None, 1)
    assert watch.told == []
    watch.learn(None, 2.1)
    assert [(hours, title) for hours, _, title in watch.told] == [(2.1, "INFO: main (Bybit): the key is bound to no IP address")]


def test_times_of_keys_move_with_the_clock():
    watch = Watch()
    watch.learn(facts("read", "trade"), 0)
    watch.learn(facts("read"), 1)
    moved = shifted(watch.memory, timedelta(hours=1)).keys["bybit", "main"]
    assert (moved.read_at, moved.lost_at) == (at(2 * HOURS), at(2 * HOURS))
