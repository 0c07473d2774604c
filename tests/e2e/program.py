"""The real program as a subprocess: what the end-to-end tests are made of."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "monitor"]
PATIENCE = 40


def until(true: Callable[[], bool]) -> None:
    """Look again and again until it is true; what another process does cannot be waited for otherwise."""
    pause = threading.Event()
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not become true"
        pause.wait(0.01)


class Program:
    """A configuration in a folder of its own, and the command run on it; ``secrets`` by the names that the configuration uses."""

    def __init__(self, folder: Path, config: str, secrets: Mapping[str, str]) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self.config.write_text(config)
        self.environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            **{f"MARGINCALL_SECRET_{name.upper()}": value for name, value in secrets.items()},
        }
        self.output = ""
        self.daemons: list[subprocess.Popen[bytes]] = []

    def run(self, *verb: str, code: int = 0) -> str:
        """One verb to its end; its standard output."""
        done = subprocess.run(
            [*COMMAND, *verb, "--config", str(self.config)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == code, f"{verb} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        self.output = done.stdout + done.stderr
        return done.stdout

    def positions(self) -> dict[str, Any]:
        """The document of `positions --json`."""
        document: dict[str, Any] = json.loads(self.run("positions", "--json"))
        return document

    def start(self) -> "subprocess.Popen[bytes]":
        """The daemon; its log goes to a file beside the store."""
        with (self.folder / "daemon.log").open("ab") as log:
            daemon = subprocess.Popen(
                [*COMMAND, "run", "--log-level", "debug", "--config", str(self.config)],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        self.daemons.append(daemon)
        return daemon

    def log(self) -> str:
        """Everything that the daemons logged."""
        path = self.folder / "daemon.log"
        return path.read_text() if path.exists() else ""

    def stop(self) -> None:
        """End what still runs."""
        for daemon in self.daemons:
            if daemon.poll() is None:
                daemon.send_signal(signal.SIGKILL)
            daemon.wait(PATIENCE)
