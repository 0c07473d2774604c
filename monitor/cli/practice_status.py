"""`margincall practice status`: what stands on the practice exchange, as text or JSON."""

from __future__ import annotations

import json
from decimal import Context, Decimal
from typing import Any

import typer

_SEVEN = Context(prec=7)


def show_status(state: Any, faults: Any, *, as_json: bool) -> None:
    """Print it; ``state`` and ``faults`` as the control calls answer."""
    if as_json:
        typer.echo(json.dumps({**state, "faults": faults}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False, collapse_padding=True)
    for name in ("account", "contract", "side", "contracts", "mark", "liquidation", "margin", "profit"):
        table.add_column(name, justify="left" if name in {"account", "contract", "side"} else "right", no_wrap=True)
    for name, account in state["accounts"].items():
        for one in account["positions"]:
            figures = (one[field] for field in ("quantity", "mark", "liquidation_price", "margin", "profit"))
            shown = (_short(figure) for figure in figures)
            table.add_row(name, one["contract"], one["side"], *shown)
    if table.row_count:
        console.print(table)
    else:
        console.print("No open position.")
    for name, account in state["accounts"].items():
        free = ", ".join(f"{_short(amount)} {currency}" for currency, amount in account["free"].items())
        ended = [f"{event['contract']} {event['kind']}" for event in account["events"] if event["kind"] in {"cut", "takeover"}]
        console.print(f"{name} on {account['exchange']}: {free} free{'; liquidated: ' + ', '.join(ended) if ended else ''}")
    playing = state["playing"]
    console.print(f"Scenario {playing['scenario']}, at second {playing['second']}." if playing else "No scenario was played.")
    for number, fault in faults.items():
        console.print(f"Fault {number}: " + ", ".join(f"{name} {value}" for name, value in fault.items() if value != "*"))


def _short(figure: str | None) -> str:
    """At most seven digits that count, plainly written."""
    return "-" if figure is None else f"{(_SEVEN.plus(Decimal(figure)) + 0).normalize():f}"
