"""The service's unit: what systemd itself says of it, and that each line of hardening stands under a reason."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "systemd" / "margincall.service"
MOST_EXPOSED = 11
"""Tenths: 1.1 on systemd's scale of 10, the floor of a service that needs the network of a machine's own root."""


USER_UNIT = UNIT.with_name("margincall-user.service")


def _analyzed(verb: str, unit: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed here")
    return subprocess.run([tool, verb, *options, str(unit)], capture_output=True, text=True, timeout=30, check=False)


def test_unit_is_exposed_to_no_more_than_a_network_service_must_be():
    """--threshold makes the exit code tell."""
    done = _analyzed("security", UNIT, "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", [UNIT, USER_UNIT], ids=lambda path: path.name)
def test_unit_holds_nothing_that_systemd_does_not_understand(tmp_path, monkeypatch, unit):
    """Only the program's own path is replaced: it is not installed where the tests run."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    here = tmp_path / UNIT.name
    here.write_text(unit.read_text().replace("/opt/margincall/bin/margincall", "/bin/true"))
    done = _analyzed("verify", here, "--man=no", *["--user"] * (unit == USER_UNIT))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_unit_gives_a_reason_for_every_group_of_lines():
    """From the service's own user on, a comment stands before each first line, and none of the groups is a long list."""
    service = UNIT.read_text().split("[Service]\n")[1].split("[Install]")[0]
    run = 0
    for line in filter(None, map(str.strip, service.split("DynamicUser")[1].splitlines()[1:])):
        run = 0 if line.startswith("#") else run + 1
        assert run <= 8, f"no reason near {line}"


@pytest.mark.parametrize("unit", [UNIT, USER_UNIT], ids=lambda path: path.name)
def test_unit_comes_back_always_but_for_a_configuration_that_cannot_be_used(unit):
    """A guard dog never stays down."""
    lines = unit.read_text().splitlines()
    assert {"ExecReload=/bin/kill -HUP $MAINPID", "WatchdogSec=60", "Type=notify"} <= set(lines)
    assert {"Restart=always", "StartLimitIntervalSec=0", "RestartPreventExitStatus=78"} <= set(lines)
