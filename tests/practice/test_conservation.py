"""Money is conserved to the last unit, whatever happens in whatever order; and what the wires tell adds up to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.practice.engine.accounts import Account, Mode, Position, Slot
from monitor.practice.engine.contracts import Contract
from monitor.practice.engine.exchange import PracticeExchange
from monitor.practice.engine.refusal import Refused
from monitor.practice.tiers import table
from monitor.practice.wire import binance_history, bybit_history, okx_history
from monitor.practice.wire.route import Request
from tests.practice.engines import LADDER, contract, exchange

EXCHANGES = ("binance", "bybit", "okx")
IN_CONTRACTS = table(("0.1", "0.004", 100), ("0.3", "0.02", 25), ("1", "0.05", 10), ("9", "0.1", 5), continuous=False)
IN_INVERSE_CONTRACTS = table(
    ("5000", "0.004", 100), ("20000", "0.02", 25), ("50000", "0.05", 10), ("900000", "0.1", 5), continuous=False
)
IN_COIN = table(("0.05", "0.004", 100), ("0.2", "0.05", 10), ("9", "0.1", 5))
ACTIONS = st.tuples(
    st.sampled_from(
        [
            *("mark", "mark", "mark", "funding", "margin", "open", "open", "close", "deposit", "grow", "shrink", "flip"),
            *("leverage", "auto_on", "auto_off", "cross", "deleverage", "deleverage_part", "deliver", "open_cross"),
        ]
    ),
    st.integers(min_value=-4000, max_value=4000),
)


def listed(name: str, *, inverse: bool) -> Contract:
    pair = "BTC-USD" if inverse else "BTC-USDT"
    contract_id = f"{pair}-SWAP" if name == "okx" else pair.replace("-", "") + ("_PERP" if inverse and name == "binance" else "")
    of_okx, others = (IN_CONTRACTS, IN_INVERSE_CONTRACTS), (LADDER, IN_COIN)  # no deductions on OKX
    tiers = (of_okx if name == "okx" else others)[inverse]
    return replace(contract(name, inverse=inverse, tiers=tiers), id=contract_id)


def act(engine: PracticeExchange, action: str, number: int) -> None:
    """Do ``action`` on every contract, sized by ``number``; what is refused changes nothing."""
    for (name, contract_id), traded in engine.contracts.items():
        account = engine.account(f"{name}-main")
        # The one slot, or in hedge mode one of the two that are open.
        open_slots = [held for its, held in account.positions if its.split()[0] == contract_id] or [Slot.NET]
        slot = open_slots[number % len(open_slots)]
        before, count = engine.ledger.places(), len(account.records)
        try:
            do(engine, account, traded, slot, action, number)
        except Refused:
            assert (engine.ledger.places(), len(account.records)) == (before, count)
        if action not in {"mark", "funding"}:
            engine.judge()


def do(engine: PracticeExchange, account: Account, traded: Contract, slot: Slot, action: str, number: int) -> None:
    worth = Decimal(number) / (100_000 if traded.inverse else 1)
    size = Decimal(1 + abs(number) % 400) * 100 if traded.inverse else Decimal(1 + abs(number) % 400) / 400
    mark, place = engine.mark(traded), (account.name, traded.id, slot)
    # Fills at up to 40 % beside the mark: some lose more than the margin.
    price = round(mark * (10000 + number) / 10000, 6)
    leverage = Decimal(1 + abs(number) % 50)
    actions: dict[str, Callable[[], Any]] = {
        "mark": lambda: engine.set_marks({(traded.exchange, traded.id): price}),
        "funding": lambda: engine.settle_funding(traded.exchange, traded.id, Decimal(number) / 100_000),
        "margin": lambda: engine.change_margin(*place, worth),
        "open": lambda: engine.open(account.name, traded.id, long=number % 2 == 0, quantity=size, leverage=leverage),
        "open_cross": lambda: engine.open(
            account.name, traded.id, long=number % 2 == 0, quantity=size, leverage=leverage, mode=Mode.CROSS
        ),
        "close": lambda: engine.close(*place),
        "deposit": lambda: engine.deposit(account.name, traded.settle, worth / 10),
        "grow": lambda: engine.grow(*place, quantity=size, price=price),
        "shrink": lambda: engine.close(*place, quantity=size / 3, price=price),
        "flip": lambda: engine.flip(account.name, traded.id, quantity=size, price=price),
        "leverage": lambda: engine.set_leverage(*place, leverage),
        "auto_on": lambda: engine.set_auto_add(*place),
        "auto_off": lambda: engine.set_auto_add(*place, on=False),
        "cross": lambda: engine.set_cross(*place),
        "deleverage": lambda: engine.deleverage(*place, price=price),
        "deleverage_part": lambda: engine.deleverage(*place, quantity=size / 7, price=price),
        "deliver": lambda: engine.deliver(traded.exchange, traded.id, price),
    }
    actions[action]()


@settings(max_examples=120, deadline=None)
@example(actions=[("open", 239), ("funding", -2501)], hedge=False)
@example(actions=[("open", 2045), ("mark", -41), ("funding", -3244)], hedge=False)
@given(actions=st.lists(ACTIONS, max_size=40), hedge=st.booleans())
def test_money_is_conserved_to_the_last_unit(actions: list[tuple[str, int]], hedge: bool) -> None:
    engine = exchange(*(listed(name, inverse=inverse) for name in EXCHANGES for inverse in (False, True)))
    for name in EXCHANGES:
        engine.add_account(f"{name}-main", name, balances={"USDT": "2000", "BTC": "0.5"}, hedge=hedge)
    for action, number in [("open", 200), *actions]:
        act(engine, action, number)
    for account in engine.accounts.values():
        for currency in ("USDT", "BTC"):
            assert engine.ledger.total(currency) == 0
            records = [record for record in account.records if record.currency == currency]
            free, wallet = engine.free(account, currency), engine.wallet(account, currency)
            assert free >= 0
            assert sum((record.own_change for record in records), Decimal(0)) == wallet
            assert sum((record.free_change for record in records), Decimal(0)) == free
            assert told(engine, account, currency) == {"wallet": wallet} | ({"free": free} if account.exchange == "okx" else {})
        for position in account.positions.values():
            moved = [record.into_margin for record in account.records if record.position_id == position.id]
            assert sum(moved, Decimal(0)) == engine.margin(position)
            if (
                position.mode is Mode.ISOLATED
            ):  # what is left is not liquidated; funding may take more than margin that profit covers
                stake, mark = engine.stake(position), engine.mark(position.contract)
                assert stake.equity(mark) > engine.terms[account.exchange].requirement(stake, mark) > 0
            assert position.mode is Mode.ISOLATED or engine.margin(position) == 0
            if account.exchange != "bybit":
                assert margin_told(engine, account, position) == engine.margin(position)


def request(engine: PracticeExchange, account: Account, **params: str) -> Request:
    return Request(exchange=engine, caller=account, params=params, at=engine.clock())


def told(engine: PracticeExchange, account: Account, currency: str) -> dict[str, Decimal]:
    """What the account owns, as its records on the wire add up."""
    if account.exchange == "binance":
        coin = currency == "BTC"
        rows = binance_history.income(request(engine, account, limit="100000"), coin=coin)
        return {"wallet": sum((Decimal(row["income"]) for row in rows if row["asset"] == currency), Decimal(0))}
    if account.exchange == "bybit":
        rows = pages(lambda cursor: bybit_history.transaction_log(request(engine, account, currency=currency, **cursor)))
        return {"wallet": sum((Decimal(row["change"]) for row in rows), Decimal(0))}
    rows = okx_history.bills(request(engine, account, ccy=currency, limit="100000"))["data"]
    free = sum((Decimal(row["balChg"]) for row in rows), Decimal(0))
    return {"wallet": free + sum((Decimal(row["posBalChg"]) for row in rows), Decimal(0)), "free": free}


def margin_told(engine: PracticeExchange, account: Account, position: Position) -> Decimal:
    """The margin of a position as its records on the wire add up since it was opened."""
    records = [record for record in account.records if record.position_id == position.id]
    if account.exchange == "okx":
        rows = okx_history.bills(request(engine, account, limit="100000"))["data"]
        ids = {str(record.id) for record in records}
        return sum((Decimal(row["posBalChg"]) for row in rows if row["billId"] in ids), Decimal(0))
    # Binance: what the owner, its fills and Binance itself moved, funding, and what liquidation steps left.
    rest = [record.into_margin for record in records if record.kind in {"funding", "cut"}]
    rows = binance_history.margin_changes(
        request(engine, account, symbol=position.contract.id, limit="100000"), coin=position.contract.inverse
    )
    sides = {Slot.NET: "BOTH", Slot.LONG: "LONG", Slot.SHORT: "SHORT"}
    mine = [row for row in rows if row["positionSide"] == sides[position.slot]]
    ended = sum(
        (
            record.into_margin
            for record in account.records
            if record.contract == position.contract
            and record.slot is position.slot
            and record.position_id != position.id
            and record.kind not in {"funding", "cut", "takeover", "delivery"}
        ),
        Decimal(0),
    )
    signed = [Decimal(row["amount"]) * (1 if row["type"] == 1 else -1) for row in mine]
    return sum([*signed, *rest], Decimal(0)) - ended


def pages(ask: Callable[[dict[str, str]], Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        result = ask(cursor)["result"]
        rows += result["list"]
        if not result["nextPageCursor"]:
            return rows
        cursor = {"cursor": result["nextPageCursor"]}
