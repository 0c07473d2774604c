"""What a Bybit key may do, for `margincall check`. Source: bybit-exchange/docs v5/user/apikey-info.mdx, read 2026-11-22."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monitor.ports import CheckLine

_FEW_DAYS = 14


def key_lines(reply: Any) -> Sequence[CheckLine]:
    """Lines on the key's rights and its age, from ``/v5/user/query-api``."""
    result = reply.get("result") if isinstance(reply, dict) else None
    if not isinstance(result, dict):
        return [CheckLine(status="warn", topic="key", text="Bybit did not say what the key may do")]
    lines = [_rights(result)]
    days = result.get("deadlineDay")
    if isinstance(days, int) and 0 < days <= _FEW_DAYS:
        lines.append(
            CheckLine(status="warn", topic="key", text=f"expires in {days} days", advice="Bind it to this machine's IP address.")
        )
    return lines


def _rights(result: dict[str, Any]) -> CheckLine:
    rights = result.get("permissions")
    wallet = rights.get("Wallet") if isinstance(rights, dict) else None
    if isinstance(wallet, list) and "Withdraw" in wallet:
        return CheckLine(status="warn", topic="key", text="may withdraw", advice="Use a key that can only read.")
    if result.get("readOnly") in {1, "1"}:
        return CheckLine(status="ok", topic="key", text="can only read")
    return CheckLine(status="warn", topic="key", text="can do more than read", advice="Reading is enough to watch.")
