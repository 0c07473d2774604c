"""Bybit's terms since 2025-09-02: maintenance at the mark plus a reserved fee to close at the bankruptcy price.

The reserve is the taker fee on the value at the price where margin, loss and that very fee come to nothing. "The New Margin
Calculation" and "Liquidation Price Calculation under Isolated Mode (UTA)", read 2026-11-22. Liquidation ("Trading Rules:
Liquidation Process (UTA)"): step by step to the next lower tier, in the lowest tier straight takeover at bankruptcy price.
An auto-deleveraged position pays no fee (execution topic of a real account), a delivered one instruments-info's deliveryFeeRate.
The margin mode is the account's and changes under open positions ("Set Margin Mode"); read 2026-11-23.
"""

from __future__ import annotations

from decimal import Decimal

from monitor.practice.engine.arithmetic import NOTHING, Stake
from monitor.practice.engine.terms import Takeover, Terms


class BybitTerms(Terms):
    """Linear USDT and USDC, and inverse."""

    exchange = "bybit"
    funding_from_wallet = True
    mode_with_position = True
    delivery_fee = Decimal("0.0005")
    taker_fee = Decimal("0.00055")

    def initial(self, stake: Stake) -> Decimal:
        """Entry value by leverage, plus the fee to close at the leverage's own bankruptcy price (below entry for a long)."""
        entry_value = stake.value(stake.entry)
        away = 1 / stake.leverage if stake.long is stake.contract.inverse else -1 / stake.leverage
        return entry_value / stake.leverage + entry_value * (1 + away) * stake.fee_rate

    def requirement(self, stake: Stake, price: Decimal) -> Decimal:
        """Maintenance at the mark and the reserved closing fee."""
        return self.maintenance(stake, price) + self.reserve(stake)

    def reserve(self, stake: Stake) -> Decimal:
        """The closing fee at the bankruptcy price; what the margin leaves to lose decides it, not the mark."""
        return self._value_at_bankruptcy(stake) * stake.fee_rate

    def _value_at_bankruptcy(self, stake: Stake) -> Decimal:
        """The value V with margin + profit(V) = fee rate x V: a loss shrinks the value of a linear long and an inverse short."""
        entry_value = stake.value(stake.entry)
        shrinks = stake.long is not stake.contract.inverse
        if shrinks:
            return (entry_value - stake.margin) / (1 - stake.fee_rate)
        return (entry_value + stake.margin) / (1 + stake.fee_rate)

    def bankruptcy_price(self, stake: Stake) -> Decimal | None:
        """Where margin, loss and closing fee come to nothing; None where no price does that."""
        value = self._value_at_bankruptcy(stake)
        if value <= 0:
            return None
        face = stake.quantity * stake.contract.size
        return face / value if stake.contract.inverse else value / face

    def takeover(self, stake: Stake, price: Decimal) -> Takeover:
        """Closed at the bankruptcy price with the reserved fee: loss and fee are the whole margin."""
        fee = self.exact(max(NOTHING, self.reserve(stake)))
        return Takeover(price=self.bankruptcy_price(stake) or price, profit=fee - stake.margin, fee=-fee)

    def cut(self, stake: Stake, price: Decimal) -> Decimal | None:
        """To the tier below, while there is one and something is left to pay for it."""
        tier = self.tier(stake, price)
        if tier == 0 or stake.equity(price) <= 0:
            return None
        quantity = self.down_to(stake, tier - 1, price)
        return quantity if quantity < stake.quantity else None
