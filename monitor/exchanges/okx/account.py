"""What OKX says of the account and its key.

Source: docs-v5 "Get account configuration", read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from monitor.errors import BadReply
from monitor.margin.reading import KeyFacts
from monitor.ports import CheckLine

_LEVELS = {"1": "spot", "2": "spot and futures", "3": "multi-currency margin", "4": "portfolio margin"}
_POSITION_MODES = {"net_mode": "one-way", "long_short_mode": "hedge"}


_RIGHTS = {"read_only": "read"}
"""OKX's words that differ from ours; its right to trade includes transfers between one's own accounts."""


def key_facts(data: Sequence[Mapping[str, Any]], *, account: str) -> KeyFacts:
    """The key's facts in ``account/config``: ``perm``, and ``ip`` ("" where it is bound to none). Raises BadReply without."""
    config = data[0] if data else {}
    if not isinstance(config.get("perm"), str) or not config["perm"]:
        raise BadReply("the key's rights are missing (account/config)")
    rights = {_RIGHTS.get(right, right) for right in _rights_of(config)}
    address = config.get("ip")
    return KeyFacts(
        exchange="okx",
        account=account,
        rights=tuple(sorted(rights | ({"transfer"} if "trade" in rights else set()))),
        ip_bound=None if address is None else bool(address),
    )


def margin_key_facts(data: Sequence[Mapping[str, Any]], *, account: str) -> KeyFacts:
    """As `key_facts`, without the right to transfer: OKX gives it with the right to trade, and never by itself."""
    facts = key_facts(data, account=account)
    return replace(facts, rights=tuple(right for right in facts.rights if right != "transfer"))


def account_lines(data: Sequence[Mapping[str, Any]]) -> Sequence[CheckLine]:
    """Lines on the account's level and its position mode, and on a key that OKX may delete, from ``account/config``."""
    if not data or not isinstance(data[0], dict):
        return [CheckLine(status="warn", topic="account", text="OKX did not say how the account is set up")]
    config = data[0]
    level = str(config.get("acctLv", ""))
    mode = str(config.get("posMode", ""))
    lines = [
        CheckLine(status="ok", topic="account", text=f"level: {_LEVELS.get(level, level or 'unknown')}"),
        CheckLine(status="ok", topic="position mode", text=_POSITION_MODES.get(mode, mode or "unknown")),
    ]
    if level == "1":
        lines.append(CheckLine(status="warn", topic="account", text="a spot account holds no swaps or futures"))
    if "trade" in _rights_of(config) and not config.get("ip"):
        text = "OKX deletes a key that may trade after 14 idle days, unless it is bound to an IP address"
        lines.append(CheckLine(status="warn", topic="key", text=text, advice="Bind it to this machine's IP address."))
    return lines


def _rights_of(config: Mapping[str, Any]) -> list[str]:
    """The rights that ``perm`` names."""
    return [right.strip() for right in str(config.get("perm") or "").split(",") if right.strip()]
