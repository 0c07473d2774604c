import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from monitor import app
from monitor.errors import ChannelRefused, RateLimited
from monitor.ports import CheckLine
from monitor.rules import discover
from monitor.store.sqlite import SqliteStore
from tests.builders import position, snapshot
from tests.cli.terminal import now, on_screen
from tests.fakes import FakeExchange, FakeNotifier
from tests.receiver import Receiver

GOOD = CheckLine(status="ok", topic="connection", text="answers in 3 ms")
ODD = CheckLine(status="warn", topic="clock", text="1.50 s behind", advice="Keep this machine's clock in step (NTP).")
BAD = CheckLine(status="fail", topic="usdm", text="key refused", advice="Check the key.")


@pytest.fixture
def exchange(monkeypatch):
    """The one account, in place of a real one."""
    fake = FakeExchange()
    monkeypatch.setattr(app, "build_exchanges", lambda *_: [fake])
    return fake


@pytest.mark.parametrize(("lines", "code"), [((GOOD,), 0), ((GOOD, ODD), 0), ((GOOD, ODD, BAD), 1), ((), 0)])
def test_check_fails_only_when_something_failed(terminal, exchange, lines, code):
    exchange.lines = lines
    said = terminal.run("check")
    assert said.code == code
    assert exchange.closed
    assert exchange.inspected == [False], "nobody else polls here"
    for line in lines:
        assert f"{line.status:<5}{line.topic}: {line.text}" in said.out
        assert not line.advice or f"\n        {line.advice}\n" in said.out


def test_check_tells_of_files_rules_and_channels_and_sends_nothing(terminal, exchange, monkeypatch):
    channel = FakeNotifier()
    monkeypatch.setattr(app, "build_channels", lambda *_: [channel])
    said = terminal.run("check")
    assert str(terminal.config) in said.out
    assert str(terminal.store) in said.out
    assert "  ok   rules: on figures: cushion, " in said.out
    assert "phone: usable" in said.out
    assert channel.accepted == []
    assert not terminal.store.exists()


def test_check_tells_what_goes_where(terminal, exchange):
    terminal.write(
        terminal.config.read_text().replace(
            "  phone:", "  partner: {url_from: phone_url}\n  mail: {url_from: phone_url}\n  phone:"
        )
        + "escalation: [{after: 2m, level: emergency, channels: [partner]}]\n"
        + "routes: [{match: {account: main}, channels: [mail]}]\n"
    )
    said = terminal.run("check")
    assert "  ok   warning: goes to mail, phone\n" in said.out
    assert "  ok   emergency: goes to mail, phone; unanswered for 2 min: partner too\n" in said.out
    assert "  ok   routes: 1 of your own come before the levels\n" in said.out


def test_check_fails_when_a_channel_cannot_be_used(terminal, exchange, monkeypatch):
    def refuse(*_):
        raise ChannelRefused("channel phone: its URL is not one that apprise knows")

    monkeypatch.setattr(app, "build_channels", refuse)
    said = terminal.run("check")
    assert said.code == 1
    assert "phone: channel phone: its URL is not one that apprise knows" in said.out


def test_check_warns_when_no_rule_is_left(terminal, exchange):
    off = "".join(f"  - {{kind: {kind}, off: true}}\n" for kind, rule in discover().items() if rule.DEFAULT)
    terminal.write(terminal.config.read_text() + f"rules:\n{off}")
    said = terminal.run("check")
    assert "  warn rules: none: nothing would ever be told" in said.out
    assert said.code == 0


def test_check_has_a_document_for_scripts(terminal, exchange):
    exchange.lines = (GOOD, BAD)
    said = terminal.run("check", "--json")
    assert said.code == 1
    document = said.json
    assert (document["schema"], document["as_of"][-1]) == (1, "Z")
    assert document["checks"][-1] == {
        "about": "main", "status": "fail", "topic": "usdm", "text": "key refused", "advice": "Check the key.",
        "known": True,
    }  # fmt: skip


def test_an_account_may_be_called_config(terminal, monkeypatch):
    terminal.write(terminal.config.read_text().replace("main: {", "config: {credentials: main, "))
    fake = FakeExchange(account="config")
    fake.lines = (GOOD,)
    monkeypatch.setattr(app, "build_exchanges", lambda *_: [fake])
    topics = [one["topic"] for one in terminal.run("check", "--json").json["checks"] if one["about"] == "config"]
    assert topics[0] == "file"
    assert topics.count("file") == 1
    assert topics[-1] == "connection"


def test_live_positions_are_read_now_and_kept_nowhere(terminal, exchange):
    exchange.bring(snapshot(position("93"), when=now()))
    said = terminal.run("positions", "--live", "--json")
    (one,) = said.json["positions"]
    assert (one["state"], one["cushion"]) == ("emergency", "0.23")
    assert said.json["accounts"][0]["state"] == "ok"
    assert not terminal.store.exists()
    assert exchange.closed
    assert "nobody watches" not in terminal.run("positions", "--live").out
    assert Decimal(one["liquidation_price"]) > 90


def test_looking_keeps_the_silence_that_an_exchange_asked_for(terminal, monkeypatch):
    """A ban that the daemon met is in the store; a look from the command line must not break it."""
    until = now() + timedelta(hours=1)

    async def keep():
        store = await SqliteStore.open(terminal.store)
        await store.keep_ban("binance", until)
        await store.close()

    asyncio.run(keep())
    pacers = []

    def build(_loaded, _clock, pacer):
        pacers.append(pacer)
        return [FakeExchange()]

    monkeypatch.setattr(app, "build_exchanges", build)
    for arguments in (["check"], ["positions", "--live"]):
        assert terminal.run(*arguments).code == 0
        with pytest.raises(RateLimited):
            pacers.pop().check(["binance"])


