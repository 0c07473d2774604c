"""What OKX says of the account and its key, for `margincall check`.

Source: docs-v5 "Get account configuration", read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.ports import CheckLine

_LEVELS = {"1": "spot", "2": "spot and futures", "3": "multi-currency margin", "4": "portfolio margin"}
_POSITION_MODES = {"net_mode": "one-way", "long_short_mode": "hedge"}


def account_lines(data: Sequence[Mapping[str, Any]]) -> Sequence[CheckLine]:
    """Lines on the account's level, its position mode and the key's rights, from ``account/config``."""
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
    if rights := [right.strip() for right in str(config.get("perm") or "").split(",") if right.strip()]:
        lines.append(_rights_line(rights))
    if "trade" in rights and not config.get("ip"):
        lines.append(
            CheckLine(
                status="warn",
                topic="key",
                text="is bound to no IP address",
                advice="OKX deletes trading keys without an IP address after 14 idle days.",
            )
        )
    return lines


def _rights_line(rights: Sequence[str]) -> CheckLine:
    if "withdraw" in rights:
        return CheckLine(status="warn", topic="key", text="may withdraw", advice="Use a key that can only read.")
    if "trade" in rights:
        return CheckLine(status="warn", topic="key", text="may trade", advice="Reading is enough to watch.")
    return CheckLine(status="ok", topic="key", text="can only read")
