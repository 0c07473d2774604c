"""A wave: one fault on some exchanges at once, played on one daemon, and what it says about each cell.

Each exchange has an account that falls ill and a witness that stays well. Both hold two positions: ETH past its warning line from
the beginning, whose alert must live through it all, and BTC, which falls to its emergency line while the fault lasts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from monitor.alerts.notices import family_name
from monitor.alerts.wording import exchange_name
from monitor.practice import FaultKind
from tests.e2e.expectations import TOLERANCE, Problem, Window, between
from tests.e2e.faults.table import Cell, Outcome, Row, Way
from tests.e2e.stage import RULES, Held, Stage
from tests.e2e.timeline import Timeline

FAMILIES = {"binance": ("usdm", "coinm"), "bybit": ("usdt", "usdc", "inverse"), "okx": ("okx",)}
HOLDING = {"binance": "usdm", "bybit": "usdt", "okx": "okx"}
BTC = {"binance": "BTCUSDT", "bybit": "BTCUSDT", "okx": "BTC-USDT-SWAP"}
ETH = {"binance": "ETHUSDT", "bybit": "ETHUSDT", "okx": "ETH-USDT-SWAP"}
SIZES = {"binance": ("0.1", "2"), "bybit": ("0.1", "2"), "okx": ("10", "20")}
# Both 10x. BTC, entry 100,000, margin 1,000: at 98,000 a cushion of about 78 % (no line), at 92,000 of about 16 % (emergency).
# ETH, entry 4,000, margin 800: at 3,800 about 48 % (warning). The requirements are 0.4 to 0.56 %.
CALM, LOW, WARNED = "98000", "92000", "3800"

LIMIT = 2.0
"""The rules: data_stale after 2 s, and where marks freeze, mark_frozen after 2 s."""
FROZEN = "{kind: mark_frozen, after: 2s}"
TICK = 1.0
_BY_ENDPOINT = frozenset({Way.DNS, Way.TLS})
FAULT, BREACH, LIFT = 0.5, 1.5, 6.5
BLIND = between(FAULT, FAULT + LIMIT + TICK + 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one cell: no complaints, it passed."""

    cell: Cell
    seconds: float
    complaints: tuple[str, ...]
    story: str = ""


def play(cells: Sequence[Cell], folder: Path) -> list[Result]:
    """Play the cells of one row; their results."""
    row = cells[0].row
    began = time.monotonic()
    freezes = row.kind is FaultKind.FROZEN_MARK
    with Stage(folder, rules=RULES.replace("]", f", {FROZEN}]") if freezes else RULES) as stage:
        for cell in cells:
            _enter(stage, _ill(cell), cell.exchange, contracts="linear, inverse", tls=row.way is Way.TLS)
            _enter(stage, _well(cell), cell.exchange, contracts="linear")
        if freezes:
            stage.stir(ETH)
        opening = ("guarding", *(f"on {name} (" for name in stage.booths))
        line = Timeline(stage, opening=opening)
        _write(line, row, cells)
        problems = line.play()
        problems += [problem for cell in cells for problem in _requests(line, cell)]
        if not problems:
            problems += _document(stage, cells)
        seconds = time.monotonic() - began
        return [_result(cell, problems, seconds, line) for cell in cells]


def _ill(cell: Cell) -> str:
    return f"ill_{cell.exchange}"


def _well(cell: Cell) -> str:
    return f"well_{cell.exchange}"


def _enter(stage: Stage, name: str, exchange: str, *, contracts: str, tls: bool = False) -> None:
    btc, eth = SIZES[exchange]
    stage.account(
        name,
        exchange,
        Held(BTC[exchange], entry="100000", quantity=btc, margin="1000"),
        Held(ETH[exchange], entry="4000", quantity=eth, margin="800"),
        marks={BTC[exchange]: CALM, ETH[exchange]: WARNED},
        contracts=contracts,
        tls=tls,
    )


