"""Who may touch the files: the configuration decides who is called, the store and its socket hold what the guard knows."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from monitor.ports import CheckLine

OTHERS = stat.S_IRWXG | stat.S_IRWXO
WRITE = stat.S_IWGRP | stat.S_IWOTH


def file_lines(
    config: Path, store: Path, secrets_dir: Path | None, *, socket: Path, user: int | None = None
) -> Iterator[CheckLine]:
    """A line for each of them that is there. ``user``: who runs this, for tests; root may use anybody's files."""
    user = os.geteuid() if user is None else user
    yield from _line("configuration", config, WRITE, "go-w", user)
    if secrets_dir is not None:
        yield from _line("secrets' folder", secrets_dir, OTHERS, "700", user)
    yield from _line("store's folder", store.parent, WRITE, "700", user)
    yield from _line("store's file", store, OTHERS, "600", user)
    yield from _line("control socket", socket, OTHERS, "600", user)


def _line(topic: str, path: Path, forbidden: int, mode: str, user: int) -> Iterator[CheckLine]:
    """Whether only its owner may do what is ``forbidden`` to others, and its owner is the one who runs this, or root."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        yield CheckLine(status="warn", topic=topic, text=f"{path} cannot be looked at ({os.strerror(error.errno or 0)})")
        return
    open_to = seen.st_mode & forbidden
    if stat.S_ISDIR(seen.st_mode) and seen.st_mode & stat.S_ISVTX:
        # In a folder like /tmp nobody can take away or replace what is another's.
        open_to &= ~WRITE
    if open_to:
        can = "written" if open_to & WRITE else "read"
        status = "fail" if open_to & stat.S_IWOTH else "warn"
        advice = f"Run: chmod {mode} {quote(str(path))}"
        yield CheckLine(status=status, topic=topic, text=f"{path} can be {can} by other users", advice=advice)
    elif user not in {0, seen.st_uid} and seen.st_uid != 0:
        advice = "Run margincall as the user whose files these are."
        yield CheckLine(status="warn", topic=topic, text=f"{path} belongs to another user", advice=advice)
    else:
        may = "write" if forbidden == WRITE else "read or write"
        text = f"only its owner may {may} ({stat.S_IMODE(seen.st_mode):04o})"
        yield CheckLine(status="ok", topic=topic, text=text)
