"""`margincall init`: a first configuration that works, and its secrets; nothing is overwritten."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli import init as module
from monitor.config import load
from monitor.config.starter import starter
from tests.cli.terminal import killed
from tests.config.files import CANARY


@pytest.fixture
def fresh(terminal, monkeypatch):
    """No configuration yet, no secrets, and nobody to ask."""
    terminal.config.unlink()
    for name in ("MAIN_API_KEY", "MAIN_SECRET", "MAIN_PASSPHRASE", "PHONE_URL"):
        monkeypatch.delenv(f"MARGINCALL_SECRET_{name}")
    return terminal


@pytest.mark.parametrize("exchange", ["binance", "bybit", "okx"])
def test_written_file_loads_without_problems_once_its_secrets_are_there(fresh, exchange):
    said = fresh.run("init", "--exchange", exchange, "--account", "desk", "--channel", "chat")
    assert (said.code, said.err) == (0, "")
    settings = load(fresh.config, read_secrets=False).settings
    assert [(name, one.exchange) for name, one in settings.accounts.items()] == [("desk", exchange)]
    assert settings.channels["chat"].url_from == "chat_url"
    secrets = [f"desk_{option}" for option in settings.accounts["desk"].SECRETS] + ["chat_url"]
    commands = [line.strip() for line in said.out.split("next:\n")[1].splitlines()]
    assert commands == [
        *(f"margincall credentials set {name} --config {fresh.config}" for name in secrets),
        *(f"margincall {verb} --config {fresh.config}" for verb in ("check", "test-alert", "run")),
    ]
    assert fresh.config.stat().st_mode & 0o777 == 0o600


def test_every_commented_option_of_the_file_works_when_its_sign_is_taken_away(tmp_path):
    """A line of options is `# key: value` or deeper; prose has no such form, or stands above."""
    text = starter(exchange="okx", account="main", channel="phone", region=None)
    lines = []
    for line in text.splitlines():
        bare = line.lstrip().removeprefix("# ").removeprefix("#").lstrip()
        word = bare.partition(":")[0]
        option = line.lstrip().startswith("#") and (
            word in {"poll", "region", "chat", "timezone", "rules", "quiet_hours", "heartbeat", "digest", "web"}
            or bare.startswith("- {kind")
        )
        lines.append(line.replace("# ", "", 1) if option else line)
    path = tmp_path / "config.yaml"
    path.write_text("\n".join(lines))
    settings = load(path, environ={}, read_secrets=False).settings
    assert settings.digest is not None
    assert settings.web is not None
    assert settings.quiet_hours is not None
    assert settings.heartbeat is not None
    assert (settings.accounts["main"].region, list(settings.channels)) == ("eea", ["phone", "chat"])


def test_rules_in_the_comments_are_the_defaults(tmp_path):
    from monitor.rules.cushion import Cushion

    (line,) = [line for line in starter(exchange="okx", account="a", channel="b").splitlines() if "kind: cushion" in line]
    rule = Cushion()
    assert [f"{level}: {getattr(rule, level) * 100:.0f}%" in line for level in ("warning", "critical", "emergency")] == [True] * 3


def test_nothing_is_overwritten(fresh):
    fresh.config.write_text("mine\n")
    said = fresh.run("init", "--exchange", "okx")
    assert (said.code, fresh.config.read_text()) == (1, "mine\n")
    assert "nothing is overwritten" in said.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "give --exchange"),
        (("--exchange", "krake"), "must be one of binance, bybit, okx"),
        (("--exchange", "okx", "--account", "Main!"), "a name is lower-case letters"),
        (("--exchange", "okx", "--account", "a: {b"), ""),
        (("--exchange", "okx", "--channel", "a}\nx: {"), ""),
        (("--exchange", "bybit", "--region", "mars"), ""),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_written(fresh, options, words):
    said = fresh.run("init", *options)
    assert said.code == 2
    assert words in " ".join(said.err.replace("│", " ").split())
    assert not fresh.config.exists()


def test_region_is_written_where_one_is_given(fresh):
    assert fresh.run("init", "--exchange", "bybit", "--region", "nl").code == 0
    assert load(fresh.config, read_secrets=False).settings.accounts["main"].region == "nl"


@pytest.mark.parametrize(
    ("root", "environ", "place"),
    [
        (True, {}, "/etc/margincall/config.yaml"),
        (False, {"HOME": "/h"}, "/h/.config/margincall/config.yaml"),
        (False, {"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/x/margincall/config.yaml"),
    ],
)
def test_file_goes_where_every_verb_looks_for_it(monkeypatch, root, environ, place):
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert module._default_path() == Path(place)


def test_at_a_terminal_it_asks_for_everything_and_keeps_the_secrets_unseen(fresh):
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "monitor", "init", "--config", str(fresh.config)]
    answers = [
        (b"Exchange", b"kraken"),
        (b"kraken is none of them.", b"OKX"),
        (b"name for the account", b""),
        (b"name for the channel", b"chat"),
        (b"main_api_key (not shown)", CANARY.encode()),
        (b"main_secret (not shown)", CANARY.encode()),
        (b"main_passphrase (not shown)", b""),
        (b"chat_url (not shown)", CANARY.encode()),
        # Asked again: what is typed before the question stands there is thrown away.
        (b"chat_url (not shown)", b""),
    ]
    seen = b""
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as program, killed(program):
        os.close(slave)
        for question, answer in answers:
            while question not in seen.rpartition(b"@@")[2]:
                seen += os.read(master, 1000)
            seen += b"@@"
            os.write(master, answer + b"\n")
        while True:
            try:
                more = os.read(master, 1000)
            except OSError:
                break
            if not more:
                break
            seen += more
        assert program.wait(20) == 0
    os.close(master)
    said = seen.decode()
    assert CANARY not in said
    assert "chat_url is not an apprise URL" in said
    folder = fresh.folder / "credentials"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"main_api_key": CANARY, "main_secret": CANARY}
    assert "margincall credentials set main_passphrase" in said.split("next:")[1]
    assert "margincall credentials set chat_url" in said.split("next:")[1]


def test_under_etc_the_last_step_is_the_service(capsys):
    from monitor.config.credentials import Installation

    module._tell_next(Installation(config=Path("/etc/margincall/config.yaml"), folder=Path("/nowhere"), names={}))
    assert capsys.readouterr().out.splitlines()[-1].strip().startswith("margincall service install")


def test_site_of_an_exchange_that_has_none_is_refused_in_words(fresh):
    said = fresh.run("init", "--exchange", "binance", "--region", "nl")
    assert said.code == 2
    assert "binance has no regional sites that need naming" in " ".join(said.err.replace("│", " ").split())
