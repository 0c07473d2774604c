import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from monitor.daemon import guard as module
from monitor.daemon import unkept
from monitor.daemon.watching import pruned, watch_of
from monitor.errors import StoreCorrupt, StoreFault, StoreUnavailable
from monitor.margin.position import Side
from monitor.margin.reading import FamilyNotOpened, Unguarded
from monitor.memory import Commit, FamilyState
from monitor.requests import Granted
from monitor.topups.ledger import IntentState
from monitor.topups.policy import TopUps
from monitor.topups.state import TopUpChanges
from tests.builders import COINM, NOW, USDM, at, failure, key, position, snapshot
from tests.daemon.guarding import CountingStore, Post
from tests.daemon.virtual import run_virtually
from tests.store.journal_examples import change, circuit, in_state, refusal, rehearsal

CALM, WARNING, EMERGENCY = "100", "96", "93"
FULL = StoreUnavailable("the store cannot be used now (SQLITE_FULL)")


async def see(post, mark, seconds):
    """A reading of the position at ``mark``, ``seconds`` after the start."""
    post.clock.advance(seconds - (post.clock.now() - NOW).total_seconds())
    return await post.guard.take(snapshot(position(mark), when=post.clock.now()))


def events(logs):
    return [one["event"] for one in logs]


async def test_readings_are_decided_on_one_at_a_time_when_they_come_together():
    post = Post()
    families = [replace(USDM, family=name) for name in ("usdm", "coinm", "third")]
    readings = [snapshot(family=family) for family in families]
    await asyncio.gather(*(post.guard.take(reading) for reading in readings), post.guard.tick())
    assert {commit.families[0].key for commit in post.store.kept} == set(families)
    assert set(post.guard.memory.families) == set(families)


async def test_workers_are_woken_only_when_there_is_something_to_send():
    post = Post()
    await see(post, CALM, 0)
    assert post.wakes == 0
    await see(post, EMERGENCY, 2)
    assert post.wakes == 1
    assert post.outbox == ["EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away"]


async def test_a_tick_that_changes_nothing_writes_nothing():
    post = Post()
    await see(post, CALM, 0)
    asked = post.store.asked
    post.clock.advance(1)
    await post.guard.tick()
    assert post.store.asked == asked


@pytest.mark.parametrize("fault", [FULL, StoreCorrupt("damaged"), StoreFault("refused"), RuntimeError("a bug in the store")])
async def test_the_memory_moves_on_and_messages_go_out_directly_when_the_store_fails(fault):
    post = Post()
    await see(post, CALM, 0)
    post.store.fault = fault
    await see(post, EMERGENCY, 2)
    assert [message.title for message in post.direct] == ["EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away"]
    assert post.guard.memory.positions[key()].assessment.position.mark_price == Decimal(EMERGENCY)
    assert not post.guard.kept
    await see(post, EMERGENCY, 4)
    assert len(post.direct) == 1, "told once: the memory knows that it was"


async def test_what_could_not_be_kept_is_kept_later_and_its_messages_are_not_sent_again():
    post = Post()
    await see(post, CALM, 0)
    post.store.fault = FULL
    await see(post, EMERGENCY, 2)
    await post.guard.take(failure(at(3), family=COINM))
    post.store.fault = None
    await see(post, EMERGENCY, 8)
    assert post.guard.kept
    assert [reading.last_seen for reading in post.store.readings] == [at(0), at(2), at(8)]
    memory = await post.store.load()
    assert memory.alerts == post.guard.memory.alerts
    assert memory.families[COINM].failing == 1
    assert post.outbox == []


async def test_a_failing_store_is_left_alone_for_a_while_and_then_asked_again():
    post = Post()
    post.store.fault = FULL
    await see(post, CALM, 0)
    asked = post.store.asked
    for seconds in (1, 2, 3, 4):
        await see(post, CALM, seconds)
    assert post.store.asked == asked
    await see(post, CALM, 5)
    assert post.store.asked == asked + 1


