"""Prices: repeatable, the same at any speed, and what they do to the demo's accounts."""

from __future__ import annotations

import copy
import itertools
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.practice import DEMO, SCENARIOS, Player, build, from_csv
from monitor.practice.engine.accounts import Kind
from monitor.practice.scenarios import Scenario, read_points
from monitor.practice.scenarios.player import speed_at
from tests.practice.engines import TestClock


def played(scenario: Scenario, *, seed: int = 1, step: str = "1") -> Player:
    clock = TestClock()
    player = Player(build(copy.deepcopy(DEMO), clock=clock), scenario, seed=seed, step_seconds=Decimal(step))
    while not player.over:
        clock.at += 1000
        player.step()
    return player


def test_curve_goes_straight_between_its_points_and_jumps_where_two_share_a_second() -> None:
    curve = read_points("0:1 10:0.9 10:0.5 20:0.5")
    assert [curve.at(Decimal(second)) for second in (0, 5, 10, 15, 99)] == [
        Decimal(1),
        Decimal("0.95"),
        Decimal("0.5"),
        Decimal("0.5"),
        Decimal("0.5"),
    ]


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_is_the_same_for_the_same_seed(name: str) -> None:
    scenario = SCENARIOS[name]
    seconds = [Decimal(second) for second in range(0, scenario.seconds, 37)]
    once, again, other = ([scenario.share("BTC", second, seed) for second in seconds] for seed in (1, 1, 2))
    assert once == again
    assert (once == other) is (scenario.noise == 0)
    assert once[0] == 1
    assert min(once) > 0


def test_whipsaw_swings_200_times() -> None:
    scenario = SCENARIOS["whipsaw"]
    shares = [scenario.share("BTC", Decimal(second), 0) for second in range(60, scenario.seconds)]
    level = Decimal("0.96")
    crossings = sum(1 for before, after in itertools.pairwise(shares) if (before < level) is not (after < level))
    assert crossings >= 399  # down and up again in each swing
    assert (min(shares), max(shares)) == (Decimal("0.956"), Decimal("0.964"))


def test_crash_liquidates_some_of_the_demo_and_leaves_some() -> None:
    player = played(SCENARIOS["crash"])
    ends = {
        record.contract.id: record.at
        for account in player.engine.accounts.values()
        for record in account.records
        if record.kind is Kind.TAKEOVER and record.contract
    }
    left = {position.contract.id for account in player.engine.accounts.values() for position in account.positions.values()}
    assert set(ends) == {"BTCUSDT", "ETHUSDT", "ATOM-USDT-SWAP"}
    assert "BTCUSD_PERP" in left
    assert all(player.engine.ledger.total(currency) == 0 for currency in player.engine.ledger.currencies())


def test_calm_liquidates_nobody_and_settles_funding_once() -> None:
    player = played(SCENARIOS["calm"])
    kinds = [record.kind for account in player.engine.accounts.values() for record in account.records]
    assert kinds.count(Kind.FUNDING) == 6
    assert Kind.TAKEOVER not in kinds


def test_speed_holds_until_its_second() -> None:
    pace = [(1500, Decimal(60)), (2300, Decimal(5))]
    assert [speed_at(pace, Decimal(second)) for second in (0, 1499, 1500, 9999)] == [60, 60, 5, 5]


async def test_player_goes_through_every_second_at_any_speed() -> None:
    slow, fast = played(SCENARIOS["gap"]), Player(build(copy.deepcopy(DEMO)), SCENARIOS["gap"], seed=1)
    await fast.play([(0, Decimal(100_000))])
    assert fast.engine.marks == slow.engine.marks


def test_csv_becomes_shares_of_its_first_mean(tmp_path: Path) -> None:
    file = tmp_path / "series.csv"
    file.write_text("ts_ms,open,close\n1000,1,100\n11000,1,80\n31000,1,50\n")
    scenario = from_csv(file, base="BTC")
    # at 10 s the mean of 100 and 80; at 30 s both have left the window of 15 s
    assert [scenario.share("BTC", Decimal(second), 0) for second in (0, 10, 30)] == [1, Decimal("0.9"), Decimal("0.5")]
    assert scenario.share("ETH", Decimal(30), 0) == 1
    assert (scenario.name, scenario.seconds) == ("series", 31)


def test_csv_without_prices_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="no rows"):
        from_csv(file)
