"""The unit file for this installation: its own command, its own configuration, and one LoadCredential= line for each secret.

The text is that of systemd/margincall.service (and margincall-user.service), which a wheel carries inside the package.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import monitor
from monitor.config.credentials import Installation
from monitor.config.find import STORE_FILE, locate

NAME = "margincall.service"
SYSTEM_FOLDER = Path("/etc/systemd/system")
STATE_FOLDER = Path("/var/lib/margincall")
HIDDEN = (Path("/home"), Path("/root"), Path("/run/user"))
"""What ProtectHome= keeps from the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The whole machine's service, or one of a user's own."""

    user: bool

    @property
    def path(self) -> Path:
        """Where the unit's file belongs."""
        if not self.user:
            return SYSTEM_FOLDER / NAME
        named = Path(os.environ.get("XDG_CONFIG_HOME", ""))
        return (named if named.is_absolute() else Path.home() / ".config") / "systemd" / "user" / NAME

    @property
    def options(self) -> list[str]:
        """What systemctl must be told."""
        return ["--user"] if self.user else []


def template(scope: Scope) -> str:
    """The unit as it is delivered."""
    package = Path(monitor.__file__).parent
    name = "margincall-user.service" if scope.user else NAME
    inside = package / "units" / name
    return (inside if inside.exists() else package.parent / "systemd" / name).read_text(encoding="utf-8")


def command() -> list[str]:
    """The command of this installation, as the unit must call it."""
    beside = Path(sys.executable).parent / "margincall"
    if beside.exists():
        return [str(beside)]
    found = shutil.which("margincall")
    return [found] if found is not None else [sys.executable, "-m", "monitor"]


def render(text: str, argv: Sequence[str], there: Installation) -> str:
    """The unit with this command and configuration, and for the machine's service with exactly the secrets that are named."""
    start = " ".join(_quoted(word) for word in (*argv, "run", "--config", str(there.config)))
    lines: list[str] = []
    told = False
    for line in text.splitlines():
        if line.startswith("ExecStart="):
            lines.append(f"ExecStart={start}")
        elif line.startswith("LoadCredential="):
            if not told:
                lines += [f"LoadCredential={name}:{_literal(str(there.path_of(name)))}" for name in there.names]
            told = True
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def obstacles(argv: Sequence[str], there: Installation) -> Iterator[str]:
    """Why the machine's service could not run this; each with what to do."""
    if os.geteuid() != 0:
        yield "the machine's service is installed by root: put sudo before it, or give --user for a service of your own"
    for path in dict.fromkeys((Path(argv[0]), Path(argv[0]).resolve(), Path(sys.base_prefix), there.config)):
        if any(path.is_relative_to(folder) for folder in HIDDEN):
            yield f"{path} lies where the service may not look (ProtectHome=): install into /opt/margincall and /etc/margincall"
    for path in (*reversed(Path(argv[0]).resolve().parents), Path(argv[0]).resolve()):
        if path.exists() and not path.stat().st_mode & stat.S_IXOTH:
            yield f"{path} is closed to the service's own user: chmod a+rx {path}"
            break
    if not there.config.is_relative_to("/etc"):
        yield f"{there.config} is not under /etc: in a shell the store would be looked for elsewhere; put it into /etc/margincall"
    elif not there.config.stat().st_mode & stat.S_IROTH:
        yield f"{there.config} is not readable for the service's own user: chmod 644 {there.config} (it holds no secrets)"
    store = locate(there.config, environ={}).store
    if store != STATE_FOLDER / STORE_FILE:
        yield f"store: in the configuration is {store}, and the service may write in {STATE_FOLDER} only: leave `store:` out"


def _quoted(word: str) -> str:
    """A word of a command line as systemd reads it."""
    word = _literal(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{word}"' if any(letter.isspace() for letter in word) or '"' in word else word


def _literal(text: str) -> str:
    """Without systemd's own placeholders."""
    return text.replace("%", "%%")
