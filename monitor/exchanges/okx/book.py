"""What is known of OKX's instruments, kept at hand: the instruments, their maintenance tiers, and the account's fee rates.

All of it may be missing: a position is then read with what its row tells, and says what was missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from monitor.errors import BadReply, ExchangeFault
from monitor.exchanges.family import Patience
from monitor.exchanges.okx.terms import Listing, Terms, infer_listing, parse_fee_rates, parse_instruments, parse_tiers
from monitor.exchanges.session import Session
from monitor.exchanges.shelf import Shelf
from monitor.margin.position import Contract, PositionKey, Side
from monitor.margin.tiers import TierTable
from monitor.ports import Clock

_FEW = 3
_FAMILIES_A_CALL = 5
_RATES = "rates"


class Book:
    """Terms by ``instId``."""

    def __init__(self, session: Session, clock: Clock, *, account: str) -> None:
        self._session = session
        self._account = account
        self._terms: dict[str, tuple[tuple[object, ...], Terms]] = {}
        self._inferred: dict[str, Listing] = {}
        self.instruments: Shelf[Listing] = Shelf(self._read_instruments, spawn=session.spawn, clock=clock)
        self.tiers: Shelf[TierTable] = Shelf(self._read_tiers, spawn=session.spawn, clock=clock)
        self.fees: Shelf[Mapping[str, Decimal]] = Shelf(self._read_fees, spawn=session.spawn, clock=clock)

    async def have(self, inst_ids: Collection[str], *, guarded: Collection[str], patience: Patience) -> None:
        """See to what positions need: instruments for all, tiers for those that are guarded."""
        await self.instruments.have(inst_ids, within=patience())
        await self.tiers.have(guarded, within=patience())

    async def have_fees(self, patience: Patience) -> None:
        """See to the account's fee rates, for rows that do not tell theirs."""
        await self.fees.have({_RATES}, within=patience())

    def fee_of(self, terms: Terms) -> Decimal | None:
        """The account's taker rate for an instrument; None where it is not known."""
        rates = self.fees.get(_RATES) or {}
        inverse = terms.instrument.contract is Contract.INVERSE
        return rates.get("" if inverse else terms.instrument.settle_currency)

    def terms_of(self, row: Mapping[str, Any], /) -> Terms:
        """The terms of a position row's instrument; inferred from the row where the instrument is not known."""
        inst_id: str = row["instId"]
        known = self.instruments.get(inst_id)
        listing = known or self._inference(inst_id, row)
        parts = (listing, known, self.tiers.get(inst_id))
        kept = self._terms.get(inst_id)
        if kept is None or kept[0] != parts:
            kept = self._terms[inst_id] = (parts, self._made(*parts))
        return kept[1]

    def _inference(self, inst_id: str, row: Mapping[str, Any]) -> Listing:
        """What an isolated row tells is kept, so that the contract size does not move with the dollar."""
        if row.get("mgnMode") != "isolated":
            return infer_listing(row)
        if inst_id not in self._inferred:
            self._inferred[inst_id] = infer_listing(row)
        return self._inferred[inst_id]

    def _made(self, listing: Listing, known: Listing | None, tiers: TierTable | None) -> Terms:
        marks = {"contract_size_inferred": known is None, "no_tiers": tiers is None}

        def key(side: Side) -> PositionKey:
            return PositionKey(exchange="okx", account=self._account, symbol=listing.instrument.symbol, side=side)

        return Terms(
            instrument=listing.instrument,
            kind=listing.kind,
            inst_family=listing.inst_family,
            long_key=key(Side.LONG),
            short_key=key(Side.SHORT),
            tiers=tiers,
            degraded=tuple(mark for mark, holds in marks.items() if holds),
        )

    async def _read_instruments(self, inst_ids: frozenset[str]) -> Mapping[str, Listing]:
        """A few by name, else the whole list of their type. One list's trouble is not another's."""
        asks: list[dict[str, str]] = []
        for kind, names in groupby(sorted(inst_ids, key=lambda name: (_kind(name), name)), key=_kind):
            wanted = list(names)
            asks += [{"instType": kind, "instId": name} for name in wanted] if len(wanted) <= _FEW else [{"instType": kind}]
        found: dict[str, Listing] = {}
        for data in await self._answers("publicGetPublicInstruments", asks):
            found |= parse_instruments(data)
        return found

    async def _read_tiers(self, inst_ids: frozenset[str]) -> Mapping[str, TierTable]:
        """Ladders of isolated margin, five families a call."""
        families = {inst_id: self._family(inst_id) for inst_id in inst_ids}
        found: dict[str, TierTable] = {}
        for kind in sorted({_kind(inst_id) for inst_id in inst_ids}):
            wanted = sorted({family for inst_id, family in families.items() if _kind(inst_id) == kind})
            batches = [wanted[start : start + _FAMILIES_A_CALL] for start in range(0, len(wanted), _FAMILIES_A_CALL)]
            asks = [{"instType": kind, "tdMode": "isolated", "instFamily": ",".join(batch)} for batch in batches]
            tables: dict[str, TierTable] = {}
            for data in await self._answers("publicGetPublicPositionTiers", asks):
                tables |= parse_tiers(data, only_family=wanted[0] if len(wanted) == 1 else "")
            found |= {
                inst_id: tables[family] for inst_id, family in families.items() if _kind(inst_id) == kind and family in tables
            }
        return found

    async def _read_fees(self, _keys: frozenset[str]) -> Mapping[str, Mapping[str, Decimal]]:
        reply = await self._session.call("privateGetAccountTradeFee", {"instType": "SWAP"}, can_wait=True)
        return {_RATES: parse_fee_rates(listed(reply, "account/trade-fee"))}

    async def _answers(self, endpoint: str, asks: Sequence[Mapping[str, str]]) -> list[list[Mapping[str, Any]]]:
        """The data of each call that went well; raises the last trouble where none did."""
        answers: list[list[Mapping[str, Any]]] = []
        trouble: ExchangeFault | None = None
        for ask in asks:
            try:
                answers.append(listed(await self._session.call(endpoint, ask, can_wait=True), endpoint))
            except ExchangeFault as error:
                trouble = error
        if trouble is not None and not answers:
            raise trouble
        return answers

    def _family(self, inst_id: str) -> str:
        """The family whose tiers hold for an instrument: as listed, else the name without its end."""
        listing = self.instruments.get(inst_id)
        return listing.inst_family if listing else inst_id.rpartition("-")[0]


def _kind(inst_id: str) -> str:
    """Swaps end in -SWAP, futures in their day."""
    return "SWAP" if inst_id.endswith("-SWAP") else "FUTURES"


def listed(reply: Any, call: str) -> list[Mapping[str, Any]]:
    """``data`` of OKX's envelope; raises BadReply for any other shape."""
    data = reply.get("data") if isinstance(reply, dict) and reply.get("code") in {"0", 0} else None
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise BadReply(f"the answer is not in OKX's envelope ({call})")
    return data
