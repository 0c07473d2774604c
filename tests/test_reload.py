"""A configuration that is read again: what of it comes into force, what waits for a restart, and what becomes of each channel."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor import app
from monitor.alerts.model import Message, NotifyReason
from monitor.alerts.notices import daemon_message
from monitor.config import load
from monitor.config.changes import compare
from monitor.daemon.crew import Crew
from monitor.daemon.schedule import Schedule
from monitor.errors import ChannelUnavailable, ConfigError, MargincallError, StoreUnavailable
from monitor.requests import acknowledge
from monitor.rules.base import Level
from tests.builders import position, snapshot
from tests.cli.terminal import now
from tests.config.files import CANARY, DESK, DESK_SECRETS, write
from tests.fakes import FakeExchange, FakeNotifier

HOUSE = DESK + "store: ./store.db\ntimezone: UTC\n"
DOWN = ChannelUnavailable("channel chat: no answer")


class House:
    """A daemon on fakes whose configuration file can be rewritten; ``made``: every channel that was ever built, in order."""

    def __init__(self, folder: Path, parts: Any, told: list[tuple[str, ...]]) -> None:
        self.folder, self.parts, self.told = folder, parts, told
        self.crew, self.schedule = Crew(), Schedule(parts.clock, on_step=lambda _: None)

    def write(self, text: str) -> None:
        write(self.folder, text)

    async def reload(self, text: str):
        self.write(text)
        return await self.parts.reload.now()

    async def accepted(self, name: str) -> list[Message]:
        """What the channel of that name has taken so far, after it looked at the outbox."""
        (worker,) = [one for one in self.parts.workers if one.name == name]
        await worker.deliver_due()
        return list(worker._channel.accepted)


@pytest.fixture
def make(tmp_path, monkeypatch):
    for name, value in DESK_SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(app, "build_exchanges", lambda *_: [FakeExchange(families=("usdm",))])
    monkeypatch.setattr(app, "build_channels", lambda _, names: [FakeNotifier(name) for name in names])

    @asynccontextmanager
    async def making(text: str = HOUSE) -> AsyncIterator[House]:
        told: list[tuple[str, ...]] = []
        async with app.build_daemon(load(write(tmp_path, text)), hide=lambda secrets: told.append(tuple(secrets))) as parts:
            house = House(tmp_path, parts, told)
            house.parts.reload._tell_systemd = lambda *states: told.append(states)
            house.parts.reload.attend(house.crew, house.schedule)
            try:
                yield house
            finally:
                await house.crew.dismiss(1)

    return making


async def test_rules_and_policy_are_in_force_from_the_next_decision_on_and_what_was_acknowledged_stays(make):
    async with make() as house:
        guard, since = house.parts.guard, house.parts.guard.policy.watching_since
        await guard.take(snapshot(position("96"), when=now()))  # cushion about 56 %
        (alert,) = guard.memory.alerts.values()
        await guard.grant(lambda memory, at: acknowledge(memory, (alert.code,), at))
        guard.policy = replace(guard.policy, top_ups=replace(guard.policy.top_ups, unfit={"main": "it may withdraw"}))
        done = await house.reload(HOUSE + "rules: [{kind: cushion, critical: 58%}]\nack_lapses_after: 1h\n")
        assert done.changed == ("rule cushion changed", "how long an acknowledgement lasts changed")
        assert done.restart == ()
        assert (guard.policy.ack_lapses, guard.policy.watching_since) == (timedelta(hours=1), since)
        assert guard.policy.top_ups.unfit == {"main": "it may withdraw"}
        assert [one.code for one in guard.memory.alerts.values() if one.acked_at] == [alert.code]
        decision = await guard.take(snapshot(position("96"), when=now()))
        assert [one.level.label for one in decision.commit.messages] == ["critical"]
        assert "margincall: configuration reloaded" in [one.title for one in await house.accepted("chat")]


async def test_alert_of_a_rule_that_is_no_longer_in_force_is_over_without_a_word(make):
    async with make() as house:
        await house.parts.guard.take(snapshot(position("96"), when=now()))
        assert [kind for kind, _ in house.parts.guard.memory.alerts] == ["cushion"]
        await house.reload(HOUSE + "rules: [{kind: cushion, off: true}]\n")
        assert house.parts.guard.memory.alerts == (await house.parts.store.load()).alerts == {}
        assert not [one for one in await house.accepted("chat") if one.why.value == "resolved"]


async def test_bad_configuration_changes_nothing_and_is_told_through_the_channels_that_are_there(make):
    async with make() as house:
        before, workers = house.parts.guard.policy, list(house.parts.workers)
        with pytest.raises(ConfigError):
            await house.reload(HOUSE + "rules: [{kind: cushoin}]\nchanels: {}\n")
        assert house.parts.guard.policy is before
        assert house.parts.workers == workers
        (refused,) = await house.accepted("phone")
        assert refused.level.label == "warning"
        assert f"{house.folder / 'config.yaml'}:10" in refused.body
        assert "The one before stays in force" in refused.body
        assert house.told[0][0] == "RELOADING=1"
        assert house.told[0][1].startswith("MONOTONIC_USEC=")
        assert house.told[-1] == ("READY=1",)
        answer = await house.parts.reload.verb({})
        assert "chanels" in answer["problems"]
        done = await house.reload(HOUSE)
        assert (done.changed, len(await house.accepted("phone"))) == ((), 3), "what was refused can be used again: that is told"
        await house.reload(HOUSE)
        assert len(await house.accepted("phone")) == 3, "nothing is other than before, and nothing was wrong"


async def test_what_waits_for_a_removed_channel_goes_to_the_fallback_that_is_left(make):
    chain = HOUSE.replace("phone_url}", "phone_url, fallback: chat}").replace("chat_url}", "chat_url, fallback: partner}")
    async with make(chain) as house:
        phone, chat, partner = house.parts.workers
        for worker in (phone, chat):
            worker._channel.usually = DOWN
        await house.parts.guard.take(snapshot(position("93"), when=now()))
        await phone.deliver_due()
        done = await house.reload("\n".join(line for line in chain.splitlines() if "phone:" not in line and "chat:" not in line))
        assert done.changed == ("channel phone removed", "channel chat removed")
        assert house.parts.workers == [partner]
        assert [one.name for one in house.crew.watched] == []
        titles = [one.title for one in await house.accepted("partner")]
        assert titles == ["EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away", "margincall: configuration reloaded"]
        assert await house.parts.store.next_due("phone") is None
        assert phone._channel._closed


async def test_what_waits_for_a_removed_channel_without_a_fallback_is_told(make):
    async with make() as house:
        house.parts.workers[1]._channel.usually = DOWN
        await house.parts.guard.take(snapshot(position("93"), when=now()))
        await house.reload("\n".join(line for line in HOUSE.splitlines() if "chat:" not in line))
        told = (await house.accepted("phone"))[-1].body
        assert "1 message waited for a channel that was removed without a fallback" in told
        assert "EMERGENCY: BTC/USDT long" in told


async def test_what_the_store_could_not_take_is_not_lost_with_its_channel(make):
    async with make(HOUSE.replace("phone_url}", "phone_url, fallback: chat}")) as house:
        phone, chat, _ = house.parts.workers
        now = house.parts.clock.now()
        message = replace(daemon_message(NotifyReason.EVENT, "a title", "a body", Level.CRITICAL, now), channels=("phone",))
        phone.push(message)
        await house.reload("\n".join(line for line in HOUSE.splitlines() if "phone:" not in line))
        assert message in await house.accepted(chat.name)


async def test_channel_that_goes_another_way_gets_a_new_worker_and_the_others_keep_theirs(make, monkeypatch):
    async with make() as house:
        phone, chat, partner = house.parts.workers
        monkeypatch.setenv("MARGINCALL_SECRET_CHAT_URL", f"ntfy://{CANARY}/other")
        done = await house.reload(HOUSE.replace("url_from: phone_url", "url_from: phone_url, fallback: chat"))
        assert done.changed == ("channel phone changed", "channel chat changed")
        assert house.parts.workers[2] is partner
        assert not {phone, chat} & set(house.parts.workers)
        assert house.parts.workers[0]._fallback is house.parts.workers[1]
        assert [one.name for one in house.crew.watched] == ["channel-phone", "channel-chat"]
        assert [one._closed for one in (phone._channel, chat._channel, partner._channel)] == [True, True, False]
        assert any(f"ntfy://{CANARY}/other" in secrets for secrets in house.told), "a new secret is hidden before it is used"


async def test_heartbeat_and_digest_come_change_and_go(make):
    async with make() as house:
        reload = house.parts.reload
        both = HOUSE + 'heartbeat: {url_from: heartbeat_url}\ndigest: {at: "08:00"}\n'
        assert (await house.reload(both)).changed == ("heartbeat changed", "digest changed")
        assert {"heartbeat", "digest"} <= set(house.crew._tasks)
        beats = house.crew._tasks["heartbeat"]
        assert (await house.reload(both.replace("08:00", "09:00"))).changed == ("digest changed",)
        assert house.crew._tasks["heartbeat"] is beats
        assert set(house.schedule._jobs) == {"digest"}
        await house.reload(HOUSE)
        assert not {"heartbeat", "digest"} & set(house.crew._tasks)
        assert (house.schedule._jobs, reload._refused) == ({}, False)


async def test_store_that_fails_keeps_no_configuration_out(make, monkeypatch):
    async with make() as house:

        async def fail(*_):
            raise StoreUnavailable("the disk is full")

        monkeypatch.setattr(house.parts.store, "retire", fail)
        done = await house.reload("\n".join(line for line in HOUSE.splitlines() if "chat:" not in line))
        assert done.changed == ("channel chat removed",)
        assert [one.name for one in house.parts.workers] == ["phone", "partner"]


async def test_a_reload_before_the_daemon_has_begun_is_refused(make):
    async with make() as house:
        house.parts.reload._crew = None
        with pytest.raises(MargincallError, match="still starting"):
            await house.parts.reload.now()


def _loaded(folder: Path, text: str, **environ: str):
    return load(write(folder, text), environ=DESK_SECRETS | environ)


@pytest.mark.parametrize(
    ("text", "environ", "told"),
    [
        (HOUSE.replace("test: {exchange: bybit}", "test: {exchange: bybit, poll: {calm: 20s}}"), {}, "account test changed"),
        (HOUSE, {"MARGINCALL_SECRET_TEST_SECRET": "another"}, "account test changed"),
        (HOUSE.replace("  test: {exchange: bybit}\n", ""), {}, "account test removed"),
        (HOUSE.replace("channels:", "  third: {exchange: okx, credentials: main}\nchannels:"), {}, "account third added"),
        (HOUSE.replace("./store.db", "./other.db"), {}, "store moved"),
        (HOUSE + "web: {}\n", {}, "web changed"),
    ],
)
def test_what_needs_a_restart_is_named_and_left_as_it_was(tmp_path, text, environ, told):
    old, new = _loaded(tmp_path, HOUSE), _loaded(tmp_path, text, **environ)
    difference = compare(old, new)
    assert (difference.changed, difference.restart) == ((), (told,))
    assert difference.loaded.settings.accounts == old.settings.accounts
    assert (difference.loaded.settings.web, difference.loaded.store) == (None, old.store)
    secrets = {name: secret.get_secret_value() for name, secret in difference.loaded.secrets.items()}
    assert secrets["test_secret"] == DESK_SECRETS["MARGINCALL_SECRET_TEST_SECRET"]
    assert CANARY not in " ".join((*difference.changed, *difference.restart))
    assert compare(difference.loaded, new).restart == (told,), "it is told again as long as it waits"


TOP_UPS = """\
top_ups:
  - name: a
    match: {symbol: "BTC*"}
    mode: dry_run
    trigger: {cushion: 30%}
    target: {cushion: 60%}
    caps: {per_action: {USDT: 1}, per_position: {USDT: 2}, per_day: {USDT: 3}}
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "rules: [{kind: thin_buffer, warning: 2x}, {kind: margin_usage, off: true}]\n",
            ("rule thin_buffer added", "rule margin_usage removed"),
        ),
        ("levels: {info: {repeat: 1h}}\n", ("levels changed",)),
        ('quiet_hours: {from: "23:00", to: "07:00"}\n', ("quiet hours changed",)),
        ("escalation: [{after: 2m, level: emergency, channels: [partner]}]\n", ("escalation changed",)),
        ("routes: [{match: {account: test}, channels: [chat]}]\n", ("routes changed",)),
        ("ignore: {notional_below: {USDT: 20}}\n", ("what is ignored changed",)),
        (TOP_UPS, ("top-up policy a added",)),
        ("", ()),
    ],
)
def test_every_other_part_is_told_in_words(tmp_path, text, told):
    difference = compare(_loaded(tmp_path, HOUSE), _loaded(tmp_path, HOUSE + text))
    assert sorted(difference.changed) == sorted(told)
    assert (difference.restart, difference.fresh) == ((), frozenset())


def test_order_of_the_policies_counts_since_the_first_that_matches_is_in_charge(tmp_path):
    first, second = TOP_UPS, TOP_UPS.replace("top_ups:\n", "").replace("name: a", "name: b")
    there = _loaded(tmp_path, HOUSE + first + second)
    back = _loaded(tmp_path, HOUSE + "top_ups:\n" + second + first.replace("top_ups:\n", ""))
    assert compare(there, back).changed == ("order of the top-up policies changed",)


def test_another_time_zone_reaches_every_channel_and_the_digest(tmp_path):
    difference = compare(_loaded(tmp_path, HOUSE), _loaded(tmp_path, HOUSE.replace("timezone: UTC", "timezone: Asia/Tokyo")))
    assert (difference.changed, difference.digest) == (("time zone changed",), True)
    assert difference.fresh == {"phone", "chat", "partner"}
