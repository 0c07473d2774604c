"""Binance's terms: maintenance with its deduction at the mark, opening fee and funding out of the isolated margin.

Liquidation FAQ 360033525271 (read 2026-11-22): one large order brings a position of a higher bracket back under the line,
an insurance clearance fee is charged on what is liquidated; the lowest bracket's margin is below that fee, so small positions
go whole, and what cannot be saved is taken over by the insurance fund at the bankruptcy price. An auto-deleveraged position pays
the ordinary fee, a delivered one 0.015 % (both UNVERIFIED). The leverage of an open isolated position cannot go down (-4161), nor
its margin mode change (-4048): USD-M error codes, read 2026-11-23.
"""

from __future__ import annotations

from decimal import Decimal

from monitor.practice.engine.arithmetic import NOTHING, Stake
from monitor.practice.engine.terms import Takeover, Terms


class BinanceTerms(Terms):
    """USD-M and COIN-M."""

    exchange = "binance"
    fee_from_margin = True
    cut_fee_to_fund = True
    leverage_moves_margin = False
    deleverage_fee = Decimal("0.0005")
    delivery_fee = Decimal("0.00015")
    taker_fee = Decimal("0.0005")
    clearance_fee = Decimal("0.0125")

    def requirement(self, stake: Stake, price: Decimal) -> Decimal:
        """Maintenance margin of the bracket at the mark."""
        return self.maintenance(stake, price)

    def cut_fee(self, stake: Stake, quantity: Decimal, price: Decimal) -> Decimal:
        """The insurance clearance fee, exchangeInfo's ``liquidationFee``."""
        return stake.contract.value(quantity, price) * self.clearance_fee

    def cut(self, stake: Stake, price: Decimal) -> Decimal | None:
        """Down to the bracket below; nothing smaller to go to from the first, or where the fee would eat all that is left."""
        bracket = self.tier(stake, price)
        if bracket == 0:
            return None
        quantity = self.down_to(stake, bracket - 1, price)
        affordable = self.cut_fee(stake, quantity, price) < stake.equity(price)
        return quantity if affordable and quantity < stake.quantity else None

    def takeover(self, stake: Stake, price: Decimal) -> Takeover:
        """The loss at the mark is realised, the insurance fund takes what is left, or gives what is missing."""
        profit = self.exact(stake.profit(price))
        return Takeover(price=self.bankruptcy_price(stake) or price, profit=profit, penalty=-(stake.margin + profit))

    def removable(self, stake: Stake, price: Decimal) -> Decimal:
        """min(wallet - maintenance, wallet + profit - initial margin at the mark); FAQ 360038447311, read 2026-11-22."""
        at_mark = stake.value(price) / stake.leverage
        return max(NOTHING, min(stake.margin - self.requirement(stake, price), stake.equity(price) - at_mark))
