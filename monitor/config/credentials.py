"""The secrets of an installation as files: where they lie, how they are written, and what is there. Values are never shown.

They lie in ``secrets_dir`` where the configuration has one, else in ``credentials`` beside it: under /etc that is what the unit's
LoadCredential= lines read, and beside a user's own configuration what margincall reads itself.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from monitor.config.environment import SECRET_PREFIX, read_environment
from monitor.config.find import beside, written_path
from monitor.config.layers import Layers
from monitor.config.secret_names import named_secrets
from monitor.config.secrets import MAX_BYTES, credentials_folder
from monitor.config.settings import Settings
from monitor.config.suggest import dotted
from monitor.config.yamlfile import KeyPath, read_file
from monitor.errors import MargincallError

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The secrets that one configuration names, with where each is asked for, and the folder of their files."""

    config: Path
    folder: Path
    names: Mapping[str, KeyPath]

    def path_of(self, name: str) -> Path:
        """The file of a secret."""
        return self.folder / name


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One secret: ``asked`` is where the configuration names it; ``where`` the file or variable that has it, empty where nothing
    does; ``mode`` of the file as chmod writes it; ``problem``: why it cannot be used as it is.
    """

    name: str
    asked: str
    where: str = ""
    mode: str = ""
    problem: str = ""


def installation(config: Path, environ: Mapping[str, str] = os.environ) -> Installation:
    """What the configuration in ``config`` names; raises ConfigError only where it is not YAML at all."""
    layers = Layers(document=read_file(config), environment=read_environment(environ, keys=Settings.model_fields))
    written = written_path(layers.value_at(("secrets_dir",)))
    folder = credentials_folder(config) if written is None else beside(config, written, environ=environ)
    names: dict[str, KeyPath] = {}
    for place, name in named_secrets(layers):
        names.setdefault(name, place)
    return Installation(config=config.absolute(), folder=folder, names=names)


def look(there: Installation, environ: Mapping[str, str] = os.environ) -> Iterator[Found]:
    """Each secret, in the order of the configuration."""
    handed = environ.get("CREDENTIALS_DIRECTORY")
    for name, place in there.names.items():
        asked = dotted(place)
        files = [Path(handed, name)] if handed else []
        found = next((one for path in (*files, there.path_of(name)) if (one := _file(name, asked, path)) is not None), None)
        variable = SECRET_PREFIX + name.upper()
        if found is None and variable in environ:
            found = Found(name=name, asked=asked, where=f"${variable}")
        yield found or Found(name=name, asked=asked, problem=f"missing: margincall credentials set {name}")


def _file(name: str, asked: str, path: Path) -> Found | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Found(name=name, asked=asked, where=str(path), problem=f"cannot look at it ({error.strerror}): try it with sudo")
    mode = stat.S_IMODE(status.st_mode)
    problem = ""
    if not stat.S_ISREG(status.st_mode):
        problem = "not a plain file"
    elif mode & 0o077:
        problem = f"open to other users: chmod 600 {path}"
    return Found(name=name, asked=asked, where=str(path), mode=f"{mode:04o}", problem=problem)


def keep(there: Installation, name: str, value: str) -> Path:
    """Write one secret, all of it or nothing of it, for its owner's eyes only; raises MargincallError, never with the value.

    Written by root into somebody else's folder, it belongs to the folder's owner: that is who runs margincall there.
    """
    raw = value.rstrip("\r\n").encode()
    if not raw.strip():
        raise MargincallError("nothing was given: a secret cannot be empty")
    if len(raw) > MAX_BYTES:
        raise MargincallError("that is too long for a secret")
    path = there.path_of(name)
    try:
        _make_private(there.folder)
        _write(path, raw)
    except OSError as error:
        hint = "Try it with sudo." if isinstance(error, PermissionError) else ""
        raise MargincallError(f"cannot write {path}: {error.strerror}", hint=hint) from None
    return path


def _make_private(folder: Path) -> None:
    """The folder, for its owner alone; the ones above it as usual."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        folder.chmod(PRIVATE_FOLDER)


def _write(path: Path, raw: bytes) -> None:
    """A reader sees the old file or the new one, never a part; after a power cut too."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            owner = path.parent.stat()
            if os.geteuid() == 0 and owner.st_uid != 0:
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            os.fchmod(descriptor, PRIVATE_FILE)
            file.write(raw)
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            draft.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
