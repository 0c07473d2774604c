"""A bot that trades all day is told of in a message every five minutes, not in one for each fill."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from monitor.alerts.model import NotifyReason
from monitor.chronicle import concluded
from monitor.decide import Decision, decide
from monitor.lives.event import EventKind
from monitor.lives.records import Fill, FillCause, Records
from monitor.lives.state import LifeMemory
from monitor.memory import Commit, Memory, shifted
from monitor.rules.cushion import Cushion
from monitor.spend.change import Change
from tests.builders import at, policy, position, snapshot


class Bot:
    """One position that grows by a coin at each reading, as its records say at once; what is told of it, by the second."""

    def __init__(self) -> None:
        self.policy = policy(Cushion())
        self.memory = Memory()
        self.size = 10
        self.commits: list[Commit] = []
        self.grow(0)

    def grow(self, seconds: float) -> list[str]:
        self.size += 1
        held = position(contracts=Decimal(self.size), isolated_margin=Decimal(self.size * 10))
        told = self.told(decide(snapshot(held, when=at(seconds)), self.memory, self.policy, at(seconds)))
        bought = Fill(at=at(seconds - 1), cause=FillCause.TRADE, contracts=Decimal(1), closes=False)
        for case in list(self.memory.lives.cases.values()):
            records = Records(at=at(seconds), fills=(bought,))
            told += self.told(concluded(self.memory, self.policy, case.id, records, at(seconds)))
        return told

    def tick(self, seconds: float) -> list[str]:
        return self.told(decide(None, self.memory, self.policy, at(seconds)))

    def told(self, decision: Decision | Change) -> list[str]:
        self.memory = decision.memory
        self.commits.append(decision.commit)
        return [one.title for one in decision.commit.messages if one.why is NotifyReason.EVENT]


def test_first_change_is_told_at_once_and_what_follows_every_five_minutes_in_one_message():
    bot = Bot()
    assert bot.grow(10) == ["BTC/USDT long is larger: 11 -> 12"]
    assert [bot.grow(10 + second) for second in range(10, 130, 10)] == [[]] * 12
    assert bot.tick(309) == []
    assert bot.tick(310) == ["BTC/USDT long: 12 more changes, now 24 BTC"]
    body = bot.commits[-1].messages[0].body
    assert "changed 12 more times:" in body
    assert "4 changes that `margincall events` shows, and then:" in body
    assert "is larger: 23 -> 24" in body
    # the pause begins anew with each message
    assert bot.grow(320) == []
    assert bot.tick(609) == []
    assert bot.tick(610) == ["BTC/USDT long is larger: 24 -> 25"]


def test_what_waited_for_the_next_message_is_told_after_a_restart():
    bot = Bot()
    for second in (10, 20, 30):
        bot.grow(second)
    waiting = tuple(event for commit in bot.commits for event in commit.lives.events if event.waits)
    assert [event.after for event in waiting if event.kind is EventKind.GREW] == [Decimal(13), Decimal(14)]
    # killed here: this is what the store has
    bot.memory = replace(bot.memory, lives=LifeMemory(waiting=waiting))
    assert bot.tick(40) == ["Before the restart: 2 events"]
    assert bot.commits[-1].messages[0].body.startswith("margincall was restarted before it had told this:\n")
    assert bot.commits[-1].lives.told == tuple(event.id for event in waiting)
    assert bot.tick(400) == []


def test_what_was_told_in_time_waits_no_more():
    bot = Bot()
    bot.grow(10)
    bot.grow(20)
    assert bot.tick(310) == ["BTC/USDT long is larger: 12 -> 13"]
    (waited,) = (event for commit in bot.commits for event in commit.lives.events if event.waits)
    assert bot.commits[-1].lives.told == (waited.id,)


def test_calm_position_is_told_of_at_once_again():
    bot = Bot()
    bot.grow(10)
    assert bot.tick(310) == []
    assert bot.memory.lives.spoken == {}
    assert bot.grow(320) == ["BTC/USDT long is larger: 12 -> 13"]


def test_changes_that_were_not_told_are_kept_all_the_same():
    bot = Bot()
    bot.grow(10)
    bot.grow(20)
    kinds = [event.kind for commit in bot.commits[-2:] for event in commit.lives.events]
    assert kinds == [EventKind.MARGIN_ADDED, EventKind.GREW]


def test_changes_of_margin_alone_name_no_size():
    bot = Bot()
    for second in (10, 20, 30):
        bot.size += 1
        held = position(contracts=Decimal(11), leverage=Decimal(bot.size))
        bot.told(decide(snapshot(held, when=at(second)), bot.memory, bot.policy, at(second)))
    assert bot.tick(311) == ["BTC/USDT long: 2 more changes"]


def test_the_pause_moves_with_the_clock():
    bot = Bot()
    bot.grow(10)
    (spoken,) = shifted(bot.memory, timedelta(hours=1)).lives.spoken.values()
    assert spoken.at == at(3610)
