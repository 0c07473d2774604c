"""The composition root: real adapters out of a real configuration, put together and taken apart."""

import asyncio
from datetime import timedelta

import pytest

from monitor import app
from monitor.clock import SystemClock
from monitor.errors import ChannelRefused, ConfigError, InstanceRunning, StoreUnavailable
from monitor.exchanges.pacing import Pacer, Pause
from tests.builders import NOW, position, snapshot
from tests.cli.terminal import now
from tests.config.files import CANARY, SECRETS, loaded
from tests.fakes import FakeExchange, FakeNotifier

THREE = """
accounts:
  main: {exchange: binance, poll: {calm: 7s, near: 1s}}
  second: {exchange: bybit, credentials: main, contracts: [linear]}
  third: {exchange: okx, credentials: main}
channels:
  phone: {url_from: phone_url}
  desk: {url_from: phone_url}
store: ./store.db
timezone: Europe/Berlin
"""


async def test_every_account_gets_the_adapter_of_its_exchange(tmp_path):
    settings = loaded(tmp_path, THREE)
    clock = SystemClock()
    exchanges = app.build_exchanges(settings, clock, Pacer(clock))
    assert [(one.account, one.exchange, one.families) for one in exchanges] == [
        ("main", "binance", ("usdm", "coinm")),
        ("second", "bybit", ("usdt", "usdc")),
        ("third", "okx", ("okx",)),
    ]
    await asyncio.gather(*(one.close() for one in exchanges))


async def test_channels_are_built_all_or_those_named(tmp_path):
    settings = loaded(tmp_path, THREE)
    assert [channel.name for channel in app.build_channels(settings)] == ["phone", "desk"]
    assert [channel.name for channel in app.build_channels(settings, ["desk"])] == ["desk"]


def test_policy_and_intervals_are_the_owners(tmp_path):
    settings = loaded(tmp_path, THREE)
    policy = app.build_policy(settings, since=NOW, once=True)
    assert (policy.once, policy.watching_since, str(policy.zone)) == (True, NOW, "Europe/Berlin")
    assert not policy.top_ups.acts
    assert app.build_policy(settings, since=NOW).top_ups.acts
    main = app.build_intervals(settings)["main"]
    assert (main.calm, main.near) == (timedelta(seconds=7), timedelta(seconds=1))
    assert (policy.top_ups.policies, policy.top_ups.able) == ((), frozenset())
    assert set(policy.top_ups.grains) == {"binance", "bybit", "okx"}
    assert {rule.KIND for rule in policy.rules} >= {"cushion", "margin_usage", "not_guarded", "data_stale"}


def test_the_scrubber_is_told_every_secret(tmp_path):
    secrets = app.secrets_of(loaded(tmp_path, THREE))
    assert len(secrets) >= 3
    assert all(CANARY in secret for secret in secrets)
    assert SECRETS["MARGINCALL_SECRET_PHONE_URL"] in secrets


@pytest.fixture
def fakes(monkeypatch):
    exchange, phone = FakeExchange(families=("usdm",)), FakeNotifier()
    seen: list[Pacer] = []

    def build(_loaded, _clock, pacer):
        seen.append(pacer)
        return [exchange]

    monkeypatch.setattr(app, "build_exchanges", build)
    channels = {"phone": phone, "desk": FakeNotifier("desk")}
    monkeypatch.setattr(app, "build_channels", lambda _loaded, names: [channels[name] for name in names])
    return exchange, phone, seen


async def test_a_daemon_remembers_what_an_earlier_one_kept_and_forgets_what_is_not_configured(tmp_path, fakes):
    settings = loaded(tmp_path, THREE)
    exchange, phone, _ = fakes
    async with app.build_daemon(settings) as parts:
        await parts.guard.take(snapshot(position("93"), when=now()))
        await parts.workers[0].deliver_due()
    assert [message.title for message in phone.accepted] == ["EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away"]
    async with app.build_daemon(settings) as parts:
        assert len(parts.guard.memory.positions) == len(parts.guard.memory.families) == 1
        assert [one.key.symbol for one in exchange.expected] == ["BTC/USDT:USDT"], "an empty list has to answer for it"
        decision = await parts.guard.take(snapshot(position("93"), when=now()))
        assert decision.commit.messages == ()
    exchange.families = ("coinm",)
    async with app.build_daemon(settings) as parts:
        assert (parts.guard.memory.positions, parts.guard.memory.families) == ({}, {})


async def test_a_store_that_was_lost_begins_with_the_kill_switch_thrown(tmp_path, fakes):
    settings = loaded(tmp_path, THREE)
    async with app.build_daemon(settings) as parts:
        assert (await parts.store.load()).top_ups.stopped_at is None
    settings.store.write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)
    for _ in range(2):
        async with app.build_daemon(settings) as parts:
            assert (await parts.store.load()).top_ups.stopped_at is not None
            assert parts.guard.memory.top_ups.stopped_at is not None


async def test_a_ban_outlives_the_daemon_that_met_it(tmp_path, fakes):
    settings = loaded(tmp_path, THREE)
    async with app.build_daemon(settings):
        until = fakes[2][-1].ban("binance", Pause(scope="ip", seconds=3600))
    async with app.build_daemon(settings) as parts:
        kept = await parts.store.bans()
        assert abs(kept["binance"] - until) < timedelta(seconds=1)
        assert len(fakes[2]) == 2


async def test_only_one_daemon_runs_on_a_store_and_it_lets_go_of_it(tmp_path, fakes):
    settings = loaded(tmp_path, THREE)
    async with app.build_daemon(settings) as parts:
        with pytest.raises(InstanceRunning):
            async with app.build_daemon(settings):
                raise AssertionError
    with pytest.raises(StoreUnavailable):
        await parts.store.load()


async def test_nothing_is_held_when_a_daemon_cannot_be_put_together(tmp_path, fakes, monkeypatch):
    settings = loaded(tmp_path, THREE)

    def refuse(_loaded, _names):
        raise ChannelRefused("channel phone: its URL is not one that apprise knows")

    with monkeypatch.context() as broken:
        broken.setattr(app, "build_channels", refuse)
        with pytest.raises(ConfigError, match=r"channels\.phone\.url_from"):
            async with app.build_daemon(settings):
                raise AssertionError
    async with app.build_daemon(settings) as parts:
        assert parts.guard.memory.families == {}
