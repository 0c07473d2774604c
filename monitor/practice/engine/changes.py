"""What changes about an open position without a trade: its margin, leverage and margin mode, by its owner or by the exchange."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal

from monitor.practice.engine.accounts import Account, Kind, Mode, Position, Record, Slot
from monitor.practice.engine.arithmetic import NOTHING
from monitor.practice.engine.exits import Exits
from monitor.practice.engine.refusal import Reason, Refused


class Changes(Exits):
    """Margin, leverage and margin mode of open positions. Whatever raises Refused has changed nothing."""

    def change_margin(self, name: str, contract_id: str, slot: Slot, amount: Decimal) -> Position:
        """Add ``amount`` from the free balance, or take it out (negative)."""
        account, position = self._isolated(name, contract_id, slot)
        terms = self.terms[account.exchange]
        if amount == 0:
            raise Refused(Reason.NOTHING_CHANGES)
        if amount != terms.exact(amount):
            raise Refused(Reason.TOO_PRECISE)
        if amount > self.free(account, position.contract.settle):
            raise Refused(Reason.NOT_ENOUGH_FREE)
        if -amount > terms.removable(self.stake(position), self.mark(position.contract)):
            raise Refused(Reason.TOO_MUCH_OUT)
        self._move(account, position, Kind.ADD if amount > 0 else Kind.REDUCE, amount)
        return position

    def set_leverage(self, name: str, contract_id: str, slot: Slot, leverage: Decimal) -> list[Record]:
        """Another leverage setting: OKX and Bybit release margin when it goes up and take more when it goes down.

        On Binance it is the contract's, both sides of it, goes only up while an isolated position is open, and moves no margin
        (UNVERIFIED; USD-M "Change Initial Leverage" and error -4161, V5 "Set Leverage" of Bybit and OKX; read 2026-11-23).
        """
        account, position = self._isolated(name, contract_id, slot)
        if leverage <= 0:
            raise Refused(Reason.NOT_POSITIVE)
        if leverage == position.leverage:
            raise Refused(Reason.NOTHING_CHANGES)
        account_wide = not self.terms[account.exchange].leverage_moves_margin
        if account_wide and leverage < position.leverage:
            raise Refused(Reason.LEVERAGE_DOWN)
        amount = NOTHING if account_wide else self._asked_more(account, position, leverage)
        account.leverage[position.contract.id] = leverage
        sides = [p for p in account.positions.values() if p.contract.id == contract_id] if account_wide else [position]
        for side in sides:
            side.leverage = leverage
        return [self._move(account, side, Kind.LEVERAGE, amount) for side in sides]

    def _asked_more(self, account: Account, position: Position, leverage: Decimal) -> Decimal:
        """The margin that ``leverage`` asks more than the one before, negative: less."""
        terms, before, settle = self.terms[account.exchange], self.stake(position), position.contract.settle
        position.leverage, old = leverage, position.leverage
        stake = self.stake(position)
        position.leverage = old
        amount = (terms.initial(stake) - terms.initial(before)).quantize(terms.unit, rounding=ROUND_UP)
        if amount > self.free(account, settle):
            raise Refused(Reason.NOT_ENOUGH_FREE)
        mark = self.mark(position.contract)
        if stake.equity(mark) + amount <= terms.requirement(stake, mark) or stake.margin + amount <= 0:
            raise Refused(Reason.WOULD_LIQUIDATE)
        return amount

    def set_auto_add(self, name: str, contract_id: str, slot: Slot = Slot.NET, *, on: bool = True) -> Position:
        """Let the exchange add margin by itself, or no more: Bybit's linear contracts and Binance; OKX has no such call."""
        account, position = self._isolated(name, contract_id, slot)
        if not self.terms[account.exchange].auto_adds or (account.exchange == "bybit" and position.contract.inverse):
            raise Refused(Reason.NO_AUTO_MARGIN)
        position.auto_add = on
        self.touch(position)
        return position

    def auto_add(self, account: Account, position: Position) -> bool:
        """Add what the exchange adds by itself at the requirement; whether it added anything.

        The position's initial margin, or all that is free where that is less, until it is fully covered (leverage 1): Bybit's
        help centre "Auto-Margin Replenishment", read 2026-11-22. That Binance does it alike is UNVERIFIED.
        """
        if not position.auto_add:
            return False
        terms, stake = self.terms[account.exchange], self.stake(position)
        uncovered = stake.value(stake.entry) - stake.margin
        amount = terms.exact(min(terms.initial(stake), self.free(account, position.contract.settle), uncovered))
        if amount <= 0:
            return False
        self._move(account, position, Kind.AUTO_ADD, amount)
        return True

    def set_cross(self, name: str, contract_id: str, slot: Slot = Slot.NET) -> list[Record]:
        """The margin mode becomes cross under open positions: on Bybit, for the whole account.

        Binance refuses it while a position is open (-4048), on OKX a position keeps the mode of its order.
        """
        account, position = self.held(name, contract_id, slot)
        if not self.terms[account.exchange].mode_with_position:
            raise Refused(Reason.HAS_POSITION)
        if position.mode is Mode.CROSS:
            raise Refused(Reason.NOTHING_CHANGES)
        account.margin_mode = "REGULAR_MARGIN"
        changed = [p for p in account.positions.values() if p.mode is Mode.ISOLATED]
        for each in changed:
            each.mode, each.liquidating_since = Mode.CROSS, None
        return [self._move(account, each, Kind.MODE, -self.margin(each)) for each in changed]

    def _isolated(self, name: str, contract_id: str, slot: Slot) -> tuple[Account, Position]:
        """An open isolated position that is not being liquidated."""
        account, position = self.held(name, contract_id, slot)
        if position.mode is not Mode.ISOLATED:
            raise Refused(Reason.NOT_ISOLATED)
        if position.liquidating_since is not None:
            raise Refused(Reason.LIQUIDATING)
        return account, position

    def _move(self, account: Account, position: Position, kind: Kind, amount: Decimal) -> Record:
        """Move ``amount`` from the free balance into the margin, with its record."""
        self.ledger.move(position.contract.settle, amount, account.place, position.place)
        self.touch(position)
        return self.note(account, kind, position.contract.settle, position, into_margin=amount)
