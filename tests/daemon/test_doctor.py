"""The daily look: what is new is told once, whatever hangs or breaks keeps nobody, and the digest has its verdict."""

import asyncio
import json
import threading
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from monitor.alerts.model import NotifyReason
from monitor.daemon import doctor as module
from monitor.daemon.doctor import NOTE, Doctor
from monitor.decide import decide
from monitor.errors import StoreUnavailable
from monitor.memory import Memory
from monitor.ports import CheckLine
from monitor.rules.base import Level
from tests.builders import NOW, failure, policy
from tests.daemon.guarding import Post
from tests.fakes import FakeExchange

WELL = CheckLine(status="ok", topic="integrity", text="no damage found")
ODD = CheckLine(status="warn", topic="backup", text="the newest copy is 3 days old", advice="Make room.")
OLDER = CheckLine(status="warn", topic="backup", text="the newest copy is 4 days old", advice="Make room.")
BAD = CheckLine(status="fail", topic="integrity", text="the store is damaged", advice="Restart.")
KEY = CheckLine(status="warn", topic="key", text="may trade", advice="Reading is enough.")


class Practice:
    """A doctor over a guard of fakes: ``here`` is what this machine's look gives, or raises."""

    def __init__(self, post=None, *exchanges):
        self.post = post or Post()
        self.here = [WELL]
        self.exchanges = exchanges or (FakeExchange(),)
        self.doctor = self.another()

    def another(self):
        """As after a restart, on the same store."""
        return Doctor(self.exchanges, self.post.guard, self.post.store, self.post.clock, local=self._local, inspect=self._inspect)

    def _local(self):
        assert threading.current_thread().daemon, "a look that hangs must not hold up the end of the process"
        if isinstance(self.here, Exception):
            raise self.here
        return [("store", self.here)]

    @staticmethod
    async def _inspect(exchange, memory):
        assert isinstance(memory, Memory)
        return await exchange.inspect(polled=True)

    async def look(self):
        """One look, a day after the one before."""
        self.post.clock.advance(86_400)
        await self.doctor.look()

    @property
    def told(self):
        return [message for commit in self.post.store.kept for message in commit.messages]


async def test_nothing_is_told_when_all_is_well():
    practice = Practice()
    await practice.look()
    assert practice.told == []
    assert practice.doctor.verdict == "Daily check: all well."
    assert practice.exchanges[0].inspected == [True]


async def test_news_is_one_message_with_all_of_it_and_told_once():
    practice = Practice()
    practice.exchanges[0].lines = (KEY,)
    practice.here = [ODD, BAD]
    await practice.look()
    (message,) = practice.told
    assert (message.level, message.why) == (Level.WARNING, NotifyReason.EVENT)
    for words in ("integrity: the store is damaged. Restart.", "backup: the newest copy", "main, key: may trade"):
        assert words in message.body
    practice.here = [OLDER, BAD]
    await practice.look()
    assert len(practice.told) == 1
    assert practice.doctor.verdict == "Daily check: 1 failed, 2 warnings."


async def test_what_is_only_a_warning_is_info():
    practice = Practice()
    practice.here = [ODD]
    await practice.look()
    assert [message.level for message in practice.told] == [Level.INFO]


async def test_only_what_is_new_is_told_later_and_an_end_is_not():
    practice = Practice()
    practice.here = [ODD]
    await practice.look()
    practice.here = [ODD, BAD]
    await practice.look()
    assert "backup" not in practice.told[1].body
    practice.here = [WELL]
    await practice.look()
    assert len(practice.told) == 2
    practice.here = [ODD]
    await practice.look()
    assert len(practice.told) == 3


async def test_restart_does_not_tell_again():
    practice = Practice()
    practice.here = [ODD]
    await practice.look()
    practice.doctor = practice.another()
    await practice.look()
    assert len(practice.told) == 1
    practice.here = [ODD, BAD]
    practice.doctor = practice.another()
    await practice.look()
    assert len(practice.told) == 2


@pytest.mark.parametrize("kept", ["not json", "7", "null"])
async def test_note_that_makes_no_sense_counts_as_none(kept):
    practice = Practice()
    await practice.post.store.keep_note(NOTE, kept)
    practice.here = [ODD]
    await practice.look()
    assert len(practice.told) == 1
    assert len(json.loads(await practice.post.store.note(NOTE) or "")) == 1


