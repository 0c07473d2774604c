"""One Binance futures account: which calls make a reading, and in which order.

Only the positions call is essential. Everything else (instruments, tiers, settings, balances) may fail and marks the
positions instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from monitor.errors import AuthRejected, BadReading, ExchangeFault, NotOpened
from monitor.exchanges.binance import SPEC, parse, terms
from monitor.exchanges.binance.dialect import dialect
from monitor.exchanges.binance.hosts import HOSTS
from monitor.exchanges.binance.keys import key_facts
from monitor.exchanges.binance.orders import parse_orders
from monitor.exchanges.binance.records import read_records
from monitor.exchanges.emptiness import Balances
from monitor.exchanges.family import AccountChecks, AccountReader, FamilyContent, Patience
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.records import Asked, Call, Gathered
from monitor.exchanges.session import Session
from monitor.exchanges.shelf import DAY, UNREADABLE, Shelf
from monitor.exchanges.spec import Access
from monitor.exchanges.stops import RestingOrder, by_symbol
from monitor.exchanges.unread import UnreadRows
from monitor.margin.position import Instrument, Position
from monitor.margin.reading import FamilyKey, KeyFacts, Unguarded
from monitor.ports import CheckLine, Clock

_SETTINGS_AGE = 60.0
_REFUSED_KEY = "-2015"
_FEW = 5
"""So many symbols are asked one by one for their orders (weight 1 each); the list of all of them weighs 40."""


class BinanceReader(AccountReader):
    """The families ``usdm`` and ``coinm`` of one account."""

    def __init__(self, access: Access, pacer: Pacer, clock: Clock) -> None:
        families = SPEC.families_for(access.contracts)
        session = Session(dialect(inverse_only=families == ("coinm",)), access, pacer, clock)
        super().__init__(spec=SPEC, access=access, session=session, clock=clock)
        self._instruments = {name: self._shelf(self._instrument_reader(name)) for name in families}
        self._tiers = {name: self._shelf(self._tier_reader(name)) for name in families}
        self._settings: Shelf[terms.SymbolSetting] = self._shelf(self._read_settings, max_age=_SETTINGS_AGE)
        self._odd: set[str] = set()
        self._key_works = False
        self._coinm_was_read = False

    async def read_family(self, family: str, patience: Patience) -> FamilyContent:
        """All open positions of ``usdm`` or ``coinm``."""
        asked = self.clock.monotonic()
        rows = parse.open_rows(await self._positions(family))
        symbols = {row["symbol"] for row in rows}
        await self._have_terms(family, symbols, patience)
        await self._settle_modes(rows, asked, patience)
        await self._settle_leverage(rows, asked, patience)
        return self._content(family, rows)

    async def read_balances(self, family: str, *, can_wait: bool) -> Balances:
        """The available balance of each margin asset, and what lies in isolated wallets."""
        payload = await self.session.call(HOSTS[family].balance, can_wait=can_wait)
        code = self.session.currency_code
        return Balances(free=parse.parse_free(payload, code), held=parse.parse_held(payload, code))

    async def read_stops(self, family: str, instrument_ids: frozenset[str]) -> Mapping[str, Sequence[RestingOrder]]:
        """The conditional orders of a few symbols by name, else of all; each list must come for the answer to count."""
        few = len(instrument_ids) <= _FEW
        asks: list[Mapping[str, str]] = [{"symbol": symbol} for symbol in sorted(instrument_ids)] if few else [{}]
        found: list[tuple[str, RestingOrder]] = []
        for endpoint in HOSTS[family].orders:
            for ask in asks:
                found += parse_orders(await self.session.call(endpoint, ask, can_wait=True))
        return by_symbol(found, instrument_ids)

    async def read_records(self, asked: Asked, call: Call, found: Gathered) -> None:
        """Trades, forced orders, income and margin changes."""
        await read_records(asked, call, found)

    async def read_key(self) -> KeyFacts | None:
        """The key's rights, from the spot host; demo trading has none."""
        if self.access.demo_trading:
            return None
        return key_facts(await self.session.call("sapiGetAccountApiRestrictions", can_wait=True), account=self.account)

    def term_shelves(self) -> Sequence[Shelf[Any]]:
        """The tiers of both hosts."""
        return tuple(self._tiers.values())

    def account_checks(self) -> AccountChecks:
        """USD-M's modes; COIN-M has no assets mode, and its rows tell the rest."""
        return {"account": self._mode_lines} if "usdm" in self.families else {}

    async def _mode_lines(self) -> Sequence[CheckLine]:
        """Position mode, and whether the account's asset mode allows isolated positions at all."""
        config = await self.session.call("fapiPrivateGetAccountConfig", can_wait=True)
        if not isinstance(config, dict) or not {"dualSidePosition", "multiAssetsMargin"} <= config.keys():
            return [CheckLine(status="warn", topic="account", text="the account's configuration could not be read")]
        mode = "hedge" if terms.is_true(config["dualSidePosition"]) else "one-way"
        lines = [CheckLine(status="ok", topic="position mode", text=mode)]
        if terms.is_true(config["multiAssetsMargin"]):
            text = "multi-assets mode is on: USD-M positions cannot be isolated, so none is guarded"
            lines.append(CheckLine(status="warn", topic="assets mode", text=text))
        else:
            lines.append(CheckLine(status="ok", topic="assets mode", text="single-asset"))
        return lines

    async def _positions(self, family: str) -> Any:
        """The positions call. Raises NotOpened where COIN-M refuses a key that works on USD-M and COIN-M was never read."""
        try:
            payload = await self.session.call(HOSTS[family].positions)
        except AuthRejected as error:
            if family == "coinm" and error.code == _REFUSED_KEY and not self._coinm_was_read and await self._works_on_usdm():
                raise NotOpened("COIN-M refuses a key that USD-M accepts: not opened", code=error.code) from error
            raise
        if family == "coinm":
            self._coinm_was_read = True
        else:
            self._key_works = True
        return payload

    async def _works_on_usdm(self) -> bool:
        """Whether the same key is good on USD-M, asked only until it was."""
        if not self._key_works:
            try:
                await self.session.call(HOSTS["usdm"].positions)
            except ExchangeFault:
                return False
            self._key_works = True
        return True

    async def _have_terms(self, family: str, symbols: set[str], patience: Patience) -> None:
        """Start what is missing, all at once, then wait a little for it."""
        shelves: list[Shelf[Any]] = [self._instruments[family], self._tiers[family]]
        if family == "usdm":
            shelves.append(self._settings)
        for shelf in shelves:
            await shelf.have(symbols)
        for shelf in shelves:
            await shelf.have(symbols, within=patience())

    async def _settle_modes(self, rows: Iterable[Mapping[str, Any]], asked: float, patience: Patience) -> None:
        """Make sure of the margin mode where a row and the setting at hand leave doubt.

        A row with nothing in its isolated wallet is cross, unless its setting says isolated: then only a setting read after
        this poll began counts, because the position may be another one than then.
        """
        doubtful, changed = set(), set()
        for row in rows:
            setting = self._settings.get(row["symbol"])
            try:
                if parse.tells_no_mode(row):
                    if setting is None or setting.isolated:
                        doubtful.add(row["symbol"])
                elif setting is not None and not setting.isolated and parse.row_isolated(row, None):
                    changed.add(row["symbol"])
            except (BadReading, *UNREADABLE):
                continue  # told when the row is parsed
        if doubtful:
            await self._settings.have(doubtful, within=patience(), newer_than=self.clock.monotonic() - asked)
        if changed:
            await self._settings.have(changed, max_age=self.clock.monotonic() - asked)

    async def _settle_leverage(self, rows: Iterable[Mapping[str, Any]], asked: float, patience: Patience) -> None:
        """Read the leverage setting again where a row contradicts it: once for each contradiction, lest a row that always does
        costs a call a poll.
        """
        moved = {row["symbol"] for row in rows if parse.leverage_moved(row, self._settings.get(row["symbol"]))}
        self._odd &= moved
        if new := moved - self._odd:
            age = self.clock.monotonic() - asked
            await self._settings.have(new, within=patience(), newer_than=age)
            self._odd |= {symbol for symbol in new if self._settings.age(symbol) <= self.clock.monotonic() - asked}

    def _content(self, family: str, rows: Iterable[Mapping[str, Any]]) -> FamilyContent:
        """The rows with what is known of their symbols."""
        key = FamilyKey(exchange=self.exchange, account=self.account, family=family)
        contract = HOSTS[family].contract
        instruments, tiers = self._instruments[family], self._tiers[family]
        positions: list[Position] = []
        unguarded: list[Unguarded] = []
        unread = UnreadRows()
        for row in rows:
            symbol = row["symbol"]
            try:
                found = parse.parse_position(
                    row,
                    key=key,
                    contract=contract,
                    instrument=instruments.get(symbol),
                    tiers=tiers.get(symbol),
                    setting=self._settings.get(symbol),
                    currency_code=self.session.currency_code,
                )
            except BadReading as error:
                unread.add(error, name=symbol, why=error.message.removeprefix(f"{symbol}: "))
                continue
            except UNREADABLE as error:
                why = f"its row has not the expected shape ({type(error).__name__})"
                unread.add(BadReading(f"{symbol}: {why}"), name=symbol, why=why)
                continue
            if isinstance(found, Position):
                positions.append(found)
            else:
                unguarded.append(found)
        return FamilyContent(positions=positions, unguarded=[*unguarded, *unread.told(positions)])

    def _instrument_reader(self, family: str) -> Any:
        """How the instruments of a family are read: all in one call."""

        async def read(_symbols: frozenset[str]) -> Mapping[str, Instrument]:
            payload = await self.session.call(HOSTS[family].instruments, can_wait=True)
            return terms.parse_instruments(payload, self.session.currency_code)

        return read

    def _tier_reader(self, family: str) -> Any:
        """How the tiers of a family are read: all in one call, which weighs one or two."""

        async def read(_symbols: frozenset[str]) -> Mapping[str, terms.Tiers]:
            payload = await self.session.call(HOSTS[family].tiers, can_wait=True)
            return terms.parse_tiers(payload, HOSTS[family].basis)

        return read

    async def _read_settings(self, _symbols: frozenset[str]) -> Mapping[str, terms.SymbolSetting]:
        """The settings of all USD-M symbols; COIN-M's rows carry their own."""
        return terms.parse_settings(await self.session.call("fapiPrivateGetSymbolConfig", can_wait=True))

    def _shelf(self, read: Any, *, max_age: float = DAY) -> Shelf[Any]:
        """A shelf of this account."""
        return Shelf(read, spawn=self.session.spawn, clock=self.clock, max_age=max_age)
