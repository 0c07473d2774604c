"""What happened in a position's life, through whole decisions: new tiers, a thin start, the exchange's own doings."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from monitor.alerts.model import NotifyReason
from monitor.decide import Decision, decide, is_near
from monitor.margin.position import ExchangeSays, Side
from monitor.margin.tiers import TierBasis, TierTable
from monitor.memory import Memory, shifted
from monitor.rules.cushion import Cushion
from monitor.rules.exchange_auto_add import ExchangeAutoAdd
from monitor.rules.exchange_disagrees import ExchangeDisagrees
from monitor.rules.thin_buffer import ThinBuffer
from monitor.rules.tier_change import TierChange
from tests.builders import at, key, one_tier, policy, position, snapshot

D = Decimal
DAY = 86_400


class Watch:
    """A memory that is carried through a series of readings, and what was told: second, why, level."""

    def __init__(self, *rules) -> None:
        self.policy = policy(*rules)
        self.memory = Memory()
        self.told: list[tuple[float, NotifyReason, str]] = []
        self.bodies: list[str] = []
        self.titles: list[str] = []

    def take(self, reading, seconds: float) -> Decision:
        decision = decide(reading, self.memory, self.policy, at(seconds))
        self.memory = decision.memory
        self.told += [(seconds, one.why, one.level.label) for one in decision.commit.messages]
        self.bodies += [one.body for one in decision.commit.messages]
        self.titles += [one.title for one in decision.commit.messages]
        return decision

    def see(self, mark: str, seconds: float, **changes) -> Decision:
        return self.take(snapshot(position(mark, **changes), when=at(seconds)), seconds)


# The builder's position: long 10 at 100, margin 100. Liquidation (1000 - 100) / (10 (1 - rate)):
# at 1 % 90.909, at 2 % 91.837 (0.928 nearer), at 5 % 94.737 (3.828 nearer).


def test_new_tiers_are_told_once_for_a_day_and_end_without_a_word():
    watch = Watch(TierChange())
    watch.see("100", 0)
    watch.see("100", 10, tiers=one_tier("0.02"))
    assert watch.told == [(10, NotifyReason.FIRST, "warning")]
    assert "New maintenance tiers moved liquidation nearer by 1.0 % of the price." in watch.bodies[0]
    assert watch.titles[0] == "WARNING: BTC/USDT long new tiers, liq 8.1 % away"
    assert watch.memory.positions[key()].tiers_moved == (D(900) / D("9.8") - D(900) / D("9.9")) / 100
    watch.see("100", 3600, tiers=one_tier("0.02"))
    assert not is_near(watch.memory, "main")
    watch.see("100", 10 + DAY, tiers=one_tier("0.02"))
    assert watch.memory.alerts == {}
    assert len(watch.told) == 1


def test_new_tiers_are_critical_when_they_take_over_a_third_of_the_way():
    watch = Watch(TierChange())
    watch.see("100", 0)
    # 3.828 of the 9.091 that there were
    watch.see("100", 10, tiers=one_tier("0.05"))
    assert watch.told == [(10, NotifyReason.FIRST, "critical")]


def test_two_changes_within_a_day_count_together_and_a_change_back_is_no_news():
    watch = Watch(TierChange())
    watch.see("100", 0)
    watch.see("100", 10, tiers=one_tier("0.02"))
    watch.see("100", 20, tiers=one_tier("0.05"))
    assert watch.told == [(10, NotifyReason.FIRST, "warning"), (20, NotifyReason.WORSENED, "critical")]
    watch.see("100", 30, tiers=one_tier())
    assert watch.memory.positions[key()].tiers_moved == 0
    assert watch.memory.alerts == {}
    watch.see("100", 30 + DAY, tiers=one_tier("0.02"))
    assert watch.told[-1] == (30 + DAY, NotifyReason.FIRST, "warning")


def test_tiers_that_help_or_are_the_same_or_not_known_say_nothing():
    watch = Watch(TierChange())
    watch.see("100", 0, tiers=one_tier("0.02"))
    watch.see("100", 10, tiers=one_tier("0.02"))  # another object, the same table
    assert watch.memory.positions[key()].tiers_since is None
    watch.see("100", 20)
    moved = watch.memory.positions[key()].tiers_moved
    assert moved is not None
    assert moved < 0
    watch.see("100", 30, tiers=None)
    watch.see("100", 40, tiers=one_tier("0.05"))
    assert watch.told == []


def test_a_shorts_liquidation_comes_nearer_from_above():
    watch = Watch(TierChange())
    short = {"side": Side.SHORT}
    watch.see("100", 0, **short)
    watch.see("100", 10, tiers=one_tier("0.02"), **short)
    assert watch.told == [(10, NotifyReason.FIRST, "warning")]
    # (1000 + 100) / (10 (1 + rate)): 108.911 -> 107.843
    assert watch.memory.positions[key(side=Side.SHORT)].tiers_moved == (D(1100) / D("10.1") - D(1100) / D("10.2")) / 100


def test_a_liquidation_price_that_comes_or_goes_counts_as_the_whole_way():
    watch = Watch(TierChange())
    # margin 1010 for a value of 1000: 10 are left when the price is 0
    covered = {"isolated_margin": D(1010)}
    watch.see("100", 0, tiers=one_tier("0.02"), **covered)
    watch.see("100", 10, tiers=one_tier("0.03"), **covered)
    assert watch.memory.positions[key()].tiers_moved == 0
    # margin 999: (1000 - 999) / 10 = 0.1 is the end; under tiers of 100 % every price is
    nearly = {"isolated_margin": D(999)}
    watch = Watch(TierChange())
    watch.see("100", 0, tiers=one_tier("0"), **nearly)
    watch.see("100", 10, tiers=one_tier("1"), **nearly)
    assert watch.memory.positions[key()].tiers_moved == D("0.999")
    assert watch.told == [(10, NotifyReason.FIRST, "critical")]


def test_tiers_under_which_nothing_liquidates_any_more_are_no_news():
    watch = Watch(TierChange())
    # margin 999: ends at 0.1; with 5 off the requirement there is headroom 4 even at a price of 0
    nearly = {"isolated_margin": D(999)}
    (tier,) = one_tier().tiers
    kinder = TierTable(basis=TierBasis.NOTIONAL, tiers=(replace(tier, deduction=D(5)),))
    watch.see("100", 0, **nearly)
    watch.see("100", 10, tiers=kinder, **nearly)
    assert watch.memory.positions[key()].tiers_moved == -1
    watch.see("100", 20, **nearly)
    assert watch.told == []


def test_an_announced_change_is_told_and_ends_without_a_word():
    watch = Watch(TierChange())
    watch.see("100", 0, degraded=("risk_limit_changes",))
    assert watch.told == [(0, NotifyReason.FIRST, "warning")]
    assert "going to change the maintenance tiers: liquidation may move nearer." in watch.bodies[0]
    watch.see("100", 10)
    assert watch.memory.alerts == {}
    assert len(watch.told) == 1


def test_tiers_of_another_life_are_no_news():
    watch = Watch(TierChange())
    watch.see("100", 0, opened="1")
    watch.see("100", 10, opened="2", tiers=one_tier("0.05"))
    assert watch.titles == []


def test_the_time_of_new_tiers_moves_with_the_clock():
    watch = Watch(TierChange())
    watch.see("100", 0)
    watch.see("100", 10, tiers=one_tier("0.02"))
    moved = shifted(watch.memory, timedelta(hours=1))
    assert moved.positions[key()].tiers_since == at(3610)


def test_dust_has_no_news():
    watch = Watch(TierChange(), ExchangeAutoAdd())
    watch.policy = replace(watch.policy, dust={"USDT": D(5000)})
    watch.see("100", 0)
    watch.see("100", 10, tiers=one_tier("0.05"), exchange_adds_margin=True)
    assert watch.told == []


def test_a_thin_start_is_told_once_and_again_when_it_falls_to_a_line():
    # buffer (10 m - 900) / (m / 10): 2.15 at 92, 1.93 at 91.8
    watch = Watch(ThinBuffer(at_open=D(3), warning=D(2)))
    watch.see("92", 0)
    assert watch.told == [(0, NotifyReason.FIRST, "warning")]
    assert "Equity is 2.1 times what the exchange wants (wanted: 3 times)." in watch.bodies[0]
    watch.see("92", 7200)
    assert len(watch.told) == 1
    watch.see("91.8", 7210)
    assert watch.told[1:] == [(7210, NotifyReason.WORSENED, "warning")]


def test_a_position_that_was_opened_well_is_not_told_for_the_line_at_open():
    watch = Watch(ThinBuffer(at_open=D(3), warning=D(2)))
    watch.see("100", 0)
    watch.see("92", 10)
    assert watch.told == []


def test_a_difference_is_told_after_its_hold_with_both_figures_and_ends_without_a_word():
    watch = Watch(ExchangeDisagrees())
    differs = {"says": ExchangeSays(requirement=D("10.5"), liquidation_price=D(92))}
    for seconds in range(0, 120, 10):
        watch.see("100", seconds, **differs)
    assert watch.told == []
    watch.see("100", 120, **differs)
    assert [why for _, why, _ in watch.told] == [NotifyReason.FIRST]
    assert "it wants 10.50 USDT, we compute 10.00 USDT; its liquidation price is 92, ours 90.9091" in watch.bodies[0]
    assert watch.titles[0].endswith("BTC/USDT long - the exchange's figures differ")
    assert not is_near(watch.memory, "main")
    watch.see("100", 130)
    watch.see("100", 150)
    assert watch.memory.alerts == {}
    assert len(watch.told) == 1


def test_the_exchanges_own_auto_margin_is_told_once_and_not_when_the_position_is_gone():
    watch = Watch(ExchangeAutoAdd())
    watch.see("100", 0, exchange_adds_margin=True)
    assert watch.told == [(0, NotifyReason.FIRST, "info")]
    assert "The exchange adds margin to it by itself" in watch.bodies[0]
    for seconds in range(10, 7200, 600):
        watch.see("100", seconds, exchange_adds_margin=True)
    watch.take(snapshot(when=at(7300)), 7300)
    decision = watch.take(snapshot(when=at(7310)), 7310)
    assert [why for _, why, _ in watch.told if why is not NotifyReason.GONE] == [NotifyReason.FIRST]
    assert "over" in [one.named for one in decision.commit.rulings]


def test_a_quiet_alert_does_not_spoil_an_all_clear():
    watch = Watch(Cushion(clear_hold=timedelta(0)), ExchangeAutoAdd())
    watch.see("100", 0, exchange_adds_margin=True)
    watch.see("96", 10, exchange_adds_margin=True)
    watch.see("100", 20, exchange_adds_margin=True)
    assert watch.titles[-1].startswith("All clear: BTC/USDT long")
