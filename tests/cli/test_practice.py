"""`margincall practice` and its remote control, against a practice exchange on a free port."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from monitor.cli.practice import group, read_fault
from monitor.cli.practice_remote import PracticeRefused, call
from monitor.config import load
from monitor.practice import DEMO, EngineSource, ServerThread, build

COMMAND = [sys.executable, "-m", "monitor", "practice"]


@pytest.fixture
def server() -> Iterator[ServerThread]:
    with ServerThread(EngineSource(build(DEMO))) as running:
        yield running


@pytest.fixture
def control(server):
    def run(*arguments: str, code: int = 0) -> str:
        verb, *rest = arguments
        result = CliRunner().invoke(group, [verb, "--port", str(server.server.port), *rest])
        assert result.exit_code == code, result.output or result.exception
        return result.output if code == 0 else f"{result.output}{result.exception}"

    return run


def test_status_shows_positions_prices_and_faults(control, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    control("fault", "slow,exchange=okx,amount=3")
    shown = control("status")
    assert re.search(r"alpha +BTCUSDT +long +0\.5 +117060 +109753\.5 +3872\.735 +0\n", shown)
    assert "Fault 1: kind slow, exchange okx" in shown
    assert "…" not in shown
    assert json.loads(control("status", "--json"))["faults"]["1"]["kind"] == "slow"


def test_a_mark_moves_and_liquidates(control):
    # the 15x long is liquidated at 109,753.5
    assert control("mark", "binance", "BTCUSDT", "109754") == "BTCUSDT on binance is at 109754; 0 liquidations.\n"
    assert control("mark", "binance", "BTCUSDT", "109753") == "BTCUSDT on binance is at 109753; 1 liquidation.\n"
    assert "liquidated: BTCUSDT takeover" in control("status")


def test_positions_open_and_close(control):
    control("open", "alpha", "ETHUSDT", "long", "2", "--leverage", "20")
    assert "there is a position already" in control("open", "alpha", "ETHUSDT", "long", "2", code=1)
    control("close", "alpha", "ETHUSDT")
    assert "there is no open position" in control("close", "alpha", "ETHUSDT", code=1)
    assert "side is long or short" in control("open", "alpha", "ETHUSDT", "up", "2", code=1)


def test_a_position_lives_a_whole_life(control, server):
    control("open", "beta", "BTCUSDT", "long", "0.1")
    place, side = ("beta", "BTCUSDT"), ("--slot", "long")
    assert control("grow", *place, "0.1", *side, "--price", "117000") == "BTCUSDT of beta is larger by 0.1.\n"
    assert control("close", *place, *side, "--contracts", "0.05") == "BTCUSDT of beta is closed by 0.05 contracts.\n"
    assert control("margin", *place, *side, "25") == "The margin of BTCUSDT of beta is changed by 25.\n"
    assert control("margin", *side, *place, "--", "-5") == "The margin of BTCUSDT of beta is changed by -5.\n"
    assert control("leverage", *place, "8", *side) == "BTCUSDT of beta has leverage 8.\n"
    assert control("auto-margin", *place, *side) == "The exchange adds margin to BTCUSDT of beta by itself.\n"
    assert control("auto-margin", *place, *side, "--off") == "The exchange adds no margin to BTCUSDT of beta by itself.\n"
    told = control("deleverage", *place, *side, "--contracts", "0.05", "--price", "118000")
    assert told == "BTCUSDT of beta is auto-deleveraged by 0.05 contracts.\n"
    assert control("cross", *place, *side) == "BTCUSDT of beta is cross.\n"
    assert (
        control("flip", "gamma", "BTC-USD-SWAP", "10", "--leverage", "5")
        == "BTC-USD-SWAP of gamma is flipped, with 10 contracts.\n"
    )
    assert control("deliver", "bybit", "BTCUSDT", "--price", "117000") == "BTCUSDT on bybit is delivered; 1 position closed.\n"
    events = call(server.server.port, "GET", "state")["accounts"]["beta"]["events"]
    kinds = [event["kind"] for event in events if event["contract"] == "BTCUSDT"]
    assert kinds == ["open", "open", "close", "add", "reduce", "leverage", "deleverage", "mode", "delivery"]


def test_a_scenario_plays_and_stops(control, server):
    assert control("play", "crash", "--speed", "20") == "Playing crash at 20 times real speed.\n"
    assert control("stop") == "Prices stand still.\n"
    assert call(server.server.port, "GET", "state")["playing"]["scenario"] == "crash"
    assert "scenarios: calm, crash" in control("play", "moon", code=1)


def test_funding_and_tiers_change_what_they_name(control, server):
    before = call(server.server.port, "GET", "state")["accounts"]["gamma"]["positions"][0]
    control("funding", "okx", "ATOM-USDT-SWAP", "0.001")
    control("tiers", "okx", "ATOM-USDT-SWAP", "2")
    after = call(server.server.port, "GET", "state")["accounts"]["gamma"]["positions"][0]
    # 0.1 % of 25,000 x 3.93
    assert float(before["margin"]) - float(after["margin"]) == pytest.approx(98.25)
    assert float(after["requirement"]) > float(before["requirement"])


def test_faults_come_and_go(control, server):
    assert control("fault", "hang,exchange=okx,lasts=20s") == "Fault 1 is in.\n"
    control("fault", "500,times=3")
    assert control("lift", "1") == "Fault 1 is out.\n"
    assert list(server.server.faults.placed()) == [2]
    assert control("lift") == "All faults are out.\n"
    assert server.server.faults.placed() == {}


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("hang", {"kind": "hang"}),
        ("429,account=alpha,call=*positionRisk*,method=GET", {
            "kind": "429", "account": "alpha", "call": "*positionRisk*", "method": "GET",
        }),
        ("slow, amount=2.5s ,after=1", {"kind": "slow", "amount": "2.5", "after": "1"}),
        ("refuse,lasts=5", {"kind": "refuse", "lasts": "5"}),
    ],
)  # fmt: skip
def test_a_fault_is_read_from_its_words(text, body):
    assert read_fault(text) == body


@pytest.mark.parametrize("text", ["", "sleep", "hang,colour=red", "hang,lasts", "hang,lasts=soon", "refuse"])
def test_a_fault_that_makes_no_sense_is_refused(text):
    with pytest.raises(typer.BadParameter):
        read_fault(text)


def test_control_without_an_exchange_says_how_to_start_one():
    with ServerThread(EngineSource(build({}))) as gone:
        port = gone.server.port
    with pytest.raises(PracticeRefused, match=f"No practice exchange answers on port {port}") as refused:
        call(port, "GET", "state")
    assert "margincall practice" in refused.value.advice


def served(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "--port", "0", *options],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_serving_prints_a_configuration_that_the_program_takes(tmp_path, monkeypatch):
    process = served("--scenario", "calm", "--fault", "slow,amount=0,times=1000")
    assert process.stdout is not None
    said = []
    while "--help shows" not in (line := process.stdout.readline()):
        assert line, process.stderr and process.stderr.read()
        said.append(line)
    text = "".join(said)
    port = int(re.findall(r"http://127\.0\.0\.1:(\d+)", text)[0])
    config = tmp_path / "config.yaml"
    config.write_text(text.split("# config.yaml\n")[1].split("\n#")[0])
    for name, value in re.findall(r"^export (\w+)=(\S+)$", text, re.MULTILINE):
        monkeypatch.setenv(name, value)
    loaded = load(config)
    assert set(loaded.settings.accounts) == set(DEMO["accounts"]) == set(yaml.safe_load(config.read_text())["accounts"])
    assert call(port, "GET", "state")["accounts"]["alpha"]["exchange"] == "binance"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--scenario", "moon"), 2, "must be one of"),
        (("--scenario", "calm", "--prices", "x.csv"), 2, "only one of"),
        (("--world", "nowhere.json"), 1, "nowhere.json cannot be read: No such file or directory."),
        (("--prices", "nowhere.csv"), 1, "nowhere.csv cannot be read: No such file or directory."),
        (("--replay", "bad.json"), 1, "bad.json is not JSON"),
        (("--world", "odd.json"), 1, "The world in odd.json cannot be built"),
        (("--speed", "-1"), 2, "must be a number above 0"),
        (("--fault", "sleep"), 2, "is none of refuse, reset"),
    ],
)
def test_what_cannot_be_served_is_said_in_words(tmp_path: Path, options, code, words):
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "odd.json").write_text('{"accounts": {"main": {}}}')
    done = subprocess.run(
        [*COMMAND, "--port", "0", *options], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_said_in_words(server):
    taken = str(server.server.port)
    done = subprocess.run([*COMMAND, "--port", taken], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert done.stderr == f"Port {taken} cannot be listened on.\nChoose another with --port.\n"


def test_a_recorded_series_can_be_played(tmp_path):
    series = tmp_path / "series.csv"
    series.write_text("ts_ms,close\n" + "".join(f"{second * 1000},{100 - second}\n" for second in range(60)))
    process = served("--prices", str(series), "--speed", "100")
    assert process.stdout is not None
    first = process.stdout.readline()
    assert "Playing prices at 100 times real speed" in first
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 0
