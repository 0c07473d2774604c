"""`margincall demo` as a subprocess: the whole product, faster than anybody could watch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.program import until

pytestmark = pytest.mark.timeout(120)
COMMAND = [sys.executable, "-m", "monitor", "demo"]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "COLUMNS": "100"}


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *options], env=environment(folder), capture_output=True, text=True, timeout=100, check=False)


def left_in(folder: Path) -> list[Path]:
    return list(folder.glob("margincall-demo-*"))


def test_the_crash_is_played_through_and_the_books_agree(tmp_path):
    done = run(tmp_path, "--headless", "--json", "--speed", "700", "--seed", "1")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert set(document) == {"scenario", "seconds", "positions", "alerts", "top_ups"}
    assert (document["scenario"], document["seconds"]) == ("crash", 5400)
    fates = {(one["account"], one["symbol"], one["side"]): one["outcome"] for one in document["positions"]}
    # At this speed a reading is 140 s of the market: whether the protected twin is helped in time is luck, the books are not.
    assert fates.pop(("delta", "ETH/USDT:USDT", "long")) in {"survived", "liquidated"}
    topped_up = {one["account"]: one["topped_up"] for one in document["positions"]}
    assert document["top_ups"]["amount_by_currency"] == {"USDT": topped_up.pop("delta")}
    assert set(topped_up.values()) == {"0"}
    assert document["top_ups"]["unknown"] == 0
    assert fates == {
        ("alpha", "BTC/USDT:USDT", "long"): "liquidated",
        ("alpha", "BTC/USD:BTC", "short"): "survived",
        ("beta", "ETH/USDT:USDT", "long"): "liquidated",
        ("beta", "ETH/USDT:USDT", "short"): "survived",
        ("gamma", "ATOM/USDT:USDT", "long"): "liquidated",
        ("gamma", "BTC/USD:BTC", "long"): "survived",
    }
    alerts = document["alerts"]
    assert alerts["raised"] == alerts["delivered"] >= 5
    assert alerts["lost"] == alerts["duplicated"] == 0
    bitcoin = next(one for one in document["positions"] if one["symbol"] == "BTC/USDT:USDT")
    # at 700 times real speed a reading is 140 s of the market; the first plunge is 450 s before the second
    assert bitcoin["lead_seconds"] > 200
    assert bitcoin["lead_seconds"] == bitcoin["liquidated_seconds"] - bitcoin["first_warning_seconds"]
    assert left_in(tmp_path) == []


def test_an_interrupt_leaves_no_process_and_no_folder(tmp_path):
    demo = subprocess.Popen(
        [*COMMAND, "--scenario", "calm"], env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert demo.stdout is not None
    lines = [demo.stdout.readline() for _ in range(2)]
    assert lines[0] == "00:00  -- Starting the practice exchange and the daemon ...\n"
    assert "guarding 7 positions on 4 accounts" in lines[1]
    (folder,) = left_in(tmp_path)
    daemon = int((folder / "store.db.lock").read_text())
    os.kill(daemon, 0)
    demo.send_signal(signal.SIGINT)
    _, errors = demo.communicate(timeout=30)
    assert demo.returncode == 130
    assert errors == "Stopped. Nothing is left behind.\n"
    assert left_in(tmp_path) == []
    with pytest.raises(ProcessLookupError):
        os.kill(daemon, 0)


def test_a_demo_that_is_interrupted_before_anything_runs_leaves_nothing_either(tmp_path):
    demo = subprocess.Popen([*COMMAND], env=environment(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until(lambda: bool(left_in(tmp_path)))
    until(lambda: any((folder / "config.yaml").exists() for folder in left_in(tmp_path)))
    demo.send_signal(signal.SIGTERM)
    demo.communicate(timeout=30)
    assert demo.returncode == 130
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--scenario", "moon"), "must be one of crash, calm, whipsaw, gap"),
        (("--speed", "0"), "must be a number above 0"),
        (("--speed", "fast"), "must be a number above 0"),
        (("--speed", "NaN"), "must be a number above 0"),
    ],
)
def test_bad_options_are_refused_in_words(tmp_path, options, words):
    done = run(tmp_path, *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert left_in(tmp_path) == []
