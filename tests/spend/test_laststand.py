"""What an alert says of the policy in charge: how much it may still add, and what that makes of the liquidation price."""

from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.decide import decide
from monitor.memory import Memory
from monitor.spend.laststand import last_stand_words
from monitor.topups.ledger import IntentState
from monitor.topups.policy import Mode
from tests.builders import NOW, at, key
from tests.builders import policy as with_rules
from tests.spend.world import NOBODY, POLICY, remembering, sent, snapshot_of
from tests.topups.planning import caps, policy

D = Decimal


def guarded(**changes):
    return replace(POLICY, top_ups=replace(POLICY.top_ups, policies=(policy(**changes),)))


def seen_at(mark="95", what=POLICY, *intents, **reading):
    """The memory after a reading at this mark, with the position in it."""
    memory = decide(snapshot_of(at(1), mark=mark, **reading), remembering(*intents), what, at(1)).memory
    return memory.positions[key()], memory


def words(what=POLICY, **reading):
    seen, memory = seen_at(what=what, **reading)
    return last_stand_words(seen, memory, what, at(1))


def test_the_budget_and_what_it_makes_of_the_liquidation_price_are_named():
    # 100 more behind 10 coins at 100: (1000 - 200) / 9.9 = 80.80808, rounded up
    assert words(guarded(caps=caps(per_position="100"))) == "btc_guard may still add 100.00 USDT; liquidation then 80.8081."


def test_a_budget_that_covers_everything_leaves_no_price():
    assert words(guarded(caps=caps(per_action="1000", per_position="1000", per_day="1000"))) == (
        "btc_guard may still add 1,000.00 USDT; no price liquidates it then."
    )


def test_a_budget_that_is_spent_is_said():
    rule = guarded(caps=caps(per_position="10"))
    seen, memory = seen_at("95", rule, sent(amount="10", state=IntentState.VERIFIED))
    assert last_stand_words(seen, memory, rule, at(1)) == "btc_guard can add nothing more."


def test_a_policy_that_adds_nothing_as_things_are_promises_nothing():
    assert words(guarded(mode=Mode.DRY_RUN)) == "btc_guard adds NOTHING: it only rehearses."
    single = guarded()
    single = replace(single, top_ups=replace(single.top_ups, acts=False))
    assert words(single) == "btc_guard adds NOTHING: a single run adds nothing, only `margincall run` without --once does."
    seen, memory = seen_at()
    stopped = replace(memory, top_ups=replace(memory.top_ups, stopped_at=at(1)))
    assert last_stand_words(seen, stopped, guarded(), at(1)) == "btc_guard adds NOTHING: the kill switch is thrown."


@pytest.mark.parametrize("what", [NOBODY, guarded(mode=Mode.OFF), guarded(match=replace(policy().match, symbol=("ETH/*",)))])
def test_nothing_is_said_where_no_policy_may_add(what):
    assert words(what) == ""


def test_an_alert_carries_it_and_an_all_clear_does_not():
    rule = replace(with_rules(), top_ups=guarded(caps=caps(per_position="100")).top_ups)
    calm = decide(snapshot_of(at(0), mark="100"), Memory(), rule, at(0))
    first = decide(snapshot_of(at(1), mark="95"), calm.memory, rule, at(1))
    (message,) = first.commit.messages
    assert "btc_guard may still add 100.00 USDT; liquidation then 80.8081." in message.body
    over = decide(snapshot_of(at(20), mark="100"), first.memory, rule, at(20))
    later = decide(snapshot_of(at(40), mark="100"), over.memory, rule, at(40))
    assert [one.title for one in later.commit.messages] == ["All clear: BTC/USDT long cushion 100 %, liq 9.0 % away"]
    assert "btc_guard" not in later.commit.messages[0].body
    assert at(0) == NOW
