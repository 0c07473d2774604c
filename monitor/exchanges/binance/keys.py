"""What a Binance key may do. Source: GET /sapi/v1/account/apiRestrictions (developers.binance.com, wallet), read 2026-11-22.

``tradingAuthorityExpirationTime`` is left alone: it ends the right to trade on spot and margin, and reading goes on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from monitor.errors import BadReply
from monitor.exchanges.binance.terms import is_true
from monitor.margin.reading import KeyFacts

RIGHTS = {
    "read": ("enableReading",),
    "trade": (
        "enableFutures",
        "enableSpotAndMarginTrading",
        "enableMargin",
        "enableVanillaOptions",
        "enablePortfolioMarginTrading",
    ),
    "transfer": ("enableInternalTransfer", "permitsUniversalTransfer"),
    "withdraw": ("enableWithdrawals",),
}
"""Our words, and Binance's switches of which any one gives that right."""


def key_facts(payload: Any, *, account: str) -> KeyFacts:
    """The facts in an apiRestrictions reply. Raises BadReply for another shape."""
    if not isinstance(payload, dict) or "enableReading" not in payload:
        raise BadReply("the key's rights are missing (apiRestrictions)")
    rights = [right for right, switches in RIGHTS.items() if any(is_true(payload.get(switch)) for switch in switches)]
    bound = payload.get("ipRestrict")
    return KeyFacts(
        exchange="binance",
        account=account,
        rights=tuple(sorted(rights)),
        ip_bound=None if bound is None else is_true(bound),
    )


def margin_key_facts(payload: Any, *, account: str) -> KeyFacts:
    """As `key_facts`, with ``trade`` only where the key may change the margin of futures positions."""
    facts = key_facts(payload, account=account)
    rights = set(facts.rights) - {"trade"} | ({"trade"} if is_true(payload.get("enableFutures")) else set())
    return replace(facts, rights=tuple(sorted(rights)))