async def test_a_failing_store_is_told_once_and_so_is_its_recovery():
    post = Post()
    with capture_logs() as logs:
        post.store.fault = FULL
        for seconds in range(0, 30, 2):
            await see(post, CALM, seconds)
        post.store.fault = None
        for seconds in range(30, 40, 2):
            await see(post, CALM, seconds)
    assert [event for event in events(logs) if event.startswith("store.")] == ["store.commit_failed", "store.keeps_again"]


async def test_ticks_do_not_push_out_what_waits_for_the_store(monkeypatch):
    monkeypatch.setattr(unkept, "BACKLOG", 3)
    post = Post()
    post.store.fault = FULL
    await see(post, CALM, 0)
    for _ in range(10):
        post.clock.advance(6)
        await post.guard.tick()
    post.store.fault = None
    post.clock.advance(6)
    await post.guard.tick()
    assert [reading.last_seen for reading in post.store.readings] == [at(0)]


async def test_a_commit_that_the_store_refuses_for_good_does_not_stand_in_the_way_of_the_next():
    class Picky(CountingStore):
        async def commit(self, commit, *, channels):
            if any(reading.last_seen == at(2) for reading in commit.readings):
                raise StoreFault("the store refused a statement")
            await super().commit(commit, channels=channels)

    post = Post()
    post.store = post.guard._store = Picky()
    for seconds in (0, 2, 8, 14):
        await see(post, CALM, seconds)
    assert [reading.last_seen for reading in post.store.readings] == [at(0), at(8), at(14)]
    assert post.guard.kept


def test_a_store_that_hangs_holds_up_a_decision_for_seconds_and_the_next_ones_not_at_all():
    class Hanging(CountingStore):
        async def commit(self, commit, *, channels):
            del commit, channels
            await asyncio.Event().wait()

    async def main(clock):
        post = Post(store=Hanging(), clock=clock)
        with capture_logs() as logs:
            await post.guard.take(snapshot(position(EMERGENCY), when=clock.now()))
            first = clock.monotonic()
            await post.guard.take(snapshot(position(EMERGENCY), when=clock.now()))
        assert clock.monotonic() == first
        assert first <= module.KEEP_SECONDS + 0.1
        assert len(post.direct) == 1
        assert "did not answer within 8 s" in next(one["error"] for one in logs if one["event"] == "store.commit_failed")

    run_virtually(main)


async def test_readings_are_logged_when_something_changes_and_not_at_every_poll():
    post = Post()
    with capture_logs() as logs:
        for seconds in (0, 2, 4):
            await see(post, CALM, seconds)
        for seconds in (6, 8):
            await post.guard.take(failure(at(seconds)))
        await post.guard.take(failure(at(9), "another reason"))
        for seconds in (10, 12):
            await see(post, CALM, seconds)
        for seconds in (14, 16, 18):
            await post.guard.take(snapshot(when=at(seconds)))
        for _ in range(3):
            await post.guard.take(FamilyNotOpened(key=COINM, at=at(20), message="not opened"))
    told = [(one["event"], one["log_level"]) for one in logs if one["event"].startswith(("family.", "position."))]
    told = [(event, level) for event, level in told if level != "debug"]
    assert told == [
        ("family.read", "info"),
        ("position.opened", "info"),
        ("family.read_failed", "warning"),
        ("family.read_failed", "warning"),
        ("family.read", "info"),
        ("position.closed", "info"),
        ("family.not_opened", "info"),
    ]


