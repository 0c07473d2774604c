"""`margincall alerts` and `drill`: on a store that no daemon holds, and through a daemon's socket."""

import asyncio
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from monitor import app
from monitor.cli import asking
from monitor.config import load
from monitor.errors import InstanceRunning
from monitor.store.lock import InstanceLock
from tests.builders import COINM, failure, position, snapshot
from tests.cli.terminal import now, on_screen
from tests.fakes import FakeExchange, FakeNotifier


@pytest.fixture
def kept(terminal):
    """A position in emergency for four minutes, and a family that cannot be read."""
    ago = timedelta(minutes=4)
    terminal.keep(snapshot(position("93"), when=now() - ago), failure(now() - ago, family=COINM))
    return terminal


def code_of(terminal, rule="cushion"):
    return next(one["code"] for one in terminal.run("alerts", "list", "--json").json["alerts"] if one["rule"] == rule)


def test_open_alerts_are_listed_worst_first(kept):
    said = kept.run("alerts", "list")
    header, first, *_ = said.out.splitlines()
    assert header.split() == ["code", "level", "rule", "about", "for", "now"]
    assert " ".join(first.split()) == f"{code_of(kept)} emergency cushion main BTC/USDT:USDT long 4 min first"


def test_the_list_has_a_document(kept):
    document = kept.run("alerts", "list", "--json").json
    assert list(document) == ["schema", "as_of", "alerts", "silences"]
    (alert,) = document["alerts"]
    assert {name: alert[name] for name in ("rule", "level", "state", "kind", "account", "symbol", "side", "value", "line")} == {
        "rule": "cushion", "level": "emergency", "state": "firing", "kind": "position", "account": "main",
        "symbol": "BTC/USDT:USDT", "side": "long", "value": "0.23", "line": "0.25",
    }  # fmt: skip
    assert alert["acked_at"] is None
    assert document["silences"] == []


def test_nothing_open_is_said(terminal):
    terminal.keep()
    assert terminal.run("alerts", "list").out == "No alert is open.\n"
    assert terminal.run("alerts", "log").out == "Nothing was ruled on yet.\n"


def test_an_alert_is_shown_with_everything_that_was_ruled_on_it(kept):
    code = code_of(kept)
    said = kept.run("alerts", "show", f"#{code.lower()}")
    assert said.code == 0
    assert said.out.count(code) == 2
    document = kept.run("alerts", "show", code, "--json").json
    assert [one["reason"] for one in document["rulings"]] == ["first"]
    unknown = kept.run("alerts", "show", "ZZZZ")
    assert unknown.code == 1
    assert unknown.err.startswith("no alert ZZZZ is open or in the log\n")


def test_the_log_tells_why_something_was_told(kept):
    rulings = kept.run("alerts", "log", "--json").json["rulings"]
    assert [(one["about"], one["level"], one["reason"]) for one in rulings] == [("main BTC/USDT:USDT long", "emergency", "first")]
    assert "first" in kept.run("alerts", "log").out
    assert kept.run("alerts", "log", "--limit", "0").code == 2


def test_an_acknowledgement_is_kept_without_a_daemon(kept):
    code = code_of(kept)
    assert kept.run("alerts", "ack", code).out == f"acknowledged: {code}\n"
    assert kept.run("alerts", "list", "--json").json["alerts"][0]["acked_at"] is not None
    assert "acknowledged" in kept.run("alerts", "list").out
    assert kept.run("alerts", "ack", "ZZZZ").code == 1
    assert kept.run("alerts", "ack").code == 0


def test_a_silence_of_a_pair_as_it_is_shown_is_one_of_its_symbol(kept):
    assert "symbol BTC/USDT:USDT until" in kept.run("alerts", "silence", "2h", "--symbol", "BTC/USDT").out


