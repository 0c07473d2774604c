"""The doctor on the practice exchange, with the demo's world: the real command, and the daily look on the daemon's own parts."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor import app
from monitor.config import load
from monitor.margin.reading import FamilySnapshot
from monitor.practice import DEMO, EngineSource, ServerThread, build
from monitor.store.reader import StoreReader
from tests.cli.terminal import on_screen
from tests.e2e.program import Program
from tests.receiver import Receiver

REFUSING = "http://127.0.0.1:1"


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[Program]:
    """A configuration for every account of the demo's world, the practice exchange that has them, and a phone."""
    engine = build(DEMO)
    secrets: dict[str, str] = {}
    accounts: list[str] = []
    with ServerThread(EngineSource(engine)) as server, Receiver() as phone:
        for name, one in engine.accounts.items():
            accounts.append(f'  {name}: {{exchange: {one.exchange}, endpoint: "{server.url}", poll: {{calm: 1s, near: 1s}}}}\n')
            secrets |= {f"{name}_api_key": one.api_key, f"{name}_secret": one.secret, f"{name}_passphrase": one.passphrase}
        config = f"accounts:\n{''.join(accounts)}channels:\n  phone: {{url_from: phone_url}}\nstore: ./state/store.db\n"
        program = Program(tmp_path, config, secrets | {"phone_url": phone.url})
        program.config.chmod(0o600)
        yield program
        program.stop()


def statuses(program: Program, about: str, *arguments: str, code: int = 0) -> list[tuple[str, str, str]]:
    checks = json.loads(program.run("check", "--json", *arguments, code=code))["checks"]
    return [(one["status"], one["topic"], one["text"]) for one in checks if one["about"] == about]


def test_check_tells_what_is_well_and_every_key_that_may_do_too_much(practice: Program) -> None:
    checks = json.loads(practice.run("check", "--json"))["checks"]
    assert [one for one in checks if one["status"] == "fail"] == []
    for account in ("alpha", "beta", "gamma"):
        mine = {(one["status"], one["topic"]) for one in checks if one["about"] == account}
        assert mine >= {("ok", "site"), ("ok", "connection"), ("ok", "clock"), ("warn", "key"), ("ok", "key")}
    texts = [one["text"] for one in checks]
    assert "may trade" in texts
    assert "taker fee read for 2 of 2 positions: 0.055 %" in texts
    assert "none yet: `margincall run` makes it" in texts
    assert ("ok", "phone", "accepted") in statuses(practice, "sent", "--send")


@pytest.mark.parametrize("columns", [80, 100])
def test_check_reads_well_on_a_narrow_screen(practice: Program, columns: int) -> None:
    lines = on_screen(["check", "--config", str(practice.config)], columns=columns, environ=practice.environment)
    assert [line for line in lines if len(line) > columns and str(practice.folder) not in line] == []
    assert lines[0] == "config"
    assert lines[-1].endswith("warnings")


def test_check_fails_when_an_account_cannot_be_reached(practice: Program) -> None:
    text = practice.config.read_text()
    begin = text.index("http://")
    practice.config.write_text(text[:begin] + REFUSING + text[text.index('"', begin) :])
    lines = statuses(practice, "alpha", code=1)
    assert ("fail", "connection") in {(status, topic) for status, topic, _ in lines}
    assert "fail" not in {status for status, _, _ in statuses(practice, "beta", code=1)}


def test_the_daemon_tells_what_is_new_once_a_day_and_the_digest_its_verdict(
    practice: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in practice.environment.items():
        monkeypatch.setenv(name, value)
    text = practice.config.read_text()

    async def days() -> str:
        async with app.build_daemon(load(practice.config)) as parts:
            assert parts.doctor is not None
            for exchange in parts.exchanges:
                for family in exchange.families:
                    reading = await exchange.fetch_family(family)
                    assert isinstance(reading, FamilySnapshot)
                    await parts.guard.take(reading)
            await parts.doctor.look()
            practice.config.write_text(text + "rules: [{kind: cushoin}]\n")
            await parts.doctor.look()
            verdict = parts.doctor.verdict
            await asyncio.gather(*(one.close() for one in parts.exchanges), *(one.close() for one in parts.channels))
            return verdict

    verdict = asyncio.run(days())
    store = practice.folder / "state" / "store.db"
    with StoreReader(store) as reader:
        told = [one.message for one in reader.deliveries() if "daily check" in one.message.title]
    assert [one.title.rpartition(": ")[2] for one in told] == [told[0].title.rpartition(": ")[2], "1 failed"]
    assert "warning" in told[0].title
    assert "alpha, key: may trade" in told[0].body
    assert "heartbeat: none" in told[0].body
    assert "cushion" in told[1].body
    assert "may trade" not in told[1].body, "told the day before"
    assert "a restart would fail" in told[1].body
    assert verdict.startswith("Daily check: 1 failed, ")
    assert "no whole answer" not in verdict
    assert all(
        value not in one.body for one in told for name, value in practice.environment.items() if "SECRET" in name and value
    )
