"""Secrets by name: from credential files or the environment, never from the configuration itself.

In this order: ``$CREDENTIALS_DIRECTORY/NAME`` and ``$CREDENTIALS_DIRECTORY/margincall_NAME`` (what systemd's LoadCredential=
makes; it guards the folder itself, so their modes are not judged), ``secrets_dir/NAME``, ``credentials/NAME`` beside the
configuration (what `margincall credentials set` writes and LoadCredential= reads), ``$MARGINCALL_SECRET_NAME``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shlex import quote

from pydantic import SecretStr

from monitor.config.environment import SECRET_PREFIX
from monitor.errors import ConfigError, Problem

MAX_BYTES = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """Where secrets are looked for."""

    environ: Mapping[str, str]
    secrets_dir: Path | None = None
    credentials: Path | None = None

    def read(self, name: str) -> SecretStr:
        """The secret called ``name`` without its trailing newline; raises ConfigError, never with the secret in it.

        The first place that has it decides: a file that cannot be used is a problem, not a reason to look further.
        """
        folder = self.environ.get("CREDENTIALS_DIRECTORY")
        credentials = [Path(folder, name), Path(folder, f"margincall_{name}")] if folder else []
        guarded = [self.secrets_dir / name] if self.secrets_dir is not None else []
        closed = ""
        if self.credentials is not None and self.credentials != self.secrets_dir:
            if os.access(self.credentials, os.X_OK) or not os.path.lexists(self.credentials):
                guarded.append(self.credentials / name)
            else:
                closed = f" (you may not look into {self.credentials}: as root, with sudo, you may)"
        for path in (*credentials, *guarded):
            text = _read_file(path, guard=path not in credentials)
            if text is not None:
                return _secret(text, str(path))
        variable = SECRET_PREFIX + name.upper()
        if variable in self.environ:
            return _secret(self.environ[variable], variable)
        tried = [str(path) for path in (*credentials, *guarded)]
        looked = f"no file {', '.join(tried)} and no" if tried else "no $CREDENTIALS_DIRECTORY, no secrets_dir and no"
        raise _refuse(f"the secret {name} is missing: {looked} variable {variable}{closed}")


def credentials_folder(config: Path) -> Path:
    """Where the secrets of an installation lie, unless the configuration says otherwise."""
    return config.absolute().parent / "credentials"


def _secret(text: str, where: str) -> SecretStr:
    text = text.rstrip("\r\n")
    if not text.strip():
        raise _refuse(f"the secret in {where} is empty")
    return SecretStr(text)


def _read_file(path: Path, *, guard: bool) -> str | None:
    """The text of ``path``, None where there is no such file. With ``guard``, only a plain file that is ours alone."""
    try:
        file = open(path, "rb", opener=partial(_open, extra=os.O_NOFOLLOW if guard else 0))  # noqa: SIM115  closed below
    except FileNotFoundError:
        return None
    except OSError as error:
        if guard and path.is_symlink():
            raise _refuse(f"{path} is a symbolic link; put the file itself there") from error
        raise _refuse(f"cannot read {path}: {error.strerror}") from error
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _refuse(f"{path} is not a plain file")
        if guard:
            _require_private(path, status)
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise _refuse(f"{path} is too large for a secret")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refuse(f"{path} is not UTF-8 text") from None


def _open(path: str, flags: int, *, extra: int) -> int:
    """Never waits for a pipe's other end, nor leaves the file to a child process."""
    return os.open(path, flags | extra | os.O_CLOEXEC | os.O_NONBLOCK)


def _require_private(path: Path, status: os.stat_result) -> None:
    """Judged on the opened file, so that it cannot be exchanged in between."""
    if status.st_uid not in {os.geteuid(), 0}:
        raise _refuse(f"{path} belongs to another user; run: chown {os.geteuid()} {quote(str(path))}")
    if status.st_mode & 0o077:
        raise _refuse(f"{path} is open to other users; run: chmod 600 {quote(str(path))}")


def _refuse(message: str) -> ConfigError:
    return ConfigError((Problem(file="", line=None, path="", message=message),))
