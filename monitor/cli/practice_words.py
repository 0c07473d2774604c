"""What the verbs of `margincall practice` share: where the exchange listens, how a number is read, how it is told."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

PORT = 8765
Port = Annotated[int, typer.Option("--port", help="Where the practice exchange listens.")]


def number(text: str, name: str, *, positive: bool = False) -> Decimal:
    """A finite number from the command line; a usage error otherwise."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or (positive and value <= 0):
        raise typer.BadParameter(f"must be a number{' above 0' if positive else ''}", param_hint=name)
    return value


def tell(port: int, method: str, what: str, body: Any = None) -> Any:
    """One control call; raises PracticeRefused."""
    from monitor.cli.practice_remote import call

    return call(port, method, what, body)