async def test_ages_stay_as_they_are_when_the_clock_is_set():
    post = Post()
    await see(post, WARNING, 0)
    post.clock.advance(10)
    before = post.guard.memory
    hour = timedelta(hours=1)
    await post.guard.shift(hour, lambda: post.clock.step(hour.total_seconds()))
    after = post.guard.memory
    assert post.clock.now() == NOW + hour + timedelta(seconds=10)
    assert after.families[USDM].last_good == NOW + hour
    assert after.families[USDM].since == before.families[USDM].since + hour
    assert (after.positions[key()].first_seen, after.positions[key()].last_seen) == (NOW + hour, NOW + hour)
    (alert,) = after.alerts.values()
    assert (alert.since, alert.state_since, alert.level_since, alert.told_at) == (NOW + hour,) * 4
    assert post.guard.policy.watching_since == NOW + hour
    # near its line it is blind 10 s after the reading, whatever the wall clock said in between
    await post.guard.tick()
    assert post.guard.memory.families[USDM].state is FamilyState.OK
    post.clock.advance(0.5)
    await post.guard.tick()
    assert post.guard.memory.families[USDM].state is FamilyState.BLIND


@pytest.mark.parametrize("step", [-3600, 86400])
async def test_the_journal_is_kept_with_its_times_moved_when_the_clock_is_set(step):
    """Else a restart would count caps and rehearsals by what the wrong clock said."""
    post = Post()
    sent = in_state(IntentState.UNKNOWN)
    changes = TopUpChanges(
        intents=(sent,), paused={"a": NOW}, rehearsals=(rehearsal(since=NOW),), circuits=(circuit(),), refusals=(refusal(),)
    )
    await post.store.commit(Commit(at=NOW, top_ups=changes), channels=())
    post.guard.memory = await post.store.load()
    await post.guard.shift(timedelta(seconds=step), lambda: post.clock.step(step))
    kept = (await post.store.load()).top_ups
    assert kept == post.guard.memory.top_ups
    assert kept.intents[sent.id].planned_at == sent.planned_at + timedelta(seconds=step)
    assert kept.rehearsals["btc_guard"].since == kept.paused["a"] == NOW + timedelta(seconds=step)


@pytest.mark.parametrize("part", [{"top_ups": TopUpChanges(paused={"btc_guard": NOW})}, {"margin_changes": (change(),)}])
async def test_what_is_about_margin_alone_is_kept(part):
    post = Post()
    commit = Commit(at=NOW, **part)
    await post.guard.grant(lambda memory, _: Granted(memory=memory, commit=commit))
    assert post.store.kept == [commit]


@pytest.mark.parametrize("step", [-3600, 3600, 600])
async def test_nothing_storms_and_nothing_is_forgotten_when_the_clock_is_set_back_or_forward(step):
    post = Post()
    await see(post, CALM, 0)
    await see(post, EMERGENCY, 2)
    await post.guard.shift(timedelta(seconds=step), lambda: post.clock.step(step))
    titles = []
    for _ in range(59):
        post.clock.advance(1)
        titles += [m.title for m in (await post.guard.take(snapshot(position(EMERGENCY), when=post.clock.now()))).commit.messages]
    assert titles == []
    post.clock.advance(1)
    again = await post.guard.take(snapshot(position(EMERGENCY), when=post.clock.now()))
    assert [message.title for message in again.commit.messages] == ["Still EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away"]


async def test_the_start_message_names_what_is_guarded_and_what_is_not():
    post = Post()
    cross = (Unguarded(symbol="ETH/USDT:USDT", side=Side.SHORT, mode="cross"),)
    await post.guard.take(snapshot(position(WARNING), unguarded=cross))
    okx = replace(USDM, exchange="okx", family="okx")
    bybit = replace(USDM, exchange="bybit", family="usdt")
    await post.guard.take(failure(message="key expired", family=okx))
    await post.guard.take(FamilyNotOpened(key=COINM, at=NOW, message="no COIN-M account"))
    await post.guard.tell_started([USDM, COINM, okx, bybit])
    message = post.store.kept[-1].messages[0]
    assert message.title == "BLIND in 2 places; NOT guarded: 1 cross; guarding 1 position"
    assert "margincall runs: guarding 1 position on 1 account." in message.body
    assert "1 cross position is NOT guarded" in message.body
    assert "Cannot read main (OKX swaps and futures): key expired" in message.body
    assert "Cannot read main (Bybit USDT contracts): no answer yet" in message.body
    assert "main (Binance COIN-M)" in message.body
    assert "BTC/USDT long" in message.body
    assert message.body.endswith(f"#{message.code}")


