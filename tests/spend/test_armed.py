"""A policy that could not act, through whole decisions: told once, over once it could, asked rarely."""

from dataclasses import replace

import pytest

from monitor.alerts.model import NotifyReason
from monitor.decide import decide, is_near
from monitor.memory import Memory
from monitor.rules.top_up_inert import TopUpInert
from monitor.spend import armed
from monitor.topups.policy import Mode
from tests.builders import at, policy
from tests.spend.world import snapshot_of
from tests.topups.planning import TOP_UPS
from tests.topups.planning import policy as guarding

# Needed at the trigger: 67.66 USDT (see tests.topups.test_inert); at() counts from the start of a minute.
RULE = replace(policy(TopUpInert()), top_ups=replace(TOP_UPS, policies=(guarding(),)))


class Watch:
    """A memory that is carried through readings of the calm position, and what was told: second, why, level."""

    def __init__(self, what=RULE) -> None:
        self.policy = what
        self.memory = Memory()
        self.told: list[tuple[float, NotifyReason, str]] = []
        self.texts: list[str] = []

    def see(self, seconds: float, free: str = "12", **changes) -> None:
        self._take(snapshot_of(at(seconds), mark="100", free=free, **changes), seconds)

    def tick(self, seconds: float) -> None:
        self._take(None, seconds)

    def _take(self, reading, seconds: float) -> None:
        decision = decide(reading, self.memory, self.policy, at(seconds))
        self.memory = decision.memory
        self.told += [(seconds, one.why, one.level.label) for one in decision.commit.messages]
        self.texts += [f"{one.title}\n{one.body}" for one in decision.commit.messages]

    @property
    def alerts(self) -> int:
        return len(self.memory.alerts)


def test_a_policy_that_could_not_act_is_told_while_all_is_calm_and_once_it_could():
    watch = Watch()
    watch.see(0)
    watch.see(60)
    watch.see(118)
    assert (watch.alerts, watch.told) == (1, [])
    watch.tick(120)
    assert watch.told == [(120, NotifyReason.FIRST, "warning")]
    title, _, body = watch.texts[0].partition("\n")
    assert title == "WARNING: BTC/USDT long - automatic margin could not act"
    assert "btc_guard could not act on BTC/USDT long: needs 67.66 USDT, 12 free." in body.splitlines()
    assert not is_near(watch.memory, "main")
    watch.see(7200)
    assert len(watch.told) == 1
    watch.see(7230, free="1000")  # not asked again within the minute
    assert watch.alerts == 1
    watch.see(7260, free="1000")
    assert (watch.alerts, watch.told[1:]) == (0, [(7260, NotifyReason.RESOLVED, "warning")])


def test_a_balance_that_was_short_for_a_moment_is_not_told():
    watch = Watch()
    watch.see(0)
    watch.see(60, free="1000")
    watch.tick(300)
    assert (watch.alerts, watch.told) == (0, [])


def test_it_is_asked_at_once_when_the_position_changed_or_the_run_is_new():
    watch = Watch()
    watch.see(1, free="1000")
    watch.see(2)
    assert watch.alerts == 0
    watch.see(3, contracts=11)
    assert watch.alerts == 1
    watch.see(4, free="1000", contracts=11)
    assert watch.alerts == 1
    watch.policy = replace(RULE, watching_since=at(5))
    watch.see(6, free="1000", contracts=11)
    assert watch.alerts == 0


@pytest.mark.parametrize(
    "policies", [(), (guarding(mode=Mode.OFF),), (guarding(match=replace(guarding().match, account=("other",))),)]
)
def test_the_warning_ends_when_no_policy_that_may_act_is_in_charge_any_more(policies):
    watch = Watch()
    watch.see(0)
    assert watch.alerts == 1
    watch.policy = replace(RULE, top_ups=replace(TOP_UPS, policies=policies))
    watch.see(60)
    assert watch.alerts == 0


def test_it_is_asked_once_a_minute_and_never_without_policies(monkeypatch):
    asked = []

    def why_inert(situation, *rest):
        asked.append(situation.read_at)
        return ""

    monkeypatch.setattr(armed, "why_inert", why_inert)
    watch, without = Watch(), Watch(replace(RULE, top_ups=replace(TOP_UPS, policies=())))
    for second in range(0, 180, 2):
        watch.see(second)
        without.see(second)
    assert asked == [at(0), at(60), at(120)]
