import os

import pytest

from monitor.config.secrets import SecretSource
from monitor.errors import ConfigError
from tests.config.files import CANARY


def put(path, text=CANARY, mode=0o600):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def refusal(source: SecretSource) -> str:
    with pytest.raises(ConfigError) as caught:
        source.read("a_key")
    assert CANARY not in str(caught.value)
    return str(caught.value)


def test_secret_comes_from_the_first_place_that_has_it(tmp_path):
    folder, own = tmp_path / "credentials", tmp_path / "own"
    source = SecretSource(
        environ={"CREDENTIALS_DIRECTORY": str(folder), "MARGINCALL_SECRET_A_KEY": "environment"}, secrets_dir=own
    )
    assert source.read("a_key").get_secret_value() == "environment"
    put(own / "a_key", "own\n")
    assert source.read("a_key").get_secret_value() == "own"
    put(folder / "margincall_a_key", "prefixed\r\n", 0o644)
    assert source.read("a_key").get_secret_value() == "prefixed"
    put(folder / "a_key", " kept blanks \n", 0o644)
    assert source.read("a_key").get_secret_value() == " kept blanks "
    assert "kept" not in repr(source.read("a_key"))


def test_secret_is_missing_with_every_place_named_when_nobody_has_it(tmp_path):
    source = SecretSource(environ={"CREDENTIALS_DIRECTORY": "/c"}, secrets_dir=tmp_path)
    assert refusal(source) == (
        f"the secret a_key is missing: no file /c/a_key, /c/margincall_a_key, {tmp_path}/a_key and no variable "
        "MARGINCALL_SECRET_A_KEY"
    )
    assert refusal(SecretSource(environ={})) == (
        "the secret a_key is missing: no $CREDENTIALS_DIRECTORY, no secrets_dir and no variable MARGINCALL_SECRET_A_KEY"
    )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_secret_file_is_refused_when_others_have_any_right_to_it(tmp_path, mode):
    path = put(tmp_path / "a_key", mode=mode)
    message = f"{path} is open to other users; run: chmod 600 {path}"
    assert refusal(SecretSource(environ={"MARGINCALL_SECRET_A_KEY": CANARY}, secrets_dir=tmp_path)) == message


def test_secret_file_is_refused_when_it_belongs_to_another_user(tmp_path, monkeypatch):
    path = put(tmp_path / "a_key")
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    source = SecretSource(environ={}, secrets_dir=tmp_path)
    if path.stat().st_uid == 0:
        assert source.read("a_key").get_secret_value() == CANARY
    else:
        assert refusal(source) == f"{path} belongs to another user; run: chown 4711 {path}"


def test_secret_file_is_refused_when_its_owner_is_neither_root_nor_us(tmp_path, monkeypatch):
    path = put(tmp_path / "a_key")
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda fd: os.stat_result((*real(fd)[:4], 4712, *real(fd)[5:])))
    source = SecretSource(environ={}, secrets_dir=tmp_path)
    assert refusal(source) == f"{path} belongs to another user; run: chown {os.geteuid()} {path}"


def test_secret_file_is_refused_when_it_is_no_plain_text_file(tmp_path):
    source = SecretSource(environ={}, secrets_dir=tmp_path / "s")
    path = tmp_path / "s" / "a_key"
    put(path, "\n")
    assert refusal(source) == f"the secret in {path} is empty"
    path.write_bytes(b"\xff\xfe")
    assert refusal(source) == f"{path} is not UTF-8 text"
    path.write_bytes(b"x" * 65_537)
    assert refusal(source) == f"{path} is too large for a secret"
    path.unlink()
    path.symlink_to(put(tmp_path / "elsewhere"))
    assert refusal(source) == f"{path} is a symbolic link; put the file itself there"
    path.unlink()
    os.mkfifo(path, 0o600)
    assert refusal(source) == f"{path} is not a plain file"
    path.unlink()
    path.mkdir()
    assert refusal(source) == f"cannot read {path}: Is a directory"


def test_secret_in_the_environment_is_refused_when_it_is_empty():
    assert refusal(SecretSource(environ={"MARGINCALL_SECRET_A_KEY": "\n"})) == ("the secret in MARGINCALL_SECRET_A_KEY is empty")
