"""The exchange of the measurements: a replay server in a process of its own, with so many Binance USD-M positions."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self


def rows(count: int) -> list[dict[str, Any]]:
    """Position rows as positionRisk v3 sends them, all calm 10x longs."""
    return [
        {
            "symbol": f"C{number:03d}USDT",
            "positionSide": "BOTH",
            "positionAmt": f"{10 + number}.5",
            "entryPrice": "101.2345",
            "breakEvenPrice": "101.28",
            "markPrice": "100.98765432",
            "unRealizedProfit": f"{-(10 + number + 0.5) * 0.24684568:.8f}",
            "liquidationPrice": "0",
            "isolatedMargin": f"{(10 + number + 0.5) * (10.12345 - 0.24684568):.8f}",
            "notional": f"{(10 + number + 0.5) * 100.98765432:.8f}",
            "marginAsset": "USDT",
            "isolatedWallet": f"{(10 + number + 0.5) * 10.12345:.8f}",
            "initialMargin": f"{(10 + number + 0.5) * 10.09876543:.8f}",
            "maintMargin": f"{(10 + number + 0.5) * 100.98765432 * 0.01:.8f}",
            "positionInitialMargin": f"{(10 + number + 0.5) * 10.09876543:.8f}",
            "openOrderInitialMargin": "0",
            "adl": "2",
            "bidNotional": "0",
            "askNotional": "0",
            "updateTime": "1720736417660",
        }
        for number in range(count)
    ]


def description(count: int) -> dict[str, Any]:
    """The replay description: ``count`` positions with one tier of 1 %."""
    held = rows(count)
    return {
        "binance": {
            "positions": held,
            "tiers": {row["symbol"]: {"rate": "0.01", "deduction": "0"} for row in held},
            "balances": {"USDT": "1000"},
        }
    }


class Exchange:
    """A context manager: the server runs inside it; ``endpoint`` is its address."""

    def __init__(self, count: int, folder: Path) -> None:
        self.count = count
        self._folder = folder
        self.endpoint = ""

    def __enter__(self) -> Self:
        replay, port = self._folder / f"replay{self.count}.json", self._folder / f"port{self.count}"
        port.unlink(missing_ok=True)
        replay.write_text(json.dumps(description(self.count)))
        command = [sys.executable, "-m", "monitor.practice", "--replay", str(replay), "--port-file", str(port)]
        self._process = subprocess.Popen(command)
        while not port.exists():
            time.sleep(0.02)
        self.endpoint = f"http://127.0.0.1:{port.read_text().strip()}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
