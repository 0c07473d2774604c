"""What a person asks about margins over the control socket."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.daemon.control import Verb
from monitor.daemon.margin_verbs import find, margin_verbs_of
from monitor.errors import TopUpRefused
from monitor.margin.position import Side
from monitor.topups.ledger import IntentState
from tests.builders import policy, position, snapshot
from tests.daemon.guarding import Post
from tests.topups import planning


class Desk:
    """A guard with one calm long and a policy, and its verbs. ``poked``: how often something was ordered."""

    def __init__(self, folder: Path) -> None:
        rules = replace(policy(), top_ups=replace(planning.TOP_UPS, policies=(planning.policy(),)))
        self.post = Post(rules)
        self.guard = self.post.guard
        self.guard.memory = replace(self.guard.memory, top_ups=planning.MEMORY)
        self.stop_file = folder / "STOP"
        self.poked = 0
        self.verbs: dict[str, Verb] = margin_verbs_of(self.guard, self.post.clock, self.stop_file, self._poke)

    async def read(self, *more: Any) -> None:
        await self.guard.take(snapshot(position("100"), *more, when=self.post.clock.now(), free={"USDT": Decimal(500)}))

    async def ask(self, verb: str, **fields: Any) -> dict[str, Any]:
        return await self.verbs[verb](fields)

    def _poke(self) -> None:
        self.poked += 1


async def test_a_change_is_proposed_with_before_and_after_and_ordered_as_it_was_shown(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.read()
    told = await desk.ask("margin.propose", symbol="btc/usdt", amount="50")
    # 10 coins at 100 with 100 of margin; 50 more: equity 150, and liquidation where 150 - 10 (100 - p) = 0.1 p
    assert (told["before"]["equity"], told["after"]["equity"], told["after"]["free"]) == ("100", "150", "450")
    assert told["after"]["liquidation_price"].startswith("85.85")
    exactly = {name: told[name] for name in ("symbol", "account", "side", "amount", "epoch", "contracts")}
    with pytest.raises(TopUpRefused, match="has changed since"):
        await desk.ask("margin.order", **{**exactly, "contracts": "9"})
    ordered = await desk.ask("margin.order", **exactly)
    assert desk.poked == 1
    (intent,) = desk.guard.memory.top_ups.intents.values()
    assert (intent.id, intent.amount, intent.policy, intent.state) == (ordered["intent"], Decimal(50), "", IntentState.PLANNED)
    shown = await desk.ask("margin.intent", intent=intent.id)
    assert (shown["state"], shown["open"], shown["after"]) == ("PLANNED", True, None)
    with pytest.raises(TopUpRefused, match="no such change"):
        await desk.ask("margin.intent", intent="other")


async def test_the_switches_work_and_say_why_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.ask("topups.stop")
    desk.stop_file.touch()
    with pytest.raises(TopUpRefused, match="take it away first"):
        await desk.ask("topups.start")
    assert desk.guard.memory.top_ups.stopped_at is not None
    desk.stop_file.unlink()
    await desk.ask("topups.start")
    assert desk.guard.memory.top_ups.stopped_at is None
    await desk.ask("topups.pause", name="btc_guard")
    assert set(desk.guard.memory.top_ups.paused) == {"btc_guard"}
    await desk.ask("topups.resume", name="btc_guard")
    assert not desk.guard.memory.top_ups.paused
    with pytest.raises(TopUpRefused, match="did you mean btc_guard"):
        await desk.ask("topups.pause", name="btc_gard")


async def test_the_last_stand_is_what_all_that_is_left_would_do(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.read()
    (told,) = (await desk.ask("topups.last_stands"))["positions"]
    # 500 free, less than the caps of 1000: equity 600 - 10 (100 - p) = 0.1 p at p = 400 / 9.9
    assert (told["budget"], told["currency"]) == ("500", "USDT")
    assert told["liquidation_price"].startswith("40.40")


async def test_a_position_is_found_only_where_one_is_meant(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    await desk.read(position("100", side=Side.SHORT))
    memory = desk.guard.memory
    assert find(memory, "BTC/USDT:USDT", "main", "short").side is Side.SHORT
    with pytest.raises(TopUpRefused, match="several positions"):
        find(memory, "BTC/USDT", "", "")
    with pytest.raises(TopUpRefused, match="no open isolated position"):
        find(memory, "ETH/USDT", "", "")
