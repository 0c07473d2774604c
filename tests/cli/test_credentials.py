"""`margincall credentials`: secrets go into private files, whole or not at all, and nothing ever shows one."""

import io
import os
import pty
import subprocess
import sys

import pytest

from monitor.config import load
from monitor.config.credentials import installation, keep
from monitor.errors import ConfigError, MargincallError
from tests.cli.terminal import killed
from tests.config.files import CANARY

VALUE = f"{CANARY}-value"


@pytest.fixture
def bare(terminal, monkeypatch):
    """A terminal whose environment has no secrets."""
    for name in ("MAIN_API_KEY", "MAIN_SECRET", "MAIN_PASSPHRASE", "PHONE_URL"):
        monkeypatch.delenv(f"MARGINCALL_SECRET_{name}")
    return terminal


@pytest.fixture
def piped(monkeypatch):
    def pipe(text):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return pipe


def test_secret_goes_into_a_private_file_that_the_program_then_reads(bare, piped):
    for name, value in (("main_api_key", VALUE), ("main_secret", f"{CANARY}-s"), ("phone_url", f"ntfy://{CANARY}/u")):
        piped(f"{value}\n")
        said = bare.run("credentials", "set", name, "-")
        assert (said.code, said.err) == (0, "")
        assert said.out == f"{name}: kept in {bare.folder}/credentials/{name}\n"
    folder = bare.folder / "credentials"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == dict.fromkeys(
        ("main_api_key", "main_secret", "phone_url"), 0o600
    )
    assert (folder / "main_api_key").read_bytes() == VALUE.encode()
    assert load(bare.config, environ={}).secrets["main_api_key"].get_secret_value() == VALUE


def test_secrets_dir_of_the_configuration_is_where_they_go(bare, piped):
    bare.write(bare.config.read_text() + "secrets_dir: ./deep/secrets\n")
    piped(VALUE)
    assert bare.run("credentials", "set", "main_api_key", "-").code == 0
    assert (bare.folder / "deep" / "secrets" / "main_api_key").read_text() == VALUE
    assert not (bare.folder / "credentials").exists()


def test_a_new_value_takes_the_place_of_the_old_one_and_a_folder_open_to_others_is_closed(bare, piped):
    folder = bare.folder / "credentials"
    folder.mkdir(mode=0o755)
    (folder / "main_api_key").write_text("old")
    piped(VALUE)
    assert bare.run("credentials", "set", "main_api_key", "-").code == 0
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("main_api_key", VALUE)]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "main_api_key").stat().st_mode & 0o777 == 0o600


def test_a_link_in_the_place_of_the_file_is_replaced_and_what_it_points_at_is_left_alone(bare, piped):
    elsewhere = bare.folder / "elsewhere"
    elsewhere.write_text("untouched")
    (bare.folder / "credentials").mkdir()
    (bare.folder / "credentials" / "main_api_key").symlink_to(elsewhere)
    piped(VALUE)
    assert bare.run("credentials", "set", "main_api_key", "-").code == 0
    assert elsewhere.read_text() == "untouched"
    assert not (bare.folder / "credentials" / "main_api_key").is_symlink()


def test_a_write_that_fails_leaves_the_old_value_and_no_draft(bare, piped, monkeypatch):
    there = installation(bare.config)
    keep(there, "main_api_key", "old")

    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(MargincallError, match="No space left") as caught:
        keep(there, "main_api_key", VALUE)
    assert VALUE not in str(caught.value)
    assert [(path.name, path.read_text()) for path in there.folder.iterdir()] == [("main_api_key", "old")]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("main_api_key", "\n", "cannot be empty"),
        ("main_api_key", "x" * 70_000, "too long for a secret"),
        ("phone_url", f"{CANARY}", "is not an apprise URL (service://...)"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(bare, piped, name, value, words):
    piped(value)
    said = bare.run("credentials", "set", name, "-")
    assert said.code in {1, 2}
    assert words in " ".join(said.err.replace("│", " ").split())
    assert not list(bare.folder.glob("credentials/*"))


def test_names_that_the_configuration_does_not_know_are_refused_with_those_that_it_does(bare, piped):
    said = bare.run("credentials", "set", "main_apikey", "-")
    assert said.code == 2
    words = " ".join(said.err.replace("│", " ").split())
    assert "did you mean main_api_key?" in words
    assert "main_api_key, main_secret, phone_url" in words


def test_a_secret_as_an_argument_is_refused_and_not_repeated(bare):
    assert bare.run("credentials", "set", CANARY, "-").code == 2
    assert bare.run("credentials", "set", "main_api_key", CANARY).code == 2
    assert bare.run("credentials", "set", f"ntfy://{CANARY}/u").code == 2


def test_without_a_terminal_and_without_a_dash_it_does_not_wait(bare, piped):
    piped("")
    said = bare.run("credentials", "set", "main_api_key")
    assert said.code == 2
    assert "no terminal" in said.err


def test_at_a_terminal_it_is_typed_without_being_shown(bare):
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "monitor", "credentials", "set", "main_api_key", "--config", str(bare.config)]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as program, killed(program):
        os.close(slave)
        seen = b""
        while b"(not shown)" not in seen:
            seen += os.read(master, 1000)
        os.write(master, VALUE.encode() + b"\n")
        program.wait(20)
        seen += os.read(master, 1000)
    os.close(master)
    assert CANARY not in seen.decode()
    assert (bare.folder / "credentials" / "main_api_key").read_text() == VALUE


def test_list_tells_where_each_is_with_what_mode_and_what_is_missing_but_no_value(bare, piped, monkeypatch):
    keep(installation(bare.config), "main_api_key", VALUE)
    monkeypatch.setenv("MARGINCALL_SECRET_PHONE_URL", f"ntfy://{CANARY}/u")
    said = bare.run("credentials", "list")
    assert said.code == 1
    assert said.out.splitlines() == [
        f"main_api_key  {bare.folder}/credentials/main_api_key  0600  (for accounts.main.credentials)",
        "main_secret   missing: margincall credentials set main_secret  (for accounts.main.credentials)",
        "phone_url     $MARGINCALL_SECRET_PHONE_URL  (for channels.phone.url_from)",
    ]
    keep(installation(bare.config), "main_secret", VALUE)
    assert bare.run("credentials", "list").code == 0
    path = bare.folder / "credentials" / "main_secret"
    path.chmod(0o644)
    said = bare.run("credentials", "list", "--json")
    assert said.code == 1
    (open_one,) = [one for one in said.json["secrets"] if one["problem"]]
    assert (open_one["mode"], open_one["problem"]) == ("0644", f"open to other users: chmod 600 {path}")
    assert str(len(VALUE)) not in said.out.replace(str(bare.folder), "")


def test_list_works_while_the_configuration_has_other_problems(bare):
    bare.write("accounts:\n  main: {exchange: binance}\nchanels: {}\n")
    assert bare.run("credentials", "list").out.startswith("main_api_key  missing")


def test_what_may_not_be_looked_into_is_said_with_the_way_to_do_it(bare, monkeypatch):
    (bare.folder / "credentials").mkdir()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigError, match=r"you may not look into .*credentials: as root, with sudo"):
        load(bare.config, environ={})
