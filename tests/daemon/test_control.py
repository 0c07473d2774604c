import asyncio
import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.alerts.model import position_subject
from monitor.daemon.control import Control, call, socket_path
from monitor.daemon.guard import Guard
from monitor.daemon.verbs import verbs_of
from monitor.memory import Memory
from tests.builders import key, policy, position, snapshot
from tests.fakes import START, FakeClock, FakeStore


def make_guard() -> Guard:
    return Guard(
        memory=Memory(),
        policy=policy(since=START),
        store=FakeStore(),
        clock=FakeClock(),
        channels=["phone"],
        wake=lambda: None,
        direct=lambda _: None,
    )


async def test_verbs_reach_the_guard_through_the_socket(tmp_path):
    guard = make_guard()
    await guard.take(snapshot(position("93"), when=START))
    path = socket_path(tmp_path / "store.db")
    control = Control(path, verbs_of(guard))
    await control.start()
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        code = guard.memory.alerts["cushion", position_subject(key())].code
        assert await call(path, "ack", codes=[code]) == {"ok": True, "codes": [code]}
        assert guard.memory.alerts["cushion", position_subject(key())].acked_at == START
        answer = await call(path, "silence", match={"symbol": ["BTC/*"]}, seconds=60, emergencies=False, comment="")
        assert answer is not None
        assert answer["what"] == "symbol BTC/*"
        (made,) = guard.memory.silences.values()
        assert made.until == START + timedelta(seconds=60)
        assert await call(path, "unsilence", name=made.id) == {"ok": True, "id": made.id}
        assert guard.memory.silences == {}
        drilled = await call(path, "drill", symbol="BTC/USDT:USDT", cushion="5e-2")
        assert drilled is not None
        assert drilled["titles"][0].startswith("DRILL EMERGENCY")
    finally:
        await control.stop()
    assert not path.exists()


async def test_refusals_come_back_in_words(tmp_path):
    path = socket_path(tmp_path / "store.db")
    control = Control(path, verbs_of(make_guard()))
    await control.start()
    try:
        assert await call(path, "ack", codes=["ZZZZ"]) == {"ok": False, "error": "no alert ZZZZ is open"}
        assert await call(path, "trade", amount="1") == {"ok": False, "error": "not a call that this margincall knows"}
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"not json\n")
        assert json.loads(await reader.readline())["ok"] is False
        writer.close()
    finally:
        await control.stop()


async def test_there_is_no_answer_when_nobody_listens(tmp_path):
    path = tmp_path / "store.db.sock"
    assert await call(path, "ack", codes=[]) is None
    path.touch()
    assert await call(path, "ack", codes=[]) is None


async def test_a_socket_left_by_a_dead_process_is_replaced_and_a_long_path_works(tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    path = socket_path(folder / "store.db")
    path.touch()
    control = Control(path, verbs_of(make_guard()))
    await control.start()
    try:
        assert await call(path, "ack", codes=[]) == {"ok": True, "codes": []}
    finally:
        await control.stop()


async def test_the_guard_goes_on_when_no_socket_can_be_made():
    control = Control(Path("/proc/nowhere/store.db.sock"), {})
    await control.start()
    await control.stop()


@pytest.mark.parametrize("line", [b"", b"[]\n", b'{"verb": 7}\n'])
async def test_a_broken_call_harms_nobody(tmp_path, line):
    path = socket_path(tmp_path / "store.db")
    control = Control(path, verbs_of(make_guard()))
    await control.start()
    try:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(line)
        writer.write_eof()
        await reader.read()
        writer.close()
        assert await call(path, "ack", codes=[]) == {"ok": True, "codes": []}
    finally:
        await control.stop()
