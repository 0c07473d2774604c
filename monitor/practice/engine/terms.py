"""What the three exchanges have in common when they ask for margin and take positions away; each overrides its own habits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from monitor.practice.engine.arithmetic import NOTHING, Stake, crossing
from monitor.practice.tiers import tier_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """What the owner is told: closed at ``price``; ``profit`` + ``fee`` + ``penalty`` = minus the whole margin."""

    price: Decimal
    profit: Decimal
    fee: Decimal = NOTHING
    penalty: Decimal = NOTHING


class Terms(ABC):
    """One exchange's terms for isolated positions.

    ``unit``: the smallest amount of any currency. ``fee_from_margin``: opening fees come out of the position's margin.
    ``funding_from_wallet``: funding is paid from the free balance first, and received there. ``cut_fee_to_fund``: the fee of a
    partial liquidation goes to the insurance fund. ``deleverage_fee``: a share of the value, taken where a position is
    auto-deleveraged; ``delivery_fee`` where its contract is delivered. ``leverage_moves_margin``: another leverage setting
    releases margin of an open isolated position, or asks for more; else it can only go up and moves none. ``auto_adds``: the
    exchange can add margin by itself. ``mode_with_position``: the margin mode may change under open positions.
    """

    exchange: str
    unit: Decimal = Decimal("1e-8")
    fee_from_margin: bool = False
    funding_from_wallet: bool = False
    cut_fee_to_fund: bool = False
    leverage_moves_margin: bool = True
    auto_adds: bool = True
    mode_with_position: bool = False
    deleverage_fee: Decimal = NOTHING
    delivery_fee: Decimal
    taker_fee: Decimal

    @abstractmethod
    def requirement(self, stake: Stake, price: Decimal) -> Decimal:
        """Liquidated when equity is not above this at the mark ``price``, in settle currency."""

    @abstractmethod
    def cut(self, stake: Stake, price: Decimal) -> Decimal | None:
        """How many contracts the next step of a liquidation closes at the mark; None: the whole position is taken over."""

    def initial(self, stake: Stake) -> Decimal:
        """Margin asked at opening, at the entry price."""
        return stake.value(stake.entry) / stake.leverage

    def cut_fee(self, stake: Stake, quantity: Decimal, price: Decimal) -> Decimal:
        """Fee of a partial liquidation of ``quantity`` contracts at ``price``."""
        return stake.contract.value(quantity, price) * stake.fee_rate

    @abstractmethod
    def takeover(self, stake: Stake, price: Decimal) -> Takeover:
        """How a takeover at the mark ``price`` is told to the owner."""

    def exact(self, amount: Decimal) -> Decimal:
        """``amount`` cut to the unit."""
        return amount.quantize(self.unit, rounding=ROUND_DOWN)

    def published(self, stake: Stake, price: Decimal) -> Decimal:
        """The liquidation price as the exchange shows it, from the price at which it liquidates."""
        del stake
        return price

    def removable(self, stake: Stake, price: Decimal) -> Decimal:
        """How much margin may be taken out at the mark ``price``; never below 0."""
        initial = self.initial(stake)
        return max(NOTHING, min(stake.margin - initial, stake.equity(price) - initial))

    def tier(self, stake: Stake, price: Decimal) -> int:
        """The index of the tier that holds the position at ``price``."""
        return tier_at(stake.contract.tiers, stake.contract.tier_size(stake.quantity, price))

    def maintenance(self, stake: Stake, price: Decimal) -> Decimal:
        """Rate of the tier on the value, less its deduction."""
        tier = stake.contract.tiers[self.tier(stake, price)]
        return stake.value(price) * tier.rate - tier.deduction

    def liquidation_price(self, stake: Stake) -> Decimal | None:
        """The mark price at which equity meets the requirement, None where no price does that."""
        return crossing(lambda price: stake.equity(price) - self.requirement(stake, price), near=stake.entry, rising=stake.long)

    def bankruptcy_price(self, stake: Stake) -> Decimal | None:
        """The price at which nothing is left of the margin, None where there is none."""
        return crossing(stake.equity, near=stake.entry, rising=stake.long)

    def down_to(self, stake: Stake, tier: int, price: Decimal) -> Decimal:
        """The contracts to close so that the rest fits under the cap of tier index ``tier``; at least one lot."""
        contract = stake.contract
        cap = contract.tiers[tier].cap
        fits = cap / contract.tier_size(Decimal(1), price)
        lots = (fits / contract.lot).to_integral_value(rounding=ROUND_DOWN)
        return max(contract.lot, stake.quantity - lots * contract.lot)
