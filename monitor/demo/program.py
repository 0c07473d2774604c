"""The real daemon as a subprocess, with a configuration, secrets and a store in a folder of its own.

It runs in a session of its own, so that a Ctrl-C in the terminal reaches the demo alone, which then ends it in good order.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import monitor

STOP_SECONDS = 8.0
"""A daemon that was told to stop says so within 3 s; then it is killed."""
POLICY = """\
- name: twin_guard
  match: {{account: [{accounts}]}}
  mode: auto
  trigger: {{cushion: 45%}}
  target: {{cushion: 75%}}
  caps: {{per_action: {{USDT: 2000}}, per_position: {{USDT: 6000}}, per_day: {{USDT: 6000}}, actions_per_day: 6}}
  keep_free: {{USDT: 1000}}
  cooldown: 2s
  partial: true
  skip_rehearsal: true
"""
"""What the owner of the protected twin allows; ``cooldown`` is short since the market passes faster than in life."""
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "SSL_CERT_FILE")
"""Of the environment; a user's own MARGINCALL_ settings and proxies stay outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """An account that the daemon is to guard. ``poll``: how often it is read (``200ms``); ``secrets`` by option (``api_key``).

    ``trade_secrets``: those of a second key, which may add margin, where it has one.
    """

    exchange: str
    poll: str
    secrets: Mapping[str, str]
    trade_secrets: Mapping[str, str] = field(default_factory=dict)


def config_text(accounts: Mapping[str, Guarded], endpoint: str) -> str:
    """The configuration file: the accounts on ``endpoint``, one channel, and automatic margin where there is a second key.

    All else is as the product has it by default.
    """
    lines = ["accounts:"]
    for name, one in accounts.items():
        second = f", top_up_credentials: {name}_trade" if one.trade_secrets else ""
        poll = f"poll: {{calm: {one.poll}, near: {one.poll}}}"
        lines.append(f'  {name}: {{exchange: {one.exchange}, endpoint: "{endpoint}", {poll}{second}}}')
    protected = [name for name, one in accounts.items() if one.trade_secrets]
    if protected:
        lines += ["top_ups:", *(f"  {line}" for line in POLICY.format(accounts=", ".join(protected)).splitlines())]
    lines += ["channels:", "  phone: {url_from: phone_url}", "secrets_dir: ./secrets", "store: ./store.db", "timezone: UTC"]
    return "\n".join(lines) + "\n"


class Program:
    """The daemon in ``folder``, from ``start`` to ``stop``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self.store = folder / "store.db"
        self._process: asyncio.subprocess.Process | None = None

    def configure(self, accounts: Mapping[str, Guarded], endpoint: str, phone: str) -> None:
        """Write the configuration and the secrets."""
        self.config.write_text(config_text(accounts, endpoint))
        secrets = self.folder / "secrets"
        secrets.mkdir(mode=0o700)
        values = {f"{name}_{option}": value for name, one in accounts.items() for option, value in one.secrets.items()}
        for name, one in accounts.items():
            values |= {f"{name}_trade_{option}": value for option, value in one.trade_secrets.items()}
        for name, value in (values | {"phone_url": phone}).items():
            (secrets / name).touch(mode=0o600)
            (secrets / name).write_text(value)

    async def start(self) -> None:
        """Begin; its log goes to a file in the folder."""
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {"HOME": str(self.folder), "PYTHONPATH": str(Path(monitor.__file__).parents[1])}
        with (self.folder / "daemon.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "monitor", "run", "--config", str(self.config)),
                cwd=self.folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs, and before it began."""
        return None if self._process is None else self._process.returncode

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        log = self.folder / "daemon.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""

    async def stop(self) -> int | None:
        """Ask it to stop and wait; its exit code (negative: it had to be killed). Safe to call twice."""
        if self._process is None:
            return None
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
            except TimeoutError:
                self.kill()
                await self._process.wait()
        return self._process.returncode

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
