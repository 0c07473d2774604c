"""The exchange's side of the demo: the engine with its accounts, the scenario on it, and everything that it did to positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from monitor.demo.program import Guarded
from monitor.demo.script import POLLS, Script
from monitor.demo.urgency import CountedSource, Watch
from monitor.practice import DEMO, Player, PracticeServer, build
from monitor.practice.engine.accounts import Account, Key, Kind, Position, Record
from monitor.practice.engine.contracts import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One position at the beginning of the demo: who holds what. ``id`` is the engine's; ``tier`` counts from 1.

    ``protected``: margincall may add margin to it.
    """

    id: int
    account: str
    exchange: str
    contract: str
    symbol: str
    side: str
    currency: str
    leverage: Decimal
    inverse: bool
    hedged: bool
    tier: int
    protected: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """How the daemon's books call it: account, unified symbol, side."""
        return self.account, self.symbol, self.side


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that was done to a position at ``second``: a whole takeover, a part of it, or margin added by the daemon."""

    second: Decimal
    holding: Holding
    record: Record

    @property
    def whole(self) -> bool:
        """Nothing is left of the position."""
        return self.record.kind is Kind.TAKEOVER


def _secrets(key: Account | Key, exchange: str) -> dict[str, str]:
    """A key as the configuration asks for it."""
    passphrase = {"passphrase": key.passphrase} if exchange == "okx" else {}
    return {"api_key": key.api_key, "secret": key.secret, **passphrase}


def symbol_of(contract: Contract) -> str:
    """The unified name (ccxt's) of a perpetual contract: ``BTC/USDT:USDT``, ``BTC/USD:BTC``."""
    return f"{contract.base}/{contract.quote}:{contract.settle}"


TWIN = "delta"
"""The account of the protected twin: the same ETH/USDT long 8x on Bybit as beta's, where margincall may add margin."""
WORLD: Mapping[str, Any] = {
    "accounts": {
        **DEMO["accounts"],
        TWIN: {
            "exchange": "bybit",
            "balances": {"USDT": "10000"},
            "positions": [{"contract": "ETHUSDT", "side": "long", "quantity": "5", "leverage": "8"}],
        },
    }
}


class Market:
    """The engine of ``world``, served by ``server``; ``play`` moves it along ``script``. ``acts``: liquidations, in order."""

    def __init__(self, script: Script, world: Mapping[str, Any] = WORLD) -> None:
        self.script = script
        self.engine = build(world)
        self.source = CountedSource(self.engine)
        self.server = PracticeServer(self.source)
        self.acts: list[Act] = []
        self.watch = Watch(self.source)
        self._player = Player(self.engine, script.scenario, seed=script.seed)
        self._read = {name: len(account.records) for name, account in self.engine.accounts.items()}
        self.holdings = tuple(self._holding(p) for account in self.engine.accounts.values() for p in account.positions.values())
        self._by_id = {holding.id: holding for holding in self.holdings}
        self.track: dict[str, list[float]] = {
            base: [] for base in dict.fromkeys(h.symbol.partition("/")[0] for h in self.holdings)
        }

    @property
    def second(self) -> Decimal:
        """Where the scenario is."""
        return self._player.second

    @property
    def rounds(self) -> int:
        """How often every account has been read as a whole."""
        return min(self.source.rounds(name) for name in self.engine.accounts)

    def guarded(self) -> dict[str, Guarded]:
        """The accounts with the keys that the exchange gave them."""
        return {
            name: Guarded(
                exchange=account.exchange,
                poll=POLLS,
                secrets=_secrets(account, account.exchange),
                trade_secrets=_secrets(self.engine.add_key(name, "trade"), account.exchange) if name == TWIN else {},
            )
            for name, account in self.engine.accounts.items()
        }

    def added(self, holding: Holding) -> Decimal:
        """How much margin was added to this position so far."""
        records = self.engine.accounts[holding.account].records
        mine = (record for record in records if record.position_id == holding.id and record.kind is Kind.ADD)
        return sum((record.into_margin for record in mine), Decimal(0))

    def open_positions(self) -> dict[int, Position]:
        """What is open now, by the engine's id."""
        return {p.id: p for account in self.engine.accounts.values() for p in account.positions.values()}

    def change(self, base: str) -> Decimal:
        """How far the mark of ``base`` is from where it started, as a share."""
        key = next(key for key, contract in self.engine.contracts.items() if contract.base == base)
        return self.engine.marks[key] / self.engine.contracts[key].start - 1

    def cost(self, holding: Holding) -> Decimal:
        """What the account won or lost by this position so far, fees and funding included, without what is unrealised."""
        records = self.engine.accounts[holding.account].records
        return sum((record.own_change for record in records if record.position_id == holding.id), Decimal(0))

    async def play(self, after_step: Callable[[], None]) -> None:
        """The whole scenario at its pace."""

        def note(_: Player) -> None:
            self._note_acts()
            self.watch.look()
            after_step()

        await self._player.play(self.script.pace, after_step=note)

    def _note_acts(self) -> None:
        for name, account in self.engine.accounts.items():
            for record in account.records[self._read[name] :]:
                if record.kind in {Kind.CUT, Kind.TAKEOVER, Kind.ADD}:
                    self.acts.append(Act(second=self.second, holding=self._by_id[record.position_id], record=record))
            self._read[name] = len(account.records)
        for base, points in self.track.items():
            points.append(float(self.change(base)))

    def _holding(self, position: Position) -> Holding:
        engine, contract = self.engine, position.contract
        account = engine.accounts[position.account]
        sides = {p.long for p in account.positions.values() if p.contract.id == contract.id}
        stake = engine.stake(position)
        return Holding(
            id=position.id,
            account=position.account,
            exchange=contract.exchange,
            contract=contract.id,
            symbol=symbol_of(contract),
            side="long" if position.long else "short",
            currency=contract.settle,
            leverage=position.leverage,
            inverse=contract.inverse,
            hedged=len(sides) > 1,
            tier=engine.terms[contract.exchange].tier(stake, engine.mark(contract)) + 1,
            protected=position.account == TWIN,
        )
