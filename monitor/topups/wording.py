"""The words of automatic margin: what was added, refused, is not known, or would have been done. Numbers as in alerts.

A message about money says first what happened to it, then how the position stands, then what a person can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from monitor.alerts.rounding import digits, money_down, share_down, share_up
from monitor.alerts.wording import fit, short_symbol
from monitor.margin.position import PositionKey
from monitor.rules.base import Level
from monitor.topups.ledger import Intent, IntentState, Stand
from monitor.topups.refusal import Refusal, RefusalReason
from monitor.topups.state import Circuit

DIGITS = 6
YOU = "you"
_ENDS: Mapping[IntentState, tuple[Level, str]] = {
    IntentState.VERIFIED: (Level.INFO, "Done"),
    IntentState.RECONCILED_APPLIED: (Level.WARNING, "Done after all"),
    IntentState.RECONCILED_NOT_APPLIED: (Level.WARNING, "Not done"),
    IntentState.REJECTED: (Level.WARNING, "Rejected"),
    IntentState.UNKNOWN: (Level.CRITICAL, "UNKNOWN"),
    IntentState.DISPUTED: (Level.CRITICAL, "DISPUTED"),
}
"""How loud each state is told, and its first word; states that are not here are told by no message."""
_ADVICE: Mapping[IntentState, str] = {
    IntentState.RECONCILED_NOT_APPLIED: (
        "No money moved. The policy may try again as a new change, unless automatic margin is off for this position."
    ),
    IntentState.REJECTED: "No money moved. If the position needs margin now, add it on the exchange's own page.",
    IntentState.UNKNOWN: (
        "It counts as spent. margincall never repeats it: it asks the exchange until that can tell, and adds nothing to this "
        "position meanwhile. If it needs margin now, look on the exchange's own page how much it has before you add some there."
    ),
    IntentState.DISPUTED: (
        "It counts as spent. Compare the position's margin with the exchange's own page. Automatic margin is off for this "
        "position until you resume its policy."
    ),
}

_BALANCE = "Bring balance into the wallet, reduce the position, or let it be."
_CAP = "This is the limit that you set: add margin yourself, reduce the position, or change it and reload."
_DOUBT = "Look on the exchange's own page; if it needs margin there, add it there."
_MENDS: Mapping[RefusalReason, str] = {
    RefusalReason.INSUFFICIENT_BALANCE: _BALANCE,
    RefusalReason.RESERVE: _BALANCE,
    RefusalReason.BELOW_MINIMUM: _BALANCE,
    RefusalReason.CANNOT_HELP: _BALANCE,
    RefusalReason.CAP_ACTION: _CAP,
    RefusalReason.CAP_POSITION: _CAP,
    RefusalReason.CAP_DAY: _CAP,
    RefusalReason.PRICE_BOUND: _CAP,
    RefusalReason.STALE_DATA: _DOUBT,
    RefusalReason.SUSPICIOUS_DATA: _DOUBT,
    RefusalReason.DIVERGENT_DATA: _DOUBT,
    RefusalReason.EXCHANGE_AUTO_ADD: "Switch off one of the two: the policy, or the exchange's own automatic margin.",
    RefusalReason.STOPPED: "`margincall topups list` shows whether it is stopped or paused, `topups start` and `resume` undo it.",
}
"""What a person can do about a refusal that does not end by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text for people: ``title`` fits 60 characters, ``body`` is plain text. ``topic``: what it is about, in one word."""

    level: Level
    topic: str
    title: str
    body: str


def words_of(intent: Intent) -> Words | None:
    """What is told of an intent in its state; None where nothing is."""
    end = _ENDS.get(intent.state)
    if end is None:
        return None
    level, first = end
    what = _what(intent)
    name = place(intent.key)
    lines = [f"{first}: {what} on {intent.key.account}, by {_who(intent)}."]
    if intent.why:
        lines.append(f"Why: {intent.why}.")
    if intent.detail:
        lines.append(f"How it is known: {intent.detail}{f' (code {intent.code})' if intent.code else ''}.")
    lines.append(f"Before: {stand_line(intent.before, intent)}")
    if intent.after is not None:
        lines.append(f"After: {stand_line(intent.after, intent)}")
    advice = _ADVICE.get(intent.state)
    if advice:
        lines.append(advice)
    moved = _moved(intent)
    titles = (f"{first}: {what}{moved}", f"{first}: {what}", f"{first}: margin of {name}")
    return Words(level=level, topic=intent.state.value, title=fit(*titles), body="\n".join(lines))


def refusal_words(refusal: Refusal) -> Words:
    """A policy's trigger is reached and it does not act."""
    name = place(refusal.key)
    if refusal.reason is RefusalReason.DRY_RUN:
        return Words(
            level=Level.INFO,
            topic=refusal.reason.value,
            title=fit(f"Dry run: {refusal.policy} would act on {name}", f"Dry run: {name}"),
            body=f"{refusal.policy} only rehearses on {name} on {refusal.key.account}: {refusal.detail}.",
        )
    reason = refusal.reason.value.replace("_", " ").lower()
    numbers = f" ({refusal.detail})" if refusal.detail else ""
    lines = [f"{refusal.policy} is triggered by {name} on {refusal.key.account}, but adds nothing: {reason}{numbers}."]
    lines += [_MENDS[refusal.reason]] if refusal.reason in _MENDS else []
    return Words(
        level=Level.WARNING,
        topic=refusal.reason.value,
        title=fit(f"No margin added to {name}: {reason}", f"No margin added: {reason}"),
        body="\n".join(lines),
    )


