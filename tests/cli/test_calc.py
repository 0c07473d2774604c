"""`margincall calc` as a script sees it: standard output, standard error, exit code."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.cli.calc import calc

GOOD = {
    "exchange": "binance",
    "contract": "linear",
    "side": "long",
    "contracts": "1",
    "contract_size": "1",
    "entry_price": "100",
    "mark_price": "95",
    "isolated_margin": "10",
    "leverage": 10,
    "tiers": [{"floor": 0, "cap": None, "rate": 0.01, "deduction": 0}],
}
BAD = GOOD | {"side": "up"}


def a_file(folder: Path, *cases: object) -> str:
    path = folder / "cases.json"
    path.write_text(json.dumps(cases))
    return str(path)


def test_calc_prints_figures_when_every_case_is_good(tmp_path, capsys):
    assert calc(a_file(tmp_path, GOOD, GOOD), keep_going=False) == 0
    out, err = capsys.readouterr()
    first, second = json.loads(out)
    assert first == second
    assert first["headroom"] == "4.05"
    assert first["cushion"] == "0.45"
    assert first["tier"] == 1
    assert Decimal(first["liquidation_price"]) == Decimal(90) / Decimal("0.99")
    assert err == ""


def test_calc_reads_standard_input_when_the_path_is_a_dash(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbf" + json.dumps([GOOD]).encode())))
    assert calc("-", keep_going=False) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1


def test_calc_prints_nothing_when_one_case_is_bad(tmp_path, capsys):
    assert calc(a_file(tmp_path, GOOD, BAD), keep_going=False) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "[1] side: must be one of long, short\n"


def test_calc_prints_null_when_told_to_keep_going(tmp_path, capsys):
    assert calc(a_file(tmp_path, BAD, GOOD), keep_going=True) == 2
    out, err = capsys.readouterr()
    bad, good = json.loads(out)
    assert bad is None
    assert good["equity"] == "5"
    assert err == "[0] side: must be one of long, short\n"


def test_calc_prints_an_empty_array_when_there_are_no_cases(tmp_path, capsys):
    assert calc(a_file(tmp_path), keep_going=False) == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "input: cannot read "),
        (b"\xff\xfe", "input: is not UTF-8 text"),
        (b"{}", "input: must be a JSON array of cases"),
    ],
)
@pytest.mark.parametrize("keep_going", [False, True])
def test_calc_is_refused_when_the_input_cannot_be_read(tmp_path, capsys, content, problem, keep_going):
    path = tmp_path / "input"
    if content is not None:
        path.write_bytes(content)
    assert calc(str(path), keep_going) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(problem)
    assert err.count("\n") == 1


def test_calc_loads_nothing_heavy_when_imported():
    heavy = "'ccxt', 'apprise', 'pydantic', 'sqlite3', 'aiohttp', 'apscheduler', 'structlog'"
    code = f"import sys, monitor.cli.calc; print([name for name in ({heavy}) if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
