"""Health: one answer for load balancers and people. 200 only while every account is fresh and every channel works."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from monitor.clock import iso
from monitor.memory import FamilyMemory, FamilyState
from monitor.web.view import View


def health(view: View) -> tuple[bool, dict[str, Any]]:
    """Whether all is well, and why (not): ``{ok, as_of, families: [...], channels: [...], store, hanging}``.

    A family is fresh when its last poll was good and this run has read it; one that the account has not opened does not count.
    """
    memory, since, now = view.memory(), view.policy().watching_since, view.clock.now()
    families = [
        {
            "account": key.account,
            "exchange": key.exchange,
            "family": key.family,
            "state": one.state.value,
            "fresh": is_fresh(one, since),
            "age_seconds": None if one.last_good is None else round((now - one.last_good).total_seconds(), 3),
            "error": one.error,
        }
        for key, one in sorted(memory.families.items())
        if one.state is not FamilyState.NOT_OPENED
    ]
    broken = {one.name for one in memory.channels.values() if one.broken_since is not None}
    channels = [{"name": name, "works": name not in broken} for name in view.channels()]
    hanging = list(view.late())
    good = bool(families) and all(one["fresh"] for one in families) and not broken & set(view.channels()) and not hanging
    kept = view.kept()
    document = {
        "schema": 1,
        "ok": good and kept,
        "as_of": iso(now),
        "families": families,
        "channels": channels,
        "store": "ok" if kept else "does not keep",
        "hanging": hanging,
    }
    return good and kept, document


def is_fresh(family: FamilyMemory, since: datetime) -> bool:
    """Whether this run, which began at ``since``, has read the family, and the last poll was good and is not too old."""
    return family.state is FamilyState.OK and family.fresh_since(since)
