"""The systemd unit: whether it is there, runs, comes back after a reboot, and guards by this very configuration.

Source of the properties and of how ``ExecStart`` is printed: systemctl(1) and org.freedesktop.systemd1(5), read 2026-11-23.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from monitor.ports import CheckLine

NAME = "margincall.service"
SECONDS = 3.0
TOPIC = "systemd unit"
_PROPERTIES = "LoadState,ActiveState,UnitFileState,NeedDaemonReload,ExecStart"
_SCOPES = ("--system", "--user")

Ask = Callable[[Sequence[str]], str | None]
"""What a command prints, None where it cannot be had."""


def ask_systemctl(arguments: Sequence[str]) -> str | None:
    """What ``systemctl`` prints with these arguments; None without it, when it fails or does not answer in time."""
    program = shutil.which("systemctl")
    if program is None:
        return None
    try:
        # A fixed program with fixed arguments; nothing of the user's goes in.
        said = subprocess.run(  # noqa: S603 - fixed words
            [program, *arguments], capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return said.stdout


def unit_lines(config: Path, ask: Ask = ask_systemctl) -> Iterator[CheckLine]:
    """The lines on the system's unit, else on the user's own; one plain line where there is no systemd to ask."""
    show = ["show", NAME, f"--property={_PROPERTIES}"]
    seen = [(scope, _read(text)) for scope in _SCOPES if (text := ask([scope, *show])) is not None]
    if not seen:
        yield CheckLine(status="ok", topic=TOPIC, text="skipped: no systemd answers here")
        return
    for scope, unit in seen:
        if unit.get("LoadState") not in {"not-found", None}:
            yield from _lines("" if scope == "--system" else f"{scope} ", unit, config)
            return
    advice = "Install it: margincall service install"
    text = f"no {NAME}: nothing starts the guard again after a crash or a reboot"
    yield CheckLine(status="warn", topic=TOPIC, text=text, advice=advice)


def _read(text: str) -> Mapping[str, str]:
    """``Name=value`` lines."""
    return {name: value for name, _, value in (line.partition("=") for line in text.splitlines()) if value}


def _lines(scope: str, unit: Mapping[str, str], config: Path) -> Iterator[CheckLine]:
    state = unit.get("ActiveState", "unknown")
    enabled = unit.get("UnitFileState", "unknown")
    if unit.get("LoadState") != "loaded":
        text = f"{NAME} cannot be used ({unit.get('LoadState')})"
        yield CheckLine(status="fail", topic=TOPIC, text=text, advice=f"See `systemctl {scope}status {NAME}`.")
        return
    if state in {"active", "activating", "reloading"}:
        yield CheckLine(status="ok", topic=TOPIC, text=f"{NAME} is {state}")
    else:
        advice = f"See `journalctl {scope}-u {NAME}`, then `systemctl {scope}start {NAME}`."
        status = "fail" if state == "failed" else "warn"
        yield CheckLine(status=status, topic=TOPIC, text=f"{NAME} is {state}: it guards nothing", advice=advice)
    if not enabled.startswith("enabled"):
        advice = f"Run: systemctl {scope}enable {NAME}"
        yield CheckLine(status="warn", topic=TOPIC, text=f"does not start with the machine ({enabled})", advice=advice)
    if unit.get("NeedDaemonReload") == "yes":
        advice = f"Run: systemctl {scope}daemon-reload, then restart it."
        text = "its file was changed after systemd read it: what runs is not what stands there"
        yield CheckLine(status="warn", topic=TOPIC, text=text, advice=advice)
    theirs = _config_of(unit.get("ExecStart", ""))
    if theirs is None:
        yield CheckLine(status="ok", topic=TOPIC, text="its ExecStart names no configuration: it takes the first that it finds")
    elif theirs.resolve() != config.resolve():
        advice = f"Check that one: margincall check --config {shlex.quote(str(theirs))}"
        yield CheckLine(status="warn", topic=TOPIC, text=f"guards by {theirs}, not by this configuration", advice=advice)
    else:
        yield CheckLine(status="ok", topic=TOPIC, text="guards by this configuration")


def _config_of(started: str) -> Path | None:
    """The path behind ``--config`` in ``{ path=... ; argv[]=PROGRAM run --config PATH ; ... }``, where nothing is quoted."""
    command = started.partition("argv[]=")[2].partition(" ; ")[0]
    found = re.search(r" --config[ =](.+?)(?= --|$)", command)
    return None if found is None else Path(found[1])
