"""How late the event loop of the real daemon is while it is busy, by its own /metrics: at most, and in 99 of 100 looks.

Busy: three accounts of 100 positions each, polled every second, alerts of all of them on their way to a phone, a page of metrics
every second, and a store that commits each poll to the disk.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from bench.latency import Phone
from bench.server import Exchange

ACCOUNTS = 3
SECONDS = 45.0
START_SECONDS = 30.0
PAUSE = 1.0
_LAG = re.compile(r"^margincall_loop_lag(_p99)?_seconds (\S+)$", re.MULTILINE)


def measure(exchange: Exchange, folder: Path) -> dict[str, float | None]:
    """Run the daemon, look at its page each second, and give the last minute's figures."""
    phone = Phone()
    threading.Thread(target=phone.serve_forever, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = folder / "lag.yaml"
    accounts = "\n".join(
        f'  a{number}: {{exchange: binance, credentials: any, endpoint: "{exchange.endpoint}", poll: {{calm: 1s, near: 1s}}}}'
        for number in range(ACCOUNTS)
    )
    config.write_text(
        f"accounts:\n{accounts}\nchannels:\n  phone: {{url_from: phone_url}}\nstore: ./lag.db\n"
        f"web: {{listen: '127.0.0.1:{port}'}}\nrules: [{{kind: cushion, warning: 99%}}, {{kind: data_stale}}]\n"
    )
    environment = {
        **os.environ,
        "MARGINCALL_SECRET_ANY_API_KEY": "key",
        "MARGINCALL_SECRET_ANY_SECRET": "secret",
        "MARGINCALL_SECRET_PHONE_URL": f"json://127.0.0.1:{phone.server_port}/",
    }
    command = [str(Path(sys.executable).parent / "margincall"), "run", "--config", str(config)]
    daemon = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    page = ""
    try:
        began = time.monotonic()
        while time.monotonic() < began + SECONDS:
            time.sleep(PAUSE)
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=START_SECONDS) as answer:
                    page = answer.read().decode()
            except urllib.error.URLError:
                if time.monotonic() > began + START_SECONDS:
                    raise
    finally:
        daemon.terminate()
        daemon.wait()
        phone.shutdown()
    assert page.count("margincall_position_equity{") == ACCOUNTS * exchange.count, "the daemon did not read every position"
    lags = {kind: float(value) for kind, value in _LAG.findall(page)}
    return {
        "loop_lag_p99_seconds": lags["_p99"],
        "loop_lag_worst_seconds": lags[""],
        "loop_lag_messages": float(len(phone.accepted)),
    }
