from __future__ import annotations

from datetime import UTC, datetime

from monitor.margin.position import Side
from monitor.margin.reading import FamilyKey, FamilySnapshot, Unguarded

KEY = FamilyKey(exchange="okx", account="main", family="all")


def test_family_keys_sort_by_exchange_then_account_then_family_when_listed():
    keys = [KEY, FamilyKey(exchange="binance", account="z", family="usdm"), FamilyKey(exchange="okx", account="a", family="all")]
    assert [key.account for key in sorted(keys)] == ["z", "a", "main"]


def test_snapshot_without_positions_is_not_a_failure_when_the_account_has_none():
    snapshot = FamilySnapshot(key=KEY, at=datetime(2026, 11, 22, tzinfo=UTC), positions=())
    assert snapshot.unguarded == ()
    assert dict(snapshot.free) == {}


def test_unguarded_positions_are_the_same_when_symbol_side_and_mode_are():
    one, other = (Unguarded(symbol="BTC/USDT:USDT", side=Side.LONG, mode="cross") for _ in range(2))
    assert len({one, other}) == 1
