"""Somebody else's store, the service's above all: every verb says so, exits with 2, and tells what to do."""

import os

import pytest

from monitor.daemon import control
from monitor.errors import MargincallError
from tests.builders import position, snapshot
from tests.cli.terminal import now

NOBODY = 65534


@pytest.fixture
def stranger(terminal, monkeypatch):
    """A store in a folder that this user may not enter; root, who may enter any, becomes somebody else."""
    service = terminal.folder / "service"
    service.mkdir()
    terminal.store = service / "store.db"
    terminal.keep(snapshot(position("96"), when=now()))
    config = terminal.config.read_text().replace("./store.db", str(terminal.store))
    terminal.write(config)
    terminal.run("positions")  # what is imported must be there before
    terminal.run("alerts", "list")
    terminal.run("alerts", "ack")
    monkeypatch.setattr("monitor.config.find.read_file", _read_before(terminal.config))
    service.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    yield terminal
    if root:
        os.seteuid(0)
    service.chmod(0o700)


def _read_before(path):
    from monitor.config.yamlfile import read_file

    document = read_file(path)
    return lambda _: document


@pytest.mark.parametrize("verb", [["positions"], ["history"], ["alerts", "list"], ["alerts", "ack"]])
def test_store_that_may_not_be_looked_at_is_told_with_the_way_to_do_it(stranger, verb):
    said = stranger.run(*verb)
    assert (said.code, said.out) == (2, "")
    assert f"you may not look at the store {stranger.store}" in said.err
    assert "sudo" in said.err


async def test_daemon_that_may_not_be_talked_to_is_told_with_the_way_to_do_it(tmp_path, monkeypatch):
    async def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr("asyncio.open_unix_connection", refuse)
    with pytest.raises(MargincallError, match="may not talk to the daemon") as caught:
        await control.call(tmp_path / "store.db.sock", "ack")
    assert "sudo" in caught.value.advice
