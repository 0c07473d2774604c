"""OKX's terms: the tier's rate on the whole value, and the taker fee of the liquidation itself on top.

Help centre "tiered maintenance margin" (May 2025, read 2026-11-22): tiers 1 and 2 go whole at the bankruptcy price; from tier 3
the position is cut two tiers down while it still meets the lowest tier's need. The liquidation price shown is one tick nearer
to the mark than the one at which the ratio is 100 % (seen on ten of ten recorded positions). Deleveraging takes no fee, delivery
0.01 % (both UNVERIFIED). No call switches on margin that is added automatically; a margin mode is that of the order and stays
(V5 "Set leverage", "Get positions"; read 2026-11-23).
"""

from __future__ import annotations

from decimal import Decimal

from monitor.practice.engine.arithmetic import Stake
from monitor.practice.engine.terms import Takeover, Terms


class OkxTerms(Terms):
    """Swaps and futures, linear and inverse."""

    exchange = "okx"
    unit = Decimal("1e-12")
    auto_adds = False
    delivery_fee = Decimal("0.0001")
    taker_fee = Decimal("0.0005")

    def requirement(self, stake: Stake, price: Decimal) -> Decimal:
        """Maintenance and liquidation fee; equity over this is the ratio that OKX shows."""
        return self.maintenance(stake, price) + stake.value(price) * stake.fee_rate

    def published(self, stake: Stake, price: Decimal) -> Decimal:
        """One tick nearer to the mark."""
        return price + stake.contract.tick if stake.long else price - stake.contract.tick

    def takeover(self, stake: Stake, price: Decimal) -> Takeover:
        """Fee and penalty take what is left at the mark; beyond the bankruptcy price the loss is the margin and no more."""
        profit = self.exact(stake.profit(price))
        left = stake.margin + profit
        if left <= 0:
            return Takeover(price=self.bankruptcy_price(stake) or price, profit=-stake.margin)
        fee = min(left, self.exact(stake.value(price) * stake.fee_rate))
        return Takeover(price=price, profit=profit, fee=-fee, penalty=fee - left)

    def cut(self, stake: Stake, price: Decimal) -> Decimal | None:
        """Two tiers down, from tier 3 on, while the lowest tier's need is met."""
        tier = self.tier(stake, price)
        lowest = stake.value(price) * (stake.contract.tiers[0].rate + stake.fee_rate)
        if tier < 2 or stake.equity(price) <= lowest:
            return None
        quantity = self.down_to(stake, tier - 2, price)
        return quantity if quantity < stake.quantity else None