def _write(line: Timeline, row: Row, cells: Sequence[Cell]) -> None:
    """Everything that happens and must come, for all cells; another endpoint takes a restart at its begin and at its end."""
    for cell in cells:
        _begin(line, row, cell)
    if row.way in _BY_ENDPOINT:
        line.at(FAULT).stop().start()
        line.expect("phone", "margincall stopped", between(FAULT, FAULT))
        line.expect("phone", ("BLIND in", "guarding"), between(FAULT, FAULT))
    for cell in cells:
        line.at(BREACH).price(_ill(cell), BTC[cell.exchange], LOW).price(_well(cell), BTC[cell.exchange], LOW)
        _expect_breach(line, _well(cell), between(BREACH, BREACH + 0.5))
        _expect(line, cell)
        _end(line, row, cell)
    if row.way in _BY_ENDPOINT:
        line.at(LIFT).stop().start()
        line.expect("phone", "margincall stopped", between(LIFT, LIFT))
        line.expect("phone", "guarding", between(LIFT, LIFT))


def _begin(line: Timeline, row: Row, cell: Cell) -> None:
    moment, booth = line.at(FAULT), line.stage.booths[_ill(cell)]
    match row.way:
        case Way.DNS:
            moment.endpoint(_ill(cell), f"https://{cell.exchange}.invalid:{booth.server.port}")
        case Way.TLS:
            moment.endpoint(_ill(cell), booth.server.tls_url)
        case _:
            contract = BTC[cell.exchange] if row.kind is FaultKind.TIERS else None
            moment.fault(_ill(cell), row.kind, call=row.call, amount=row.amount, contract=contract)


def _end(line: Timeline, row: Row, cell: Cell) -> None:
    if row.way in _BY_ENDPOINT:
        line.at(LIFT).endpoint(_ill(cell), None)
    else:
        line.at(LIFT).lift(_ill(cell))


def _expect(line: Timeline, cell: Cell) -> None:
    """What must come about the account that is ill, and what must be true all the while."""
    right, name = cell.right, _ill(cell)
    back = between(LIFT, LIFT + right.recovery + 0.5)
    at_once = between(BREACH, BREACH + 0.5)
    families = [HOLDING[cell.exchange]] if right.held_only else FAMILIES[cell.exchange]
    if right.outcome in {Outcome.BLIND, Outcome.BANNED}:
        for family in families:
            where = (f"{name} ({exchange_name(cell.exchange)}", family_name(family))
            line.expect("phone", ("BLIND: cannot read", *where, right.cause), BLIND, about=name)
            if right.outcome is Outcome.BLIND:
                line.expect("phone", ("Reading again", *where), back, about=name)
    if right.outcome is Outcome.DOUBTED:
        where = (f"{name} ({exchange_name(cell.exchange)}", family_name(HOLDING[cell.exchange]))
        line.expect("phone", ("Mark prices stand still", *where, right.cause), BLIND, about=name)
        line.expect("phone", ("Mark prices move again", *where), back, about=name)
    if right.told:
        line.expect("phone", (right.told, "BTC/USDT long", f"on {name} ("), between(FAULT, FAULT + 1.0), about=name)
    if right.outcome is not Outcome.BANNED:
        _expect_breach(line, name, at_once if right.outcome is Outcome.UNHARMED else back)
    line.always(lambda: _false_calm(line.stage, name), between(FAULT, LIFT), about=name)


def _expect_breach(line: Timeline, account: str, window: Window) -> None:
    line.expect("phone", ("EMERGENCY: BTC/USDT long", f"on {account} ("), window, about=account)