def test_a_silence_is_kept_and_taken_back_without_a_daemon(kept):
    said = kept.run("alerts", "silence", "2h", "--symbol", "BTC/*", "--side", "long", "--emergencies", "--comment", "maintenance")
    name = said.out.split(":")[0].removeprefix("silence ")
    assert "symbol BTC/*" in said.out
    assert f"margincall alerts unsilence {name}" in said.out
    (silence,) = kept.run("alerts", "list", "--json").json["silences"]
    assert (silence["id"], silence["emergencies"], silence["comment"]) == (name, True, "maintenance")
    since, until = (datetime.fromisoformat(silence[end]) for end in ("since", "until"))
    assert until - since == timedelta(hours=2)
    assert f"silence {name}: " in kept.run("alerts", "list").out
    assert kept.run("alerts", "unsilence", name).out == f"silence {name} is over\n"
    assert kept.run("alerts", "list", "--json").json["silences"] == []
    assert kept.run("alerts", "unsilence", name).code == 1


@pytest.mark.parametrize(
    "arguments", [["alerts", "silence", "soon"], ["alerts", "silence"], ["drill", "BTC/USDT:USDT", "--cushion", "much"]]
)
def test_a_slip_is_bad_input(kept, arguments):
    said = kept.run(*arguments)
    assert said.code == 2
    assert "Traceback" not in said.err


@pytest.mark.parametrize("arguments", [["alerts", "list"], ["alerts", "ack"], ["drill", "BTC/USDT:USDT"]])
def test_a_missing_store_is_told(terminal, arguments):
    said = terminal.run(*arguments)
    assert (said.code, said.out) == (2, "")
    assert str(terminal.store) in said.err


def test_a_drill_needs_a_daemon(kept):
    said = kept.run("drill", "BTC/USDT:USDT")
    assert said.code == 1
    assert "no daemon runs on this store" in said.err
    assert "margincall run" in said.err


@contextmanager
def a_daemon(terminal, monkeypatch):
    """A guard on the store that answers at its socket, in a thread of its own."""
    monkeypatch.setattr(app, "build_exchanges", lambda *_: [FakeExchange(families=("usdm", "coinm"))])
    monkeypatch.setattr(app, "build_channels", lambda *_: [FakeNotifier()])
    ready, loops = threading.Event(), []

    async def serve():
        done = asyncio.Event()
        loops.append((asyncio.get_running_loop(), done))
        async with app.build_daemon(load(terminal.config)) as parts:
            await parts.control.start()
            ready.set()
            await done.wait()
            await parts.control.stop()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(20)
        yield
    finally:
        loop, done = loops[0]
        loop.call_soon_threadsafe(done.set)
        thread.join(20)


def test_requests_go_through_the_daemon_that_holds_the_store(kept, monkeypatch):
    code = code_of(kept)
    with a_daemon(kept, monkeypatch):
        assert kept.run("alerts", "ack", code).out == f"acknowledged: {code}\n"
        assert kept.run("alerts", "list", "--json").json["alerts"][0]["acked_at"] is not None
        refused = kept.run("alerts", "ack", "ZZZZ")
        assert refused.code == 1
        assert "ZZZZ" in refused.err
        drilled = kept.run("drill", "BTC/USDT:USDT", "--cushion", "7.5%")
        assert drilled.code == 0
        assert "\nsent: DRILL EMERGENCY: BTC/USDT long cushion 7." in f"\n{drilled.out}"


def test_a_store_that_is_held_without_a_socket_is_told_as_such(kept):
    with InstanceLock(kept.store):
        said = kept.run("alerts", "ack")
    assert said.code == 1
    assert "is running on this store" in said.err


async def test_a_daemon_that_came_up_meanwhile_is_asked_again(kept, monkeypatch):
    answers = [None, {"ok": True, "codes": ["K7Q2"]}]

    async def call(*_, **__):
        return answers.pop(0)

    async def alone(*_):
        raise InstanceRunning("another margincall is running")

    monkeypatch.setattr(asking, "call", call)
    monkeypatch.setattr(asking, "_alone", alone)
    assert await asking.ask(kept.config, "ack", codes=[]) == {"codes": ["K7Q2"]}


def test_the_list_is_whole_on_a_narrow_terminal(kept):
    lines = on_screen(["alerts", "list", "--config", str(kept.config)], columns=60)
    assert max(map(len, lines)) <= 60
    assert not any("…" in line for line in lines)
    assert "BTC/USDT:USDT long" in lines[1]
