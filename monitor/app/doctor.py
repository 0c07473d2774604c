"""The doctor with everything that it looks at: this machine and its files here, each account through its own adapter."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import app
from monitor.daemon.findings import Section
from monitor.doctor.configured import config_lines, heartbeat_line, routing_lines
from monitor.doctor.files import file_lines
from monitor.doctor.machine import clock_lines, disk_line
from monitor.doctor.stored import store_lines
from monitor.doctor.unit import unit_lines
from monitor.errors import ConfigError, NotifyFault
from monitor.memory import Memory
from monitor.ports import CheckLine, Exchange

if TYPE_CHECKING:
    from monitor.config import Loaded

WHOLE_SECONDS = 20.0
"""How long the structure of a large store is looked at."""


def local_sections(loaded: Loaded, now: datetime) -> list[Section]:
    """Everything that needs no exchange and sends nothing; it may take half a minute, in the caller's thread."""
    from monitor.config.secrets import credentials_folder
    from monitor.daemon.control import socket_path
    from monitor.store.health import health_of

    settings = loaded.settings
    stored, size = store_lines(lambda: health_of(loaded.store, within=WHOLE_SECONDS), now)
    counts = [name for name in ("quiet_hours", "digest") if getattr(settings, name) is not None]
    folder = loaded.secrets_dir or credentials_folder(loaded.config)
    return [
        ("config", list(config_lines(loaded))),
        ("channels", [*channel_lines(loaded), *routing_lines(loaded), heartbeat_line(loaded)]),
        ("files", list(file_lines(loaded.config, loaded.store, folder, socket=socket_path(loaded.store)))),
        ("store", [*stored, disk_line(loaded.store, size)]),
        (
            "machine",
            [
                *clock_lines(
                    now,
                    settings.timezone,
                    by_default="timezone" not in settings.model_fields_set,
                    matters=" and ".join(counts).replace("_", " "),
                ),
                *unit_lines(loaded.config),
            ],
        ),
    ]


def channel_lines(loaded: Loaded) -> list[CheckLine]:
    """Whether each channel's URL is one that can be used; nothing is sent."""
    lines: list[CheckLine] = []
    for name in loaded.settings.channels:
        try:
            app.build_channels(loaded, [name])
        except NotifyFault as error:
            lines.append(CheckLine(status="fail", topic=name, text=error.message, advice=error.advice))
        else:
            lines.append(CheckLine(status="ok", topic=name, text="usable", advice=f"try it: margincall test-alert {name}"))
    return lines


def sections_now(config: Path) -> list[Section]:
    """`local_sections` of the configuration as it lies there now: one that cannot be used is met before a restart."""
    from monitor.config import load

    try:
        loaded = load(config)
    except ConfigError as error:
        advice = "What was read before stays in force, but a restart would fail."
        problems = [CheckLine(status="fail", topic="file", text=problem.render(), advice=advice) for problem in error.problems]
        return [("config", problems)]
    return local_sections(loaded, datetime.now(UTC))


async def polled_lines(exchange: Exchange, memory: Memory) -> list[CheckLine]:
    """The lines on an account that the daemon polls; how its positions' terms are read comes from the memory."""
    from monitor.exchanges.inspection import terms_lines

    lines = [*await exchange.inspect(polled=True)]
    for family in exchange.families:
        seen = [
            one.assessment.position
            for key, one in memory.positions.items()
            if (key.exchange, key.account, one.family, one.mode) == (exchange.exchange, exchange.account, family, "")
        ]
        lines += terms_lines(family, seen)
    return lines
