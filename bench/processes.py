"""Whole processes: the daemon's memory with three exchanges loaded, and how fast `positions` answers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench.server import Exchange

COLD_STARTS = 9
SETTLE_SECONDS = 30.0


def measure(exchange: Exchange, folder: Path) -> dict[str, float | None]:
    """Run the daemon on three accounts, look at its memory once it reads, stop it, then time the reading verb."""
    config = folder / "config.yaml"
    accounts = "\n".join(
        f'  {name}: {{exchange: {name}, credentials: any, endpoint: "{exchange.endpoint}", poll: {{calm: 1s, near: 1s}}}}'
        for name in ("binance", "bybit", "okx")
    )
    config.write_text(f"accounts:\n{accounts}\nchannels:\n  phone: {{url_from: phone_url}}\nstore: ./bench.db\n")
    environment = {
        **os.environ,
        "MARGINCALL_SECRET_ANY_API_KEY": "key",
        "MARGINCALL_SECRET_ANY_SECRET": "secret",
        "MARGINCALL_SECRET_ANY_PASSPHRASE": "passphrase",
        "MARGINCALL_SECRET_PHONE_URL": "json://127.0.0.1:9/",
    }
    command = [str(Path(sys.executable).parent / "margincall")]
    daemon = subprocess.Popen(
        [*command, "run", "--config", str(config)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline and not (folder / "bench.db").exists():
            time.sleep(0.1)
        time.sleep(5)
        resident = _resident_mib(daemon.pid)
    finally:
        daemon.terminate()
        daemon.wait()
    starts = []
    for _ in range(COLD_STARTS):
        began = time.perf_counter()
        subprocess.run([*command, "positions", "--config", str(config)], check=True, stdout=subprocess.DEVNULL, env=environment)
        starts.append(time.perf_counter() - began)
    return {"resident_mib_three_exchanges": resident, "positions_cold_start_seconds": median(starts)}


def _resident_mib(pid: int) -> float | None:
    """Of a living process, by /proc; None where there is none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
