"""Fitness: whether a key may be used to change margins. It must be able to trade, and to take no money away."""

from __future__ import annotations

from monitor.alerts.wording import exchange_name, fit
from monitor.margin.reading import KeyFacts
from monitor.rules.base import Level
from monitor.topups.wording import Words


def unfit(facts: KeyFacts | None, *, demo: bool = False) -> str:
    """Why the key must not be used; empty where it may. ``facts`` None: its rights could not be read, which ``demo`` pardons.

    ``transfer`` is only told where it was granted by itself (OKX: trading includes it, see `ports.MarginWriter.fetch_key`).
    """
    if facts is None:
        return "" if demo else "the rights of its top-up key cannot be read"
    if facts.may_withdraw:
        return "its top-up key may withdraw: take that right away"
    if "transfer" in facts.rights:
        return "its top-up key may transfer money between accounts: take that right away"
    if not facts.may_trade:
        return "its top-up key may not trade: it needs that right to change margins"
    return ""


def fitness_words(exchange: str, account: str, why: str) -> Words:
    """The top-up key of an account is not used, or (``why`` empty) is again."""
    where = f"{account} ({exchange_name(exchange)})"
    if not why:
        return Words(
            level=Level.INFO,
            topic="key_fit",
            title=fit(f"Automatic margin works again on {where}", f"Automatic margin again: {account}"),
            body=f"The top-up key of {where} may be used again.",
        )
    return Words(
        level=Level.CRITICAL,
        topic="key_unfit",
        title=fit(f"No automatic margin on {where}", f"No automatic margin: {account}"),
        body=(
            f"Nothing is added to any position on {where}: {why}.\n"
            "The watch goes on. `margincall check` shows what the key may do."
        ),
    )
