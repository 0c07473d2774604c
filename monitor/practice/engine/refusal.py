"""Why the practice exchange refuses something, in its own words; each wire turns the reason into its own code."""

from __future__ import annotations

from enum import StrEnum

from monitor.errors import MargincallError


class Reason(StrEnum):
    """The reasons."""

    NO_CONTRACT = "there is no such contract"
    NO_POSITION = "there is no open position"
    NOT_ISOLATED = "the position is not isolated"
    WRONG_SIDE = "the position side does not match the account's position mode"
    NOT_POSITIVE = "the amount must be more than 0"
    NOTHING_CHANGES = "the amount changes nothing"
    TOO_PRECISE = "the amount has too many decimals"
    NOT_ENOUGH_FREE = "the free balance is not enough"
    TOO_MUCH_OUT = "that much margin cannot be taken out"
    LIQUIDATING = "the position is being liquidated"
    TAKEN = "there is a position already"
    TOO_MANY_CONTRACTS = "the position has fewer contracts"
    LEVERAGE_DOWN = "the leverage of an open isolated position cannot go down"
    HAS_POSITION = "the margin mode cannot change while the position is open"
    NO_AUTO_MARGIN = "the exchange adds no margin to this contract by itself"
    WOULD_LIQUIDATE = "the position would be liquidated at once"
    DELIVERED = "the contract is delivered"
    NO_SUCH_ACCOUNT = "there is no such account"


class Refused(MargincallError):
    """The practice exchange refused; ``reason`` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason
