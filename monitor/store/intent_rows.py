"""Intents and margin changes as rows. How a position stood is JSON of exact texts: it is shown, never searched."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from monitor.margin.quantities import dec, dec_or_none
from monitor.store.codec import Row, from_ms, insert, ms_or_none, replacing, storable, time_or_none, to_ms
from monitor.store.position_rows import key_of
from monitor.topups.changes import ChangeCause, MarginChange
from monitor.topups.ledger import Intent, IntentState, Stand

INTENT = (
    "exchange", "account", "symbol", "side", "id", "family", "instrument_id", "hedged", "currency", "amount", "epoch", "lease",
    "state", "planned_at", "stood_before", "policy", "why", "submitted_at", "valid_until", "settled_at", "stood_after", "code",
    "detail", "looks",
)  # fmt: skip
KEEP_INTENT = f"{insert('intents', INTENT)} ON CONFLICT (id) DO UPDATE SET {replacing(INTENT)}"

CHANGE = (
    "exchange", "account", "symbol", "side", "epoch", "at", "since", "amount", "currency", "cause", "stood_before", "stood_after",
    "actor", "intent", "record",
)  # fmt: skip
KEEP_CHANGE = insert("margin_changes", CHANGE)


def intent_row(intent: Intent) -> tuple[Any, ...]:
    """The INTENT columns."""
    key = intent.key
    return (
        key.exchange,
        key.account,
        key.symbol,
        key.side.value,
        intent.id,
        intent.family,
        intent.instrument_id,
        int(intent.hedged),
        intent.currency,
        str(intent.amount),
        intent.epoch,
        intent.lease,
        intent.state.value,
        to_ms(intent.planned_at),
        stand_text(intent.before),
        intent.policy,
        storable(intent.why),
        ms_or_none(intent.submitted_at),
        ms_or_none(intent.valid_until),
        ms_or_none(intent.settled_at),
        None if intent.after is None else stand_text(intent.after),
        storable(intent.code),
        storable(intent.detail),
        intent.looks,
    )


def intent_of(row: Row) -> Intent:
    """The intent of a row of INTENT columns."""
    return Intent(
        key=key_of(row),
        id=row[4],
        family=row[5],
        instrument_id=row[6],
        hedged=bool(row[7]),
        currency=row[8],
        amount=dec(row[9]),
        epoch=row[10],
        lease=row[11],
        state=IntentState(row[12]),
        planned_at=from_ms(row[13]),
        before=stand_of(row[14]),
        policy=row[15],
        why=row[16],
        submitted_at=time_or_none(row[17]),
        valid_until=time_or_none(row[18]),
        settled_at=time_or_none(row[19]),
        after=None if row[20] is None else stand_of(row[20]),
        code=row[21],
        detail=row[22],
        looks=row[23],
    )


def change_row(change: MarginChange) -> tuple[Any, ...]:
    """The CHANGE columns."""
    key = change.key
    return (
        key.exchange,
        key.account,
        key.symbol,
        key.side.value,
        change.epoch,
        to_ms(change.at),
        to_ms(change.since),
        str(change.amount),
        change.currency,
        change.cause.value,
        stand_text(change.before),
        stand_text(change.after),
        change.actor,
        change.intent,
        storable(change.record),
    )


def change_of(row: Row) -> MarginChange:
    """The margin change of a row of CHANGE columns."""
    return MarginChange(
        key=key_of(row),
        epoch=row[4],
        at=from_ms(row[5]),
        since=from_ms(row[6]),
        amount=dec(row[7]),
        currency=row[8],
        cause=ChangeCause(row[9]),
        before=stand_of(row[10]),
        after=stand_of(row[11]),
        actor=row[12],
        intent=row[13],
        record=row[14],
    )


def stand_text(stand: Stand) -> str:
    """The JSON of a stand; what was not known is left out."""
    amounts = {
        "contracts": stand.contracts,
        "mark_price": stand.mark_price,
        "isolated_margin": stand.isolated_margin,
        "equity": stand.equity,
        "margin_usage": stand.margin_usage,
        "cushion": stand.cushion,
        "liquidation_price": stand.liquidation_price,
        "free": stand.free,
    }
    known = {name: str(amount) for name, amount in amounts.items() if amount is not None}
    return json.dumps({"at": to_ms(stand.at), **known, "changed": storable(stand.changed)})


def stand_of(text: str) -> Stand:
    """The stand of its JSON; raises ValueError or TypeError for what cannot be one."""
    kept = json.loads(text)

    def number(name: str) -> Decimal | None:
        return dec_or_none(kept.get(name))

    return Stand(
        at=from_ms(kept["at"]),
        contracts=dec(kept["contracts"]),
        mark_price=dec(kept["mark_price"]),
        isolated_margin=dec(kept["isolated_margin"]),
        equity=dec(kept["equity"]),
        margin_usage=number("margin_usage"),
        cushion=number("cushion"),
        liquidation_price=number("liquidation_price"),
        free=number("free"),
        changed=kept["changed"],
    )
