"""What a Bybit key may do, and when it ends. Source: bybit-exchange/docs v5/user/apikey-info.mdx, read 2026-11-22."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.errors import BadReply
from monitor.margin.reading import KeyFacts

_MOST_DAYS = 3660
_TRADING = {"ContractTrade", "Spot", "Options", "Derivatives", "CopyTrading", "BlockTrade", "Exchange"}
"""The groups of rights under which orders can be placed."""


def key_facts(reply: Any, *, account: str, now: datetime) -> KeyFacts:
    """The facts in a ``/v5/user/query-api`` reply. Raises BadReply for another shape.

    ``expiredAt`` counts only beside a ``deadlineDay``: a key that is bound to an address does not expire and may carry any date.
    """
    result = reply.get("result") if isinstance(reply, dict) else None
    if not isinstance(result, dict) or not isinstance(result.get("permissions"), dict):
        raise BadReply("the key's rights are missing (query-api)")
    given = {name: rights for name, rights in result["permissions"].items() if isinstance(rights, list) and rights}
    wallet = given.get("Wallet", [])
    rights = {"read"}
    if str(result.get("readOnly")) != "1" and given.keys() & _TRADING:
        rights.add("trade")
    if "Withdraw" in wallet:
        rights.add("withdraw")
    if any("Transfer" in str(right) for right in wallet):
        rights.add("transfer")
    addresses = result.get("ips")
    return KeyFacts(
        exchange="bybit",
        account=account,
        rights=tuple(sorted(rights)),
        ip_bound="*" not in addresses if isinstance(addresses, list) and addresses else None,
        expires_at=_end(result, now),
    )


def margin_key_facts(reply: Any, *, account: str, now: datetime) -> KeyFacts:
    """As `key_facts`, with ``trade`` only where the key may change positions (ContractTrade: Position)."""
    facts = key_facts(reply, account=account, now=now)
    contracts = reply["result"]["permissions"].get("ContractTrade") or ()
    rights = set(facts.rights) - (set() if "Position" in contracts else {"trade"})
    return replace(facts, rights=tuple(sorted(rights)))


def _end(result: dict[str, Any], now: datetime) -> datetime | None:
    days = result.get("deadlineDay")
    if not isinstance(days, int) or not 0 <= days <= _MOST_DAYS:
        return None
    try:
        end = datetime.fromisoformat(str(result.get("expiredAt")))
    except ValueError:
        return now + timedelta(days=days)
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    # The key has just been used, so it has not ended.
    return end if end > now else now + timedelta(days=days)