def sections(said):
    """The topics by what they are about."""
    found: dict[str, list[str]] = {}
    for one in said.json["checks"]:
        found.setdefault(one["about"], []).append(one["topic"])
    return found


def test_check_looks_at_files_store_and_machine_too(terminal, exchange):
    exchange.lines = (GOOD,)
    terminal.keep(snapshot(position("99"), when=now()))
    terminal.config.chmod(0o600)
    document = terminal.run("check", "--json")
    assert list(sections(document)) == ["config", "channels", "files", "store", "machine", "main"]
    assert sections(document)["store"] == ["schema", "integrity", "backup", "sqlite", "disk"]
    assert sections(document)["files"] == ["configuration", "store's folder", "store's file"]
    assert sections(document)["machine"][:3] == ["wall clock", "time zone", "systemd unit"]
    assert document.code == 0
    assert "store: schema" not in document.out


def test_check_fails_when_the_store_is_damaged_or_the_configuration_open_to_all(terminal, exchange):
    terminal.store.write_bytes(b"no database at all, and longer than the hundred bytes that a header has. " * 3)
    terminal.store.chmod(0o600)
    said = terminal.run("check")
    assert said.code == 1
    assert f"  fail store: the store {terminal.store} is damaged" in said.out
    terminal.store.unlink()
    assert terminal.run("check").code == 0
    terminal.config.chmod(0o666)
    said = terminal.run("check")
    assert said.code == 1
    assert f"  fail configuration: {terminal.config} can be written by other users" in said.out
    assert f"\n        Run: chmod go-w {terminal.config}\n" in said.out


def test_check_ends_with_how_many_failed(terminal, exchange, monkeypatch):
    with_heartbeat(terminal, monkeypatch)
    exchange.lines = (GOOD, ODD, BAD)
    lines = json_lines(terminal)
    failed, warned = (sum(one["status"] == status for one in lines) for status in ("fail", "warn"))
    assert failed == 1
    assert terminal.run("check").out.splitlines()[-1] == f"1 failed, {warned} warning{'s' if warned != 1 else ''}"


def json_lines(terminal):
    return terminal.run("check", "--json").json["checks"]


def with_heartbeat(terminal, monkeypatch, url="https://beat.example/canary"):
    terminal.write(terminal.config.read_text() + "heartbeat: {url_from: beat_url}\n")
    monkeypatch.setenv("MARGINCALL_SECRET_BEAT_URL", url)


def test_check_warns_when_nobody_watches_the_machine(terminal, exchange, monkeypatch):
    def beat():
        return next(one for one in json_lines(terminal) if one["topic"] == "heartbeat")

    assert (beat()["status"], beat()["advice"][:15]) == ("warn", "Set `heartbeat:")
    with_heartbeat(terminal, monkeypatch)
    assert beat()["status"] == "ok"


def test_check_sends_to_every_channel_and_beats_when_asked(terminal, exchange, monkeypatch):
    terminal.write(terminal.config.read_text().replace("  phone:", "  mail: {url_from: phone_url}\n  phone:"))
    made = {name: FakeNotifier(name) for name in ("phone", "mail")}
    made["mail"].usually = ChannelRefused("channel mail: the service answered 401")
    monkeypatch.setattr(app, "build_channels", lambda _, names: [made[name] for name in names])
    with Receiver() as watcher:
        with_heartbeat(terminal, monkeypatch, f"http://127.0.0.1:{watcher.port}/canary/")
        assert "sent" not in sections(terminal.run("check", "--json"))
        assert made["phone"].tried == []
        said = terminal.run("check", "--send", "--json")
        assert said.code == 1
        sent = {one["topic"]: (one["status"], one["text"].strip()) for one in said.json["checks"] if one["about"] == "sent"}
        assert [one.path for one in watcher.requests] == ["/canary"]
    assert sent["phone"] == ("ok", "accepted")
    assert sent["mail"][0] == "fail"
    assert sent["mail"][1].startswith("channel mail: the service answered 401")
    assert sent["heartbeat"] == ("ok", "accepted")
    assert [message.code for message in made["phone"].accepted] == ["TEST"]


def test_check_fails_when_the_watcher_outside_is_not_reached(terminal, exchange, monkeypatch):
    monkeypatch.setattr(app, "build_channels", lambda *_: [FakeNotifier()])
    with_heartbeat(terminal, monkeypatch, "http://127.0.0.1:1/beat")
    said = terminal.run("check", "--send")
    assert said.code == 1
    assert "  fail heartbeat: not reached: ClientConnectorError" in said.out


@pytest.mark.parametrize("columns", [80, 100])
def test_check_fits_the_screen(terminal, columns):
    # The account's exchange is nobody: every line of an unreachable one is there too.
    terminal.write(terminal.config.read_text().replace("binance}", 'binance, endpoint: "http://127.0.0.1:1"}'))
    lines = on_screen(["check", "--config", str(terminal.config)], columns=columns)
    assert any(line.startswith("  fail connection: ") for line in lines)
    long = [line for line in lines if len(line) > columns and str(terminal.folder) not in line]
    assert long == []
    assert any(line.startswith("        ") for line in lines), "what goes on stands below what began"
