"""The three writers against the practice exchange: what a good change looks like, and what evidence it leaves."""

from decimal import Decimal

import pytest

from monitor.errors import OutcomeUnknown, WriteNotSent, WriteRefused
from monitor.exchanges import load, names
from monitor.margin.position import Side
from monitor.practice.engine.accounts import Slot
from monitor.topups.ledger import IntentState
from tests.exchanges.margins import EXCHANGES, INVERSE, LINEAR, WRITES, desk, later


@pytest.mark.parametrize("name", EXCHANGES)
async def test_writer_adds_exactly_what_the_intent_says(name):
    async with desk(name) as at:
        before = at.margin()
        intent = at.intent("12.3456")
        receipt = await at.writer.change_margin(intent)
        assert at.margin() - before == Decimal("12.3456")
        assert receipt.amount == Decimal("12.3456")
        assert receipt.at >= intent.submitted_at
        assert at.posts() == 1
        if name == "bybit":
            assert (receipt.isolated_margin, receipt.liquidation_price is None) == (at.margin(), False)
