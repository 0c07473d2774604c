"""What is told of an account besides its families, and how little a stumbling answer hides."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from monitor.errors import BadReply
from monitor.exchanges.inspection import inspected, terms_lines
from monitor.margin.reading import FamilyKey, FamilySnapshot, KeyFacts
from tests.builders import NOW, position
from tests.exchanges.loopback import HandClock


class Reader:
    """An account of which everything is known; each test takes something away."""

    families = ("usdm",)

    def __init__(self, **access):
        from monitor.exchanges.spec import Access

        self.access = Access(account="main", api_key="", secret="", **access)
        self.clock = HandClock()
        self.session = self
        self.round_trip, self.clock_offset = 0.05, 0.2
        self.polls = 0
        self.key = KeyFacts(exchange="binance", account="main", rights=("read",), ip_bound=True)
        self.checks, self.unwatched, self.trouble = {}, {}, None

    async def sync_clock(self):
        pass

    async def fetch_family(self, family):
        self.polls += 1
        return FamilySnapshot(
            key=FamilyKey(exchange="binance", account="main", family=family), at=NOW, positions=(position("100"),)
        )

    async def read_key(self):
        if isinstance(self.key, Exception):
            raise self.key
        return self.key

    def account_checks(self):
        return self.checks

    def term_shelves(self):
        return [SimpleNamespace(trouble=self.trouble)]


async def told(reader, **how):
    return [(line.status, line.topic, line.text) for line in await inspected(reader, **how)]


@pytest.mark.parametrize(
    ("access", "text"),
    [
        ({}, "the exchange's main site"),
        ({"region": "eu"}, "the regional site eu"),
        ({"demo_trading": True}, "the exchange's main site, demo trading"),
        ({"endpoint": "http://127.0.0.1:1"}, "http://127.0.0.1:1 stands in for the exchange's own hosts"),
    ],
)
async def test_site_is_told(access, text):
    assert ("ok", "site", text) in await told(Reader(**access))


async def test_families_are_left_to_whoever_polls_them():
    reader = Reader()
    topics = [topic for _, topic, _ in await told(reader, polled=True)]
    assert topics == ["site", "connection", "clock", "key", "key"]
    assert reader.polls == 0
    assert "usdm" in [topic for _, topic, _ in await told(reader)]
    assert reader.polls == 1


@pytest.mark.parametrize("offset", [-1.5, 1.5])
async def test_clock_warns_when_it_is_a_second_off(offset):
    reader = Reader()
    assert [status for status, topic, _ in await told(reader) if topic == "clock"] == ["ok"]
    reader.clock_offset = offset
    assert [status for status, topic, _ in await told(reader) if topic == "clock"] == ["warn"]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (BadReply("the key's rights are missing"), "not known: the key's rights are missing"),
        (KeyError("canary"), "not known: an unforeseen answer (KeyError)"),
    ],
)
async def test_key_that_cannot_be_read_is_a_warning_and_hides_nothing(error, text):
    reader = Reader()
    reader.key = error
    lines = await told(reader)
    assert ("warn", "key", text) in lines
    found = await inspected(reader)  # type: ignore[arg-type]  # a reader of lines alone
    assert [line.topic for line in found if not line.known] == ["key"]
    assert ("ok", "usdm", "1 isolated position guarded") in lines


async def test_tiers_warn_when_they_could_not_be_read_again():
    reader = Reader()
    assert "tiers" not in [topic for _, topic, _ in await told(reader, polled=True)]
    reader.trouble = BadReply("the exchange answered 404")
    text = "maintenance tiers could not be read when they were last due: the exchange answered 404"
    assert ("warn", "tiers", text) in await told(reader, polled=True)


def test_terms_are_ok_when_tiers_and_fees_are_known_and_warn_when_not():
    bybit = replace(position("100").key, exchange="bybit")
    known = replace(position("100"), key=bybit, taker_fee_rate=Decimal("0.00055"))
    cheap = replace(known, taker_fee_rate=Decimal("0.0002"))
    bare = replace(known, tiers=None, taker_fee_rate=None)

    def lines(*positions):
        return [(line.status, line.text) for line in terms_lines("usdt", positions)]

    assert lines() == []
    assert lines(known, cheap) == [
        ("ok", "maintenance tiers read for 2 of 2 positions"),
        ("ok", "taker fee read for 2 of 2 positions: 0.02 % to 0.055 %"),
    ]
    assert lines(known, bare) == [
        ("warn", "maintenance tiers read for 1 of 2 positions"),
        ("warn", "taker fee read for 1 of 2 positions: 0.055 %"),
    ]
    assert lines(bare)[1] == ("warn", "taker fee read for 0 of 1 position")
    # Binance's liquidation price does not depend on a fee.
    assert len(terms_lines("usdm", [position("100")])) == 1
