"""Control calls for what happens in the life of a position; ``slot`` is net (default), long or short.

Where OKX has a cross position beside an isolated one, ``CONTRACT cross`` names it.

    POST /control/close         {"account", "contract", "slot"?, "quantity"?, "price"?}: the owner closes all, or so much
    POST /control/grow          {"account", "contract", "slot"?, "quantity", "price"?}: the owner buys more into it
    POST /control/flip          {"account", "contract", "quantity", "leverage"?, "price"?}: one fill through zero
    POST /control/margin        {"account", "contract", "slot"?, "amount"}: the owner adds margin, or takes it out (below 0)
    POST /control/leverage      {"account", "contract", "slot"?, "leverage"}
    POST /control/auto-margin   {"account", "contract", "slot"?, "on"?: true}: the exchange adds margin by itself
    POST /control/cross         {"account", "contract", "slot"?}: the margin mode becomes cross (Bybit: of the whole account)
    POST /control/deleverage    {"account", "contract", "slot"?, "quantity"?, "price"?}: auto-deleveraging
    POST /control/deliver       {"exchange", "contract", "price"?}: the contract ends for everybody

``price`` is the mark where it is left out. Who falls under the requirement by it is liquidated at once.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from monitor.practice.engine.accounts import Slot
from monitor.practice.engine.exchange import PracticeExchange


class LifeControl:
    """The calls; ``engine`` gives the engine, or raises ValueError where there is none."""

    def __init__(self, engine: Callable[[], PracticeExchange]) -> None:
        self._engine = engine

    async def close(self, body: Any, _: str) -> Any:
        """The owner closes."""
        self._engine().close(*_place(body), quantity=_amount(body, "quantity"), price=_amount(body, "price"))
        return self._judged()

    async def grow(self, body: Any, _: str) -> Any:
        """The owner buys more into it."""
        self._engine().grow(*_place(body), quantity=Decimal(str(body["quantity"])), price=_amount(body, "price"))
        return self._judged()

    async def flip(self, body: Any, _: str) -> Any:
        """Through zero."""
        account, contract, _slot = _place(body)
        quantity, leverage, price = Decimal(str(body["quantity"])), _amount(body, "leverage"), _amount(body, "price")
        self._engine().flip(account, contract, quantity=quantity, leverage=leverage, price=price)
        return self._judged()

    async def margin(self, body: Any, _: str) -> Any:
        """The owner's own margin change."""
        self._engine().change_margin(*_place(body), Decimal(str(body["amount"])))
        return self._judged()

    async def leverage(self, body: Any, _: str) -> Any:
        """Another leverage."""
        self._engine().set_leverage(*_place(body), Decimal(str(body["leverage"])))
        return self._judged()

    async def auto_margin(self, body: Any, _: str) -> Any:
        """The exchange's own margin, on or off."""
        self._engine().set_auto_add(*_place(body), on=bool(body.get("on", True)))
        return self._judged()

    async def cross(self, body: Any, _: str) -> Any:
        """Cross from now on."""
        self._engine().set_cross(*_place(body))
        return self._judged()

    async def deleverage(self, body: Any, _: str) -> Any:
        """Auto-deleveraging."""
        self._engine().deleverage(*_place(body), quantity=_amount(body, "quantity"), price=_amount(body, "price"))
        return self._judged()

    async def deliver(self, body: Any, _: str) -> Any:
        """The end of a contract; how many positions that closed."""
        closed = self._engine().deliver(body["exchange"], body["contract"], _amount(body, "price"))
        return self._judged() | {"closed": len(closed)}

    def _judged(self) -> dict[str, Any]:
        return {"liquidations": len(self._engine().judge())}

    def routes(self) -> list[tuple[str, str, Any]]:
        """Method, path and what does it."""
        return [
            ("POST", "/control/close", self.close),
            ("POST", "/control/grow", self.grow),
            ("POST", "/control/flip", self.flip),
            ("POST", "/control/margin", self.margin),
            ("POST", "/control/leverage", self.leverage),
            ("POST", "/control/auto-margin", self.auto_margin),
            ("POST", "/control/cross", self.cross),
            ("POST", "/control/deleverage", self.deleverage),
            ("POST", "/control/deliver", self.deliver),
        ]


def _place(body: Any) -> tuple[str, str, Slot]:
    return body["account"], body["contract"], Slot(body.get("slot", "net"))


def _amount(body: Any, name: str) -> Decimal | None:
    return None if body.get(name) is None else Decimal(str(body[name]))
