"""Who may touch the files, each line both ways; the modes are set here, whatever the umask is."""

import os

import pytest

from monitor.doctor.files import file_lines


class House:
    """A configuration, a folder of secrets, a store and its socket, closed to everybody else."""

    def __init__(self, folder):
        self.config, self.secrets = folder / "config.yaml", folder / "secrets"
        self.store = folder / "state" / "store.db"
        self.socket = folder / "state" / "store.db.sock"
        for path in (self.secrets, self.store.parent):
            path.mkdir(mode=0o700)
        for path in (self.config, self.store, self.socket):
            path.touch()
            path.chmod(0o600)

    def lines(self, user=None):
        user = os.geteuid() if user is None else user
        return {line.topic: line for line in file_lines(self.config, self.store, self.secrets, socket=self.socket, user=user)}


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_every_file_is_ok_when_closed_to_others(house):
    lines = house.lines()
    assert {one.status for one in lines.values()} == {"ok"}
    assert list(lines) == ["configuration", "secrets' folder", "store's folder", "store's file", "control socket"]
    assert lines["store's file"].text == "only its owner may read or write (0600)"


def test_configuration_may_be_read_by_others(house):
    house.config.chmod(0o644)
    assert house.lines()["configuration"].text == "only its owner may write (0644)"


@pytest.mark.parametrize(
    ("place", "mode", "topic", "status", "can", "mend"),
    [
        ("config", 0o620, "configuration", "warn", "written", "chmod go-w"),
        ("config", 0o602, "configuration", "fail", "written", "chmod go-w"),
        ("secrets", 0o750, "secrets' folder", "warn", "read", "chmod 700"),
        ("secrets", 0o707, "secrets' folder", "fail", "written", "chmod 700"),
        ("store", 0o640, "store's file", "warn", "read", "chmod 600"),
        ("store", 0o606, "store's file", "fail", "written", "chmod 600"),
        ("socket", 0o660, "control socket", "warn", "written", "chmod 600"),
    ],
)
def test_file_is_told_when_open_to_others(house, place, mode, topic, status, can, mend):
    path = getattr(house, place)
    path.chmod(mode)
    line = house.lines()[topic]
    assert (line.status, line.text) == (status, f"{path} can be {can} by other users")
    assert line.advice == f"Run: {mend} {path}"


def test_store_folder_is_told_when_others_may_write_unless_it_is_sticky(house):
    house.store.parent.chmod(0o777)
    assert house.lines()["store's folder"].status == "fail"
    house.store.parent.chmod(0o1777)
    assert house.lines()["store's folder"].status == "ok"


def test_file_of_another_user_is_told_but_to_root(house):
    owner = house.store.stat().st_uid
    if owner == 0:
        os.chown(house.store, 1234, 1234)
        owner = 1234
    assert house.lines(user=owner + 1)["store's file"].text == f"{house.store} belongs to another user"
    assert house.lines(user=owner)["store's file"].status == "ok"
    assert house.lines(user=0)["store's file"].status == "ok"


def test_nothing_is_said_of_files_that_are_not_there(tmp_path):
    missing = tmp_path / "none" / "x"
    assert list(file_lines(missing, missing, missing, socket=missing)) == []


def test_what_cannot_be_looked_at_is_a_warning(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    (line,) = file_lines(tmp_path / "no", tmp_path / "no" / "no", loop, socket=tmp_path / "no")
    assert (line.status, line.topic) == ("warn", "secrets' folder")
