import os
import socket

import pytest

from monitor.daemon.systemd import notify


@pytest.fixture
def listening():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(5)
        yield manager


def test_states_arrive_as_lines_when_systemd_listens_at_a_path(listening, tmp_path):
    listening.bind(str(tmp_path / "notify"))
    assert notify("READY=1", "STATUS=watching", environ={"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert listening.recv(1000) == b"READY=1\nSTATUS=watching"


def test_states_arrive_when_systemd_listens_in_the_abstract_namespace(listening):
    name = f"margincall-test-{os.getpid()}"
    listening.bind(f"\0{name}")
    assert notify("STOPPING=1", environ={"NOTIFY_SOCKET": f"@{name}"})
    assert listening.recv(1000) == b"STOPPING=1"


@pytest.mark.parametrize("address", [None, "", "/nowhere/at/all", "@nobody-listens-here", "/" + "x" * 200])
def test_nothing_is_told_and_nothing_fails_when_nobody_listens(address):
    assert not notify("READY=1", environ={} if address is None else {"NOTIFY_SOCKET": address})


def test_a_manager_that_does_not_read_holds_nothing_up(listening, tmp_path):
    path = str(tmp_path / "notify")
    listening.bind(path)
    # More datagrams than the kernel keeps for a reader: then a sender waits, for as long as it lets itself.
    told = True
    for _ in range(10_000):
        told = notify("STATUS=watching", environ={"NOTIFY_SOCKET": path})
        if not told:
            break
    assert not told
