"""`margincall practice status`: what stands on the practice exchange, as text or JSON."""

from __future__ import annotations

import json
from typing import Any

import typer


def show_status(state: Any, faults: Any, *, as_json: bool) -> None:
    """Print it; ``state`` and ``faults`` as the control calls answer."""
    if as_json:
        typer.echo(json.dumps({**state, "faults": faults}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("account", "contract", "side", "contracts", "entry", "mark", "liquidation", "margin", "profit", "tier"):
        table.add_column(name, justify="left" if name in {"account", "contract", "side"} else "right", no_wrap=True)
    for name, account in state["accounts"].items():
        for one in account["positions"]:
            figures = (one[field] for field in ("quantity", "entry", "mark", "liquidation_price", "margin", "profit"))
            shown = (_short(figure) for figure in figures)
            table.add_row(f"{name} ({account['exchange']})", one["contract"], one["side"], *shown, str(one["tier"]))
    if table.row_count:
        console.print(table)
    else:
        console.print("No open position.")
    for name, account in state["accounts"].items():
        free = ", ".join(f"{_short(amount)} {currency}" for currency, amount in account["free"].items())
        ended = [f"{event['contract']} {event['kind']}" for event in account["events"] if event["kind"] in {"cut", "takeover"}]
        console.print(f"{name}: {free} free{'; liquidated: ' + ', '.join(ended) if ended else ''}")
    playing = state["playing"]
    console.print(f"Playing {playing['scenario']}, second {playing['second']}." if playing else "Prices stand still.")
    for number, fault in faults.items():
        console.print(f"Fault {number}: " + ", ".join(f"{name} {value}" for name, value in fault.items() if value != "*"))


def _short(figure: str | None) -> str:
    """At most eight digits after the point, without trailing zeros."""
    if figure is None:
        return "-"
    whole, point, rest = figure.partition(".")
    rest = rest[:8].rstrip("0")
    return whole + (point + rest if rest else "")
