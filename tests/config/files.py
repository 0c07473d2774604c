"""Builders for configuration files and their environment."""

from pathlib import Path

from monitor.config import Loaded, load
from monitor.errors import ConfigError

CANARY = "cAnArY7f3b9d2e5a8c1f4"
"""Stands for a secret; must never be seen in a message."""

SMALLEST = "accounts:\n  main: {exchange: binance}\nchannels:\n  phone: {url_from: phone_url}\n"

NOT_HERE = (
    "{what} must not be written here: take it out and make a new one, this one may have been seen. Put it into a file {name} "
    "under secrets_dir or $CREDENTIALS_DIRECTORY, or into MARGINCALL_SECRET_{upper}, and write `{instead}`"
)


def not_here(what: str, name: str, instead: str) -> str:
    """What is said of a secret in the wrong place."""
    return NOT_HERE.format(what=what, name=name, upper=name.upper(), instead=instead)


SECRETS = {
    "MARGINCALL_SECRET_MAIN_API_KEY": f"{CANARY}k",
    "MARGINCALL_SECRET_MAIN_SECRET": f"{CANARY}s",
    "MARGINCALL_SECRET_MAIN_PASSPHRASE": f"{CANARY}p",
    "MARGINCALL_SECRET_PHONE_URL": f"ntfy://{CANARY}/u",
}

DESK = """\
accounts:
  main: {exchange: binance}
  test: {exchange: bybit}
channels:
  phone: {url_from: phone_url}
  chat: {url_from: chat_url}
  partner: {url_from: partner_url}
"""
"""Two accounts and three channels, in seven lines; the eighth is free."""

DESK_SECRETS = SECRETS | {
    "MARGINCALL_SECRET_TEST_API_KEY": f"{CANARY}k",
    "MARGINCALL_SECRET_TEST_SECRET": f"{CANARY}s",
    "MARGINCALL_SECRET_CHAT_URL": f"ntfy://{CANARY}/c",
    "MARGINCALL_SECRET_PARTNER_URL": f"ntfy://{CANARY}/p",
    "MARGINCALL_SECRET_HEARTBEAT_URL": f"https://beat.example/{CANARY}",
}


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def loaded(folder: Path, text: str, **environ: str) -> Loaded:
    return load(write(folder, text), environ=SECRETS | environ)


def desk(folder: Path, more: str, **environ: str) -> Loaded:
    """The desk with ``more`` from its eighth line on."""
    return loaded(folder, DESK + more, **DESK_SECRETS | environ)


def desk_problems(folder: Path, more: str, **environ: str) -> list[str]:
    """What is wrong with the desk with ``more``, without the file's name."""
    return [line.removeprefix("config.yaml:") for line in problems(folder, DESK + more, **DESK_SECRETS | environ)]


def problems(folder: Path, text: str, **environ: str) -> list[str]:
    """What is wrong, each as shown, without the folder's name; no part of the error may hold the canary."""
    caught: list[ConfigError] = []
    try:
        loaded(folder, text, **environ)
    except ConfigError as error:
        caught.append(error)
    for one in caught:
        assert CANARY not in f"{one} {one!r} {one.problems} {one.__cause__!r}"
    return [problem.render().replace(f"{folder}/", "") for one in caught for problem in one.problems]