async def test_news_is_told_past_a_store_that_does_not_work():
    practice = Practice()
    practice.here = [ODD]
    practice.post.store.fault = StoreUnavailable("the disk is full")
    await practice.look()
    assert len(practice.post.direct) == 1
    await practice.look()
    assert len(practice.post.direct) == 1


async def test_account_that_raises_or_hangs_is_missed_and_the_rest_is_told(monkeypatch):
    monkeypatch.setattr(module, "ACCOUNT_SECONDS", 0.01)
    broken, stuck, good = FakeExchange("broken"), FakeExchange("stuck"), FakeExchange("good")

    async def breaks(**_):
        raise RuntimeError("unforeseen")

    async def hangs(**_):
        await asyncio.Event().wait()

    monkeypatch.setattr(broken, "inspect", breaks)
    monkeypatch.setattr(stuck, "inspect", hangs)
    good.lines = (KEY,)
    practice = Practice(None, broken, stuck, good)
    with capture_logs() as logs:
        await practice.look()
    assert "good, key: may trade" in practice.told[0].body
    assert practice.doctor.verdict == "Daily check: 1 warning (no whole answer of broken, stuck)."
    assert [(one["event"], one["about"]) for one in logs if "about" in one] == [
        ("doctor.stumbled", "broken"),
        ("doctor.no_answer", "stuck"),
    ]


async def test_what_was_told_of_an_account_is_not_told_again_after_it_was_missed():
    practice = Practice()
    exchange = practice.exchanges[0]
    exchange.lines = (KEY,)
    await practice.look()
    answer = exchange.inspect

    async def breaks(**_):
        raise RuntimeError("unforeseen")

    exchange.inspect = breaks
    await practice.look()
    exchange.inspect = answer
    await practice.look()
    assert len(practice.told) == 1


async def test_question_without_an_answer_is_no_news_and_the_account_counts_as_missed():
    practice = Practice()
    exchange = practice.exchanges[0]
    exchange.lines = (KEY, ODD)
    await practice.look()
    exchange.lines = (replace(KEY, text="not known: silence", known=False), ODD)
    await practice.look()
    assert practice.doctor.verdict == "Daily check: 1 warning (no whole answer of main)."
    exchange.lines = (KEY, ODD)
    await practice.look()
    assert len(practice.told) == 1


async def test_local_look_that_raises_is_missed_and_the_accounts_are_told():
    practice = Practice()
    practice.here = RuntimeError("unforeseen")  # type: ignore[assignment]  # it is raised
    practice.exchanges[0].lines = (KEY,)
    await practice.look()
    assert len(practice.told) == 1
    assert practice.doctor.verdict.endswith("(no whole answer of this machine).")


async def test_local_look_that_hangs_holds_nobody_up_and_is_not_begun_twice(monkeypatch):
    monkeypatch.setattr(module, "LOCAL_SECONDS", 0.01)
    practice, release, begun = Practice(), threading.Event(), []

    def hangs():
        begun.append(1)
        release.wait(20)
        return [("store", [BAD])]

    practice.doctor = Doctor(
        practice.exchanges, practice.post.guard, practice.post.store, practice.post.clock, local=hangs, inspect=practice._inspect
    )
    try:
        looking = asyncio.ensure_future(practice.doctor.look())
        await practice.post.guard.tick()  # the guard goes on meanwhile
        await looking
        await practice.look()
        assert begun == [1]
        assert practice.told == []
        assert practice.doctor.verdict == "Daily check: all well (no whole answer of this machine)."
    finally:
        release.set()


async def test_account_that_the_guard_cannot_read_is_not_asked_more():
    memory = decide(failure(NOW), Memory(), policy(), NOW).memory
    practice = Practice(Post(memory=memory))
    await practice.look()
    assert practice.exchanges[0].inspected == []
    assert practice.doctor.verdict == "Daily check: all well (no whole answer of main)."


async def asked(*_: object) -> list[CheckLine]:
    """Nobody is asked: looks are only counted."""
    return []


class Counted(Doctor):
    """Counts its looks instead of looking."""

    looks = 0

    async def look(self):
        self.looks += 1


async def test_a_look_is_due_once_a_day_however_often_it_is_poked():
    practice = Practice()
    doctor = Counted(practice.exchanges, practice.post.guard, practice.post.store, practice.post.clock, local=list, inspect=asked)
    running = asyncio.ensure_future(doctor.run())
    for _ in range(3 * 24 * 6):  # three days of pokes, ten minutes apart
        doctor.poke()
        for _ in range(3):
            await asyncio.sleep(0)
        practice.post.clock.advance(600)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert doctor.looks == 3
