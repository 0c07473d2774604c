"""The engine's and the faults' control calls; they join those of ``control`` behind the same token, and so do ``control_life``'s.

    GET    /control/state               accounts with keys, balances and positions, marks, the ledger, what is played
    POST   /control/accounts            {"name": ..., and an account as in ``world``}
    PATCH  /control/accounts/NAME       {"key_expired", "may_trade", "may_withdraw", "may_transfer", "ip_bound", "margin_mode",
                                        "multi_assets", "fee_rate"}: any of them
    POST   /control/keys                {"account", "name", and a key as in ``world``}: another key of an account, or a new one
    POST   /control/positions           {"account": ..., and a position as in ``world``}
    POST   /control/marks               {"binance BTCUSDT": "100000", ...}
    POST   /control/indexes             the same for index prices, which follow the marks else; null: again
    POST   /control/funding             {"exchange", "contract", "rate"}
    POST   /control/tiers               {"exchange", "contract", "factor"}: the tier table changes
    POST   /control/play                {"scenario": "crash", "speed": "5", "seed": 0}; what was playing ends
    POST   /control/stop                stand still
    GET    /control/faults              {"1": {...}}
    POST   /control/faults              a fault: {"kind": "hang", "exchange", "account", "call", "method", "after", "lasts",
                                        "contract", "times", "amount", "executes"}; kind "refuse" with "lasts" closes the port
                                        itself
    DELETE /control/faults[/NUMBER]     take one out, or all

What cannot be done answers 400 with ``{"error": ...}``.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aiohttp import web

from monitor.errors import MargincallError
from monitor.practice.control_life import LifeControl
from monitor.practice.engine.accounts import Account
from monitor.practice.engine.exchange import PracticeExchange
from monitor.practice.faults import Fault, FaultKind
from monitor.practice.scenarios import SCENARIOS
from monitor.practice.scenarios.player import Player
from monitor.practice.wire.source import EngineSource
from monitor.practice.wire.view import views
from monitor.practice.world import RIGHTS, add_account, open_position

if TYPE_CHECKING:
    from monitor.practice.server import PracticeServer

EVENT_AMOUNTS = (
    "quantity",
    "left",
    "price",
    "mark",
    "profit",
    "fee",
    "penalty",
    "amount",
    "into_margin",
    "free_change",
    "margin",
)
"""What an event of the state says in numbers; see ``Record``."""


class EngineControl:
    """Control over the engine behind one server; without an engine its calls answer 400."""

    def __init__(self, server: PracticeServer) -> None:
        self._server = server
        self._life = LifeControl(lambda: self.engine)
        self._playing: asyncio.Task[None] | None = None
        self.player: Player | None = None

    @property
    def engine(self) -> PracticeExchange:
        """The engine; ValueError where the server replays."""
        if not isinstance(self._server.source, EngineSource):
            raise ValueError("this server has no engine")  # noqa: TRY004 - told to the caller as 400
        return self._server.source.exchange

    async def state(self, _: Any, __: str) -> Any:
        """Everything, as JSON."""
        engine = self.engine
        return {
            "accounts": {name: self._account(account) for name, account in engine.accounts.items()},
            "marks": {f"{exchange} {name}": str(mark) for (exchange, name), mark in engine.marks.items()},
            "ledger": {c: {p: str(a) for p, a in places.items()} for c, places in engine.ledger.places().items()},
            "playing": None
            if self.player is None
            else {"scenario": self.player.scenario.name, "second": str(self.player.second)},
        }

    def _account(self, account: Account) -> dict[str, Any]:
        engine = self.engine
        return {
            "exchange": account.exchange,
            "api_key": account.api_key,
            "secret": account.secret,
            "passphrase": account.passphrase,
            "keys": {name: asdict(key) for name, key in account.keys.items()},
            "free": {currency: str(engine.free(account, currency)) for currency in engine.currencies(account)},
            "positions": [
                {
                    "contract": view.position.contract.id,
                    "slot": view.position.slot,
                    "side": "long" if view.position.long else "short",
                    "quantity": str(view.position.quantity),
                    "entry": str(view.position.entry),
                    "mark": str(view.mark),
                    "leverage": str(view.position.leverage),
                    "mode": view.position.mode,
                    "auto_margin": view.position.auto_add,
                    "margin": str(view.stake.margin),
                    "profit": str(view.profit),
                    "requirement": str(view.requirement),
                    "liquidation_price": None if view.liquidation is None else str(view.liquidation),
                    "tier": view.tier + 1,
                }
                for view in views(engine, account)
            ],
            "events": [
                {
                    "at": record.at,
                    "kind": record.kind,
                    "contract": record.contract.id if record.contract else None,
                    "slot": record.slot,
                    **{name: str(getattr(record, name)) for name in EVENT_AMOUNTS},
                }
                for record in account.records
            ],
        }

    async def accounts(self, body: Any, _: str) -> Any:
        """A new account."""
        account = add_account(self.engine, body["name"], body)
        return {"api_key": account.api_key, "secret": account.secret, "passphrase": account.passphrase}

    async def change_account(self, body: Any, name: str) -> Any:
        """Flags of an account."""
        account = self.engine.account(name)
        for flag in ("key_expired", "multi_assets", *RIGHTS):
            if flag in body:
                setattr(account, flag, bool(body[flag]))
        account.margin_mode = body.get("margin_mode", account.margin_mode)
        account.fee_rate = Decimal(str(body.get("fee_rate", account.fee_rate)))
        return {}

    async def keys(self, body: Any, _: str) -> Any:
        """Another key."""
        key = {name: value for name, value in body.items() if name not in {"account", "name"}}
        return asdict(self.engine.add_key(body["account"], body["name"], **key))

    async def positions(self, body: Any, _: str) -> Any:
        """Open one."""
        return {"id": open_position(self.engine, body["account"], body).id}

    async def marks(self, body: Any, _: str) -> Any:
        """Move marks; how many liquidation steps that caused."""
        marks = {}
        for name, price in body.items():
            exchange, _, contract = name.partition(" ")
            marks[exchange, self.engine.contract(exchange, contract).id] = Decimal(str(price))
        return {"liquidations": len(self.engine.set_marks(marks))}

    async def indexes(self, body: Any, _: str) -> Any:
        """Set index prices apart from the marks, or let them follow again."""
        for name, price in body.items():
            exchange, _, contract = name.partition(" ")
            key = exchange, self.engine.contract(exchange, contract).id
            if price is None:
                self.engine.indexes.pop(key, None)
            else:
                self.engine.indexes[key] = Decimal(str(price))
        return {}

    async def funding(self, body: Any, _: str) -> Any:
        """Settle funding of one contract now."""
        self.engine.settle_funding(body["exchange"], body["contract"], Decimal(str(body["rate"])))
        return {}

    async def tiers(self, body: Any, _: str) -> Any:
        """Change a tier table."""
        self.engine.change_tiers(body["exchange"], body["contract"], Decimal(str(body["factor"])))
        return {}

    async def play(self, body: Any, _: str) -> Any:
        """Begin a scenario."""
        if body["scenario"] not in SCENARIOS:
            raise ValueError(f"scenarios: {', '.join(SCENARIOS)}")
        await self.stop(None, "")
        self.player = Player(self.engine, SCENARIOS[body["scenario"]], seed=int(body.get("seed", 0)))
        self._playing = asyncio.create_task(self.player.play([(0, Decimal(str(body.get("speed", "1"))))]))
        return {}

    async def stop(self, _: Any, __: str) -> Any:
        """End what is playing."""
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)
            self._playing = None
        return {}

    async def faults(self, _: Any, __: str) -> Any:
        """What is in."""
        placed = self._server.faults.placed()
        return {str(number): {k: str(v) for k, v in asdict(fault).items() if v is not None} for number, fault in placed.items()}

    async def add_fault(self, body: Any, _: str) -> Any:
        """Put one in."""
        if body.get("kind") == "refuse":
            await self._server.refuse(float(body["lasts"]))
            return {}
        amounts = {n: Decimal(str(body[n])) for n in ("after", "lasts", "amount", "executes") if body.get(n) is not None}
        names = {n: str(body[n]) for n in ("exchange", "account", "call", "method", "contract") if body.get(n) is not None}
        times = int(body["times"]) if body.get("times") is not None else None
        return {"number": self._server.faults.add(Fault(kind=FaultKind(body["kind"]), times=times, **names, **amounts))}  # type: ignore[arg-type]

    async def lift(self, _: Any, number: str) -> Any:
        """Take one out, or all."""
        if number:
            self._server.faults.lift(int(number))
        else:
            self._server.faults.clear()
        return {}

    def routes(self) -> list[tuple[str, str, Any]]:
        """Method, path and what does it: a coroutine function of the JSON body and the last part of the path."""
        return [
            ("GET", "/control/state", self.state),
            ("POST", "/control/accounts", self.accounts),
            ("PATCH", "/control/accounts/{last}", self.change_account),
            ("POST", "/control/keys", self.keys),
            ("POST", "/control/positions", self.positions),
            ("POST", "/control/marks", self.marks),
            ("POST", "/control/indexes", self.indexes),
            ("POST", "/control/funding", self.funding),
            ("POST", "/control/tiers", self.tiers),
            ("POST", "/control/play", self.play),
            ("POST", "/control/stop", self.stop),
            ("GET", "/control/faults", self.faults),
            ("POST", "/control/faults", self.add_fault),
            ("DELETE", "/control/faults", self.lift),
            ("DELETE", "/control/faults/{last}", self.lift),
            *self._life.routes(),
        ]


def as_handler(action: Any) -> Any:
    """An aiohttp handler of one control action; what the action cannot do is a 400."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json() if request.can_read_body else {}
            return web.json_response(await action(body, request.match_info.get("last", "")))
        except KeyError as error:
            return web.json_response({"error": f"missing: {error.args[0]}"}, status=400)
        except (ArithmeticError, ValueError, TypeError, AttributeError, MargincallError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return handle