def _false_calm(stage: Stage, name: str) -> str:
    """What `positions --json` shows that is calmer than what is known; empty for nothing."""
    document = stage.document()
    (account,) = (one for one in document["accounts"] if one["name"] == name)
    shown = [one for one in document["positions"] if one["account"] == name]
    if len(shown) != 2:
        return f"{name} has {len(shown)} positions, 2 are open"
    most = LIMIT + TICK + TOLERANCE
    for family in account["families"]:
        age = family["age_seconds"]
        if family["state"] == "ok" and (age is None or age > most):
            return f"{name} {family['name']} is shown as ok, {age} s old"
    if account["state"] == "ok" and account["age_seconds"] > most:
        return f"{name} is shown as ok, {account['age_seconds']} s old"
    blind = account["state"] in {"stale", "blind"}
    calm = [one["symbol"] for one in shown if one["state"] in {"ok", "warning"}]
    holding = HOLDING[stage.booths[name].exchange]
    if blind and calm and next(one["state"] for one in account["families"] if one["name"] == holding) != "ok":
        return f"{name} cannot be read, and {calm} are shown as if it could"
    return ""


def _requests(line: Timeline, cell: Cell) -> list[Problem]:
    """No request during a ban, and polls at their pace where nothing ails them."""
    name, silence = _ill(cell), cell.right.silence
    since_boot = time.time() - time.monotonic()
    calls = [(call.at / 1000 - since_boot, call.path) for call in line.stage.calls(name)]
    since = [at for at, _ in calls if line.seconds(at) >= FAULT]
    if silence:
        # what was on its way already when the ban came is no breach of it
        early = [at for at in since if since[0] + 0.5 < at < since[0] + silence - 0.05]
        if early:
            text = f"{len(early)} requests during the ban of {silence} s, the first {early[0] - since[0]:.2f} s after it came"
            return [Problem(text=text, about=name)]
    if cell.right.outcome is Outcome.UNHARMED:
        polls = sum(1 for at, path in calls if "osition" in path and FAULT <= line.seconds(at) <= LIFT)
        wanted = (LIFT - FAULT) / 0.6
        if polls < wanted:
            return [Problem(text=f"only {polls} polls in {LIFT - FAULT:.0f} s, {wanted:.0f} wanted", about=name)]
    return []


def _document(stage: Stage, cells: Sequence[Cell]) -> list[Problem]:
    """What `positions --json` prints at the end, asked of the real command."""
    document = json.loads(stage.program.run("positions", "--json"))
    problems = []
    for cell in cells:
        (btc,) = (one for one in document["positions"] if one["account"] == _ill(cell) and one["symbol"] == "BTC/USDT:USDT")
        wrong = _wrong_at_the_end(cell, btc)
        if wrong:
            problems.append(Problem(text=wrong, about=_ill(cell)))
    return problems


def _wrong_at_the_end(cell: Cell, btc: dict[str, Any]) -> str:
    if cell.right.outcome is Outcome.BANNED:
        return "" if btc["state"] == "stale" else f"banned, and BTC is shown as {btc['state']}"
    if btc["state"] != "emergency" or Decimal(btc["mark_price"]) != Decimal(LOW):
        return f"at the end BTC is shown as {btc['state']} at {btc['mark_price']}"
    if cell.row.kind is FaultKind.TIERS:
        # twice the 0.4 or 0.5 % of the lowest tier, the fee terms not doubled
        rate = Decimal(btc["maintenance_rate"])
        if btc["diverges"] or rate < Decimal("0.008"):
            return f"the new tiers are not in force: maintenance rate {rate}, diverges {btc['diverges']}"
    return ""


def _result(cell: Cell, problems: Sequence[Problem], seconds: float, line: Timeline) -> Result:
    """The cell with what concerns it: its own account, any witness, or nobody in particular."""
    others = {f"ill_{other}" for other in FAMILIES if other != cell.exchange}
    mine = [problem for problem in problems if not _concerns(problem, others)]
    story = line.told(mine) if mine else ""
    return Result(cell=cell, seconds=seconds, complaints=tuple(problem.text for problem in mine), story=story)


def _concerns(problem: Problem, names: set[str]) -> bool:
    text = problem.arrival.text if problem.arrival is not None else ""
    return problem.about in names or any(f"{name} (" in text for name in names)
