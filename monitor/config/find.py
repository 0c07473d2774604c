"""Where the configuration and the store are, the same for every verb.

Needs neither pydantic nor the exchanges, so that a verb that only reads the store starts at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.config.environment import read_environment
from monitor.config.yamlfile import read_file
from monitor.errors import ConfigError, Problem

STORE_FILE = "margincall.db"
_ROOT = Path("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """The files of one installation; ``reason`` says why the store is looked for there."""

    config: Path
    store: Path
    reason: str


def locate(given: Path | None = None, *, environ: Mapping[str, str] = os.environ, root: Path = _ROOT) -> Located:
    """Both places, by reading nothing of the configuration but ``store``; raises ConfigError as ``find_config`` does.

    ``given``: what ``--config`` says. ``root``: the file system's, for tests.
    """
    config = find_config(given, environ=environ, root=root)
    tree = read_file(config).tree
    written = tree.get("store") if isinstance(tree, dict) else None
    written = read_environment(environ, keys=("store",)).tree.get("store", written)
    store, reason = find_store(written_path(written), config, environ=environ, root=root)
    return Located(config=config.absolute(), store=store, reason=reason)


def find_config(given: Path | None, *, environ: Mapping[str, str] = os.environ, root: Path = _ROOT) -> Path:
    """The configuration file: ``given``, else the first that is there of ./config.yaml, the user's and the system's.

    Raises ConfigError, naming every place tried, when there is none.
    """
    if given is not None:
        return given
    tried = [
        Path("config.yaml"),
        _xdg(environ, "XDG_CONFIG_HOME", ".config") / "margincall" / "config.yaml",
        root / "etc" / "margincall" / "config.yaml",
    ]
    for path in tried:
        if os.path.exists(path):  # noqa: PTH110  unlike Path.exists, a folder that may not be entered is no error
            return path
    places = ", ".join(str(path) if path.is_absolute() else f"./{path}" for path in tried)
    raise ConfigError((Problem(file="", line=None, path="", message=f"no configuration found: tried {places}; or use --config"),))


def find_store(
    setting: Path | None, config: Path, *, environ: Mapping[str, str] = os.environ, root: Path = _ROOT
) -> tuple[Path, str]:
    """The store's file, and why it is that one."""
    if setting is not None:
        return beside(config, setting, environ=environ), "store: in the configuration"
    state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if state:
        return Path(state) / STORE_FILE, "$STATE_DIRECTORY"
    if config.absolute().is_relative_to(root / "etc"):
        return root / "var" / "lib" / "margincall" / STORE_FILE, "the configuration lies under /etc"
    return _xdg(environ, "XDG_STATE_HOME", ".local/state") / "margincall" / STORE_FILE, "the user's state folder"


def written_path(value: object) -> Path | None:
    """The path that ``value`` of the configuration spells, None where it spells none."""
    if not isinstance(value, str) or not value or "\0" in value:
        return None
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return None
    return Path(value)


def beside(config: Path, written: Path, *, environ: Mapping[str, str] = os.environ) -> Path:
    """A path as written in the configuration: ``~`` is the home folder, a relative one counts from the file's folder."""
    if written.parts[:1] == ("~",):
        return _home(environ).joinpath(*written.parts[1:])
    return config.absolute().parent / written


def _xdg(environ: Mapping[str, str], variable: str, default: str) -> Path:
    """A base folder of the XDG specification, which says to ignore a path that is not absolute."""
    named = Path(environ.get(variable, ""))
    return named if named.is_absolute() else _home(environ) / default


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()