async def test_positions_of_an_earlier_run_are_not_counted_as_guarded_until_they_are_read():
    post = Post()
    await see(post, CALM, 0)
    since = at(3600)
    watch = watch_of(post.guard.memory, since)
    assert (watch.positions, watch.accounts, len(watch.blind)) == (0, 0, 1)
    await post.guard.take(snapshot(position(CALM), when=at(3601)))
    watch = watch_of(post.guard.memory, since)
    assert (watch.positions, watch.accounts, watch.blind) == (1, 1, [])


async def test_position_that_only_an_earlier_run_saw_is_not_guarded_although_its_family_was_read():
    post = Post()
    await post.guard.take(snapshot(position(CALM), position("100", symbol="ETH/USDT:USDT"), when=at(0)))
    since = at(60)
    post.clock.advance(61)
    await post.guard.take(snapshot(position(CALM), when=at(61)))
    assert len(post.guard.memory.positions) == 2, "one reading without it closes nothing"
    watch = watch_of(post.guard.memory, since)
    assert (watch.positions, watch.worst.position.key if watch.worst else None) == (1, key())


async def test_the_start_message_names_the_alerts_that_are_open():
    post = Post()
    await see(post, CALM, 0)
    await see(post, EMERGENCY, 2)
    await post.guard.tell_started([USDM])
    message = post.store.kept[-1].messages[0]
    assert message.title == "guarding 1 position on 1 account; 1 emergency alert open"
    assert "Alerts that are still open: 1 emergency. `margincall alerts list` shows them." in message.body


async def test_the_stop_message_says_that_the_guard_is_off():
    post = Post()
    await see(post, CALM, 0)
    await post.guard.tell_stopped()
    message = post.store.kept[-1].messages[0]
    assert message.title == "margincall stopped: your guard is off"
    assert "1 open position is not watched any more" in message.body


async def test_the_memory_forgets_what_is_not_configured_any_more():
    post = Post()
    await see(post, WARNING, 0)
    await post.guard.take(failure(family=COINM))
    memory = post.guard.memory
    assert pruned(memory, [USDM, COINM]).alerts == memory.alerts
    post.clock.advance(31)
    await post.guard.tick()
    blind = post.guard.memory
    kinds = {(subject.kind.value, subject.family) for _, subject in blind.alerts}
    assert kinds == {("position", ""), ("family", "usdm"), ("family", "coinm")}
    assert {subject.family for _, subject in pruned(blind, [USDM]).alerts} == {"", "usdm"}
    less = pruned(memory, [USDM])
    assert set(less.families) == {USDM}
    assert set(less.positions) == {key()}
    other = pruned(memory, [replace(USDM, account="other")])
    assert (other.families, other.positions, other.alerts) == ({}, {}, {})
    assert other.epochs == memory.epochs


async def test_a_store_that_was_lost_is_told_as_critical():
    post = Post()
    await post.guard.tell_store_lost("store.db.damaged")
    message = post.store.kept[-1].messages[0]
    assert message.title == "margincall: the store was damaged, memory starts anew"
    assert "store.db.damaged" in message.body
    assert message.level.label == "critical"
    assert "No margin" not in message.body


async def test_a_store_that_was_lost_stops_automatic_margin_and_says_so():
    post = Post()
    post.guard.policy = replace(post.guard.policy, top_ups=TopUps(able=frozenset({"main"})))
    await post.guard.tell_store_lost("store.db.damaged")
    assert "No margin is added: what was spent is forgotten too." in post.store.kept[-1].messages[0].body
