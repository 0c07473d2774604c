"""What a top-up credential may do: only what changes margins counts as trading, only what was granted by itself as transfer."""

from typing import Any

import pytest

from monitor.exchanges.binance.keys import margin_key_facts as binance
from monitor.exchanges.bybit.keys import margin_key_facts as bybit
from monitor.exchanges.okx.account import margin_key_facts as okx
from tests.builders import NOW
from tests.exchanges.margins import EXCHANGES, desk


def on_binance(**switches: bool) -> tuple[str, ...]:
    return binance({"enableReading": True, **switches}, account="main").rights


def on_bybit(**permissions: list[str]) -> tuple[str, ...]:
    result = {"readOnly": 0, "permissions": permissions, "ips": ["1.2.3.4"]}
    return bybit({"retCode": 0, "result": result}, account="main", now=NOW).rights


def on_okx(perm: str) -> tuple[str, ...]:
    return okx([{"perm": perm, "ip": ""}], account="main").rights


@pytest.mark.parametrize(
    ("told", "rights"),
    [
        (on_binance(enableFutures=True), ("read", "trade")),
        (on_binance(enableSpotAndMarginTrading=True, enableMargin=True), ("read",)),
        (on_binance(enableFutures=True, permitsUniversalTransfer=True), ("read", "trade", "transfer")),
        (on_binance(enableFutures=True, enableWithdrawals=True), ("read", "trade", "withdraw")),
        (on_bybit(ContractTrade=["Order", "Position"]), ("read", "trade")),
        (on_bybit(ContractTrade=["Order"], Spot=["SpotTrade"]), ("read",)),
        (on_bybit(ContractTrade=["Position"], Wallet=["AccountTransfer"]), ("read", "trade", "transfer")),
        (on_bybit(ContractTrade=["Position"], Wallet=["Withdraw"]), ("read", "trade", "withdraw")),
        (on_okx("read_only,trade"), ("read", "trade")),
        (on_okx("read_only"), ("read",)),
        (on_okx("read_only,trade,withdraw"), ("read", "trade", "withdraw")),
    ],
)
def test_rights_of_a_top_up_credential(told: tuple[str, ...], rights: tuple[str, ...]) -> None:
    assert told == rights


def test_a_bybit_key_that_only_reads_cannot_change_margins() -> None:
    reply: dict[str, Any] = {"result": {"readOnly": 1, "permissions": {"ContractTrade": ["Order", "Position"]}, "ips": ["*"]}}
    facts = bybit(reply, account="main", now=NOW)
    assert (facts.rights, facts.ip_bound) == (("read",), False)


@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_writer_reads_the_rights_of_its_own_credential(name: str) -> None:
    async with desk(name) as at:
        facts = await at.writer.fetch_key()
        assert (facts.rights, facts.ip_bound, facts.account) == (("read", "trade"), True, "main")
        at.engine.account("main").may_trade = False
        assert (await at.writer.fetch_key()).rights == ("read",)
        at.engine.account("main").key_expired = True
        assert await at.writer.fetch_key() is None


async def test_demo_trading_on_binance_tells_no_rights() -> None:
    async with desk("binance", demo_trading=True) as at:
        assert await at.writer.fetch_key() is None
