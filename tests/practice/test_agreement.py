"""Two arithmetics, one answer: the guard's liquidation prices against the practice exchange's, read by the real adapters.

``PRACTICE_POSITIONS`` says how many random positions of each exchange and contract kind are compared (default 60; 1000 is the
whole test). Every tier table is used in every tier, long and short, with margin added, taken out and eaten by funding.
"""

from __future__ import annotations

import os
import random
from decimal import Decimal

import pytest

from monitor.exchanges import load
from monitor.exchanges.pacing import Pacer
from monitor.margin.assessment import assess
from monitor.margin.position import Contract as Kind
from monitor.margin.position import Position as Guarded
from monitor.margin.position import Side
from monitor.margin.reading import FamilySnapshot
from monitor.practice import EngineSource, PracticeExchange, PracticeServer
from monitor.practice.engine.accounts import Position, Slot
from monitor.practice.engine.contracts import CONTRACTS, Contract
from tests.exchanges.loopback import HandClock, access

WANTED = int(os.environ.get("PRACTICE_POSITIONS", "60"))
NAMES = {
    ("binance", False): "{}USDT",
    ("binance", True): "{}USD_PERP",
    ("bybit", False): "{}USDT",
    ("bybit", True): "{}USD",
    ("okx", False): "{}-USDT-SWAP",
    ("okx", True): "{}-USD-SWAP",
}
BASES = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH")


def listed(exchange: str, chance: random.Random) -> list[Contract]:
    """Contracts of both kinds with the exchange's tier tables, prices from 0.01 to 100,000 and ticks to fit."""
    made = []
    for inverse in (False, True):
        tables = list(dict.fromkeys(c.tiers for c in CONTRACTS if (c.exchange, c.inverse) == (exchange, inverse)))
        for number, base in enumerate(BASES):
            magnitude = chance.randint(-2, 4)
            size = {"binance": "100" if inverse else "1", "bybit": "1", "okx": "10" if inverse else "0.1"}[exchange]
            made.append(
                Contract(
                    exchange=exchange,
                    id=NAMES[exchange, inverse].format(base),
                    base=base,
                    quote="USD" if inverse else "USDT",
                    settle=base if inverse else "USDT",
                    inverse=inverse,
                    size=Decimal(size),
                    tick=Decimal(1).scaleb(magnitude - 5),
                    lot=Decimal(1) if inverse else Decimal("0.001"),
                    start=Decimal(chance.randint(1000, 9999)).scaleb(magnitude - 3),
                    tiers=tables[number % len(tables)],
                )
            )
    return made


def open_one(engine: PracticeExchange, contract: Contract, *, long: bool, chance: random.Random) -> None:
    """A position of a random tier: at its own leverage's margin, or with some added or taken out."""
    mark = engine.mark(contract)
    tier = chance.choice(contract.tiers)
    share = Decimal(chance.randint(1, 999)) / 1000
    size = tier.floor + (min(tier.cap, 4 * tier.floor + 10_000) - tier.floor) * share
    lots = (size / contract.tier_size(Decimal(1), mark) / contract.lot).to_integral_value()
    quantity = max(contract.lot, lots * contract.lot)
    leverage = Decimal(chance.randint(1, tier.max_leverage))
    entry = round(mark * (1 + Decimal(chance.randint(-300, 300)) / 10000), 8)
    margin = None
    if chance.random() < 0.5:
        margin = contract.value(quantity, entry) / leverage * Decimal(chance.randint(50, 300)) / 100
    engine.open("main", contract.id, long=long, quantity=quantity, leverage=leverage, entry=entry, margin=margin)


def disagreement(engine: PracticeExchange, held: Position, guarded: Guarded) -> str:
    """What the two say where they differ by more than a hundredth of a tick; empty where they agree.

    A price of less than a tick is none; a price beyond a million times the mark is none.
    """
    ours, theirs = assess(guarded).ours.liquidation_price, engine.liquidation_price(held)
    tick, far = held.contract.tick, 1_000_000 * guarded.mark_price
    edge = Decimal(0) if held.long else far
    a, b = (edge if price is None or price > far else price for price in (ours, theirs))
    return (
        ""
        if abs(a - b) <= tick / 100
        else f"{held.contract.id} {guarded.key.side} ours {ours} theirs {theirs}: {engine.stake(held)}"
    )


async def round_of(engine: PracticeExchange, reader: object, chance: random.Random) -> dict[Kind, list[str]]:
    """Open a position in every slot, read them all, compare, close them."""
    account = engine.account("main")
    for contract in engine.contracts.values():
        two_sided = account.hedge and not (contract.exchange == "bybit" and contract.inverse)
        for long in (True, False) if two_sided else (chance.random() < 0.5,):
            open_one(engine, contract, long=long, chance=chance)
        if chance.random() < 0.3:
            for slot in Slot:
                if (contract.id, slot) in account.positions:
                    _let_funding_eat(engine, account.positions[contract.id, slot], chance)
    found: dict[Kind, list[str]] = {Kind.LINEAR: [], Kind.INVERSE: []}
    for family in reader.families:  # type: ignore[attr-defined]
        reading = await reader.fetch_family(family)  # type: ignore[attr-defined]
        assert isinstance(reading, FamilySnapshot), reading
        for guarded in reading.positions:
            slot = Slot(guarded.key.side.value) if guarded.hedged else Slot.NET
            position = account.positions[guarded.instrument.instrument_id, slot]
            assert (guarded.key.side is Side.LONG) is position.long
            assert guarded.degraded == ()
            found[guarded.instrument.contract].append(disagreement(engine, position, guarded))
    assert sum(len(each) for each in found.values()) == len(account.positions)
    for contract_id, slot in list(account.positions):
        engine.close("main", contract_id, slot)
    return found


def _let_funding_eat(engine: PracticeExchange, position: Position, chance: random.Random) -> None:
    """Move a little margin away without any record that the guard could see."""
    amount = (engine.margin(position) * Decimal(chance.randint(1, 50)) / 1000).quantize(Decimal("1e-8"))
    engine.ledger.move(position.contract.settle, amount, position.place, "funding")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["binance", "bybit", "okx"])
async def test_liquidation_prices_agree_within_a_tick(name: str) -> None:
    chance = random.Random(f"agreement/{name}")
    engine = PracticeExchange(contracts=listed(name, chance))
    plenty = {contract.settle: "1e15" for contract in engine.contracts.values()}
    account = engine.add_account("main", name, balances=plenty, hedge=True)
    clock = HandClock()
    async with PracticeServer(EngineSource(engine, limits=False)) as server:
        way = access(server.url, api_key=account.api_key, secret=account.secret, passphrase=account.passphrase)
        reader = load(name).build(way, Pacer(clock), clock)
        try:
            compared: dict[Kind, list[str]] = {Kind.LINEAR: [], Kind.INVERSE: []}
            while min(len(each) for each in compared.values()) < WANTED:
                for kind, each in (await round_of(engine, reader, chance)).items():
                    compared[kind] += each
        finally:
            await reader.close()
    assert [text for each in compared.values() for text in each if text] == []