def partial_words(intent: Intent) -> Words:
    """A policy adds less than what reaches its target, because no more may be added."""
    name = place(intent.key)
    return Words(
        level=Level.WARNING,
        topic="partial",
        title=fit(f"Only a part is added to {name}: {_exactly(intent)}", f"Only a part: {name}"),
        body=(
            f"{intent.policy} adds {_exactly(intent)} to {name} on {intent.key.account}: all that the "
            "balance, the reserve and the caps leave. It does NOT reach the target.\n"
            "Decide now whether to add more, to reduce it, or to let it be."
        ),
    )


def circuit_words(circuit: Circuit, policy: str) -> Words:
    """Automatic margin is off for a position until a person resumes it."""
    name = place(circuit.key)
    resume = f"Once that is understood: `margincall topups resume {policy}`." if policy else "Look at it on the exchange's page."
    return Words(
        level=Level.CRITICAL,
        topic="circuit",
        title=fit(f"Automatic margin is OFF for {name}", f"Automatic margin OFF: {name}"),
        body=f"Automatic margin is OFF for {name} on {circuit.key.account}: {circuit.reason}.\n{resume}",
    )


def place(key: PositionKey) -> str:
    """``BTC/USDT long``."""
    return f"{short_symbol(key.symbol)} {key.side.value}"


def stand_line(stand: Stand, intent: Intent) -> str:
    """``margin 100.00 USDT, equity 50.00 USDT, cushion 44 %, margin usage 19 %, liquidation at 90.9, mark 95``."""
    coin = intent.currency
    parts = [f"margin {money_down(stand.isolated_margin, coin)}", f"equity {money_down(stand.equity, coin)}"]
    if stand.cushion is not None:
        parts.append(f"cushion {share_down(stand.cushion)}")
    if stand.margin_usage is not None:
        parts.append(f"margin usage {share_up(stand.margin_usage)}")
    if stand.liquidation_price is not None:
        parts.append(f"liquidation at {price(stand.liquidation_price)}")
    parts.append(f"mark {price(stand.mark_price)}")
    return ", ".join(parts)


def price(value: Decimal) -> str:
    """A price to six digits."""
    finest = Decimal(1).scaleb(value.adjusted() - DIGITS + 1)
    return digits(value.quantize(finest) if finest < 1 else value.to_integral_value())


def _what(intent: Intent) -> str:
    verb, joint = ("add", "to") if intent.amount > 0 else ("take", "from")
    return f"{verb} {_exactly(intent)} {joint} {place(intent.key)}"


def _exactly(intent: Intent) -> str:
    """The amount as it is sent: what moved is never rounded."""
    return f"{digits(abs(intent.amount))} {intent.currency}"


def _who(intent: Intent) -> str:
    return intent.policy or YOU


def _moved(intent: Intent) -> str:
    if intent.after is None or intent.before.cushion is None or intent.after.cushion is None:
        return ""
    return f", cushion {share_down(intent.before.cushion)} to {share_down(intent.after.cushion)}"
