"""The command line in this very process: what a verb prints, says on standard error, and exits with."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fcntl import ioctl
from pathlib import Path
from typing import Any

from monitor.cli import main
from monitor.decide import decide
from monitor.margin.reading import FamilyReading
from monitor.policy import Policy
from monitor.store.sqlite import SqliteStore
from tests.builders import policy
from tests.config.files import CANARY, SECRETS

PATIENCE = 20


@dataclass(frozen=True, slots=True)
class Said:
    """How a verb ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """A folder with a configuration, a store beside it, and the command run on them."""

    def __init__(self, folder: Path, monkeypatch: Any, capsys: Any) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self.store = folder / "store.db"
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.write("accounts:\n  main: {exchange: binance}\nchannels:\n  phone: {url_from: phone_url}\nstore: ./store.db\n")
        for name, value in SECRETS.items():
            monkeypatch.setenv(name, value)

    def write(self, text: str) -> None:
        """The configuration from now on."""
        self.config.write_text(text)

    def run(self, *arguments: str) -> Said:
        """One verb to its end; standard output and error are no terminals. Nothing that it says may hold a secret."""
        self._monkeypatch.setattr(sys, "argv", ["margincall", *arguments, "--config", str(self.config)])
        self._capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        said = Said(code, *self._capsys.readouterr())
        assert CANARY not in said.out + said.err
        return said

    def keep(self, *readings: FamilyReading, rules: Policy | None = None) -> None:
        """What a daemon would have kept of these readings."""

        async def commit() -> None:
            store = await SqliteStore.open(self.store)
            memory = await store.load()
            try:
                for reading in readings:
                    decision = decide(reading, memory, rules or policy(since=reading.at), reading.at)
                    memory = decision.memory
                    await store.commit(decision.commit, channels=["phone"])
            finally:
                await store.close()

        asyncio.run(commit())


def on_screen(arguments: Iterable[str], *, columns: int, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The lines that the real command writes to a terminal of this width, without their colours."""
    mine, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    clean = {name: value for name, value in environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    command = subprocess.Popen(
        [sys.executable, "-m", "monitor", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**clean, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    written = b""
    try:
        while select.select([mine], [], [], PATIENCE)[0]:
            try:
                part = os.read(mine, 65_536)
            except OSError:  # the other end is closed
                break
            written += part
    finally:
        os.close(mine)
        command.kill()
        command.wait(PATIENCE)
    return [line.rstrip() for line in _without_colours(written.decode()).replace("\r\n", "\n").splitlines()]


def _without_colours(text: str) -> str:
    plain, coloured = "", False
    for letter in text:
        if letter == "\x1b":
            coloured = True
        elif not coloured:
            plain += letter
        elif letter.isalpha():
            coloured = False
    return plain


def now() -> datetime:
    """The machine's time: verbs that read a store ask it for ages."""
    return datetime.now(UTC)


@contextmanager
def killed(program: subprocess.Popen[bytes]) -> Iterator[None]:
    """A program that waits for an answer does not outlive a test that failed."""
    try:
        yield
    except BaseException:
        program.kill()
        raise
