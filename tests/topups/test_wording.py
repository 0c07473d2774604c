"""The words about margins: what happened to the money first, then the figures, then what a person can do."""

from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.margin.assessment import assess
from monitor.rules.base import Level
from monitor.topups.ledger import IntentState
from monitor.topups.refusal import Refusal, RefusalReason
from monitor.topups.stand import stand_of
from monitor.topups.state import Circuit
from monitor.topups.wording import circuit_words, partial_words, price, refusal_words, stand_line, words_of
from tests.builders import NOW, key, position
from tests.topups.planning import intent

D = Decimal
S = IntentState


def words(what):
    found = words_of(what)
    assert found is not None
    return found


def test_a_verified_change_tells_the_stand_before_and_after():
    after = stand_of(assess(position("93", isolated_margin=D(110))), NOW)
    told = words(intent(why="cushion 30 % was reached", detail="the margin shows it", after=after))
    assert (told.level, told.title) == (Level.INFO, "Done: add 10 USDT to BTC/USDT long, cushion 23 % to 30 %")
    assert told.body.split("\n") == [
        "Done: add 10 USDT to BTC/USDT long on main, by btc_guard.",
        "Why: cushion 30 % was reached.",
        "How it is known: the margin shows it.",
        # equity 30, requirement 9.3: usage 31 %; the price at which 100 + 10 (p - 100) = 0.01 x 10 p is 90.909
        "Before: margin 100.00 USDT, equity 30.00 USDT, cushion 23 %, margin usage 31 %, liquidation at 90.9091, mark 93",
        "After: margin 110.00 USDT, equity 40.00 USDT, cushion 30 %, margin usage 24 %, liquidation at 89.899, mark 93",
    ]


@pytest.mark.parametrize(
    ("state", "level", "first"),
    [
        (S.REJECTED, Level.WARNING, "Rejected"),
        (S.UNKNOWN, Level.CRITICAL, "UNKNOWN"),
        (S.DISPUTED, Level.CRITICAL, "DISPUTED"),
        (S.RECONCILED_APPLIED, Level.WARNING, "Done after all"),
        (S.RECONCILED_NOT_APPLIED, Level.WARNING, "Not done"),
    ],
)
def test_what_went_wrong_is_loud_and_says_whether_money_moved(state, level, first):
    told = words(intent(amount="-10", policy="", state=state, detail="x", code="-2019"))
    assert (told.level, told.topic) == (level, state.value)
    assert told.title == f"{first}: take 10 USDT from BTC/USDT long"
    assert told.body.startswith(f"{told.title} on main, by you.\nHow it is known: x (code -2019).\nBefore: ")


def test_states_on_the_way_are_told_by_no_message():
    for state in (S.PLANNED, S.SUBMITTING, S.CONFIRMED, S.ABANDONED):
        assert words_of(intent(state=state)) is None


def test_every_title_fits_when_the_symbol_is_long():
    long = replace(key(), symbol="1000000MOGANDMORE/USDT:USDT")
    titles = [words(intent(state=state)).title for state in (S.UNKNOWN, S.DISPUTED)]
    titles.append(words(replace(intent(state=S.RECONCILED_APPLIED, amount="123456789.01"), key=long)).title)
    titles.append(circuit_words(Circuit(key=long, opened_at=NOW, reason="x"), "").title)
    titles.append(partial_words(replace(intent(), key=long)).title)
    refusals = [Refusal(policy="a_long_name_of_a_policy", key=long, reason=one, since=NOW) for one in RefusalReason]
    titles += [refusal_words(one).title for one in refusals]
    assert all(len(title) <= 60 for title in titles), titles


def test_a_refusal_names_its_reason_and_its_numbers():
    refusal = Refusal(policy="btc_guard", key=key(), reason=RefusalReason.CAP_DAY, since=NOW, detail="500 of 500 USDT are used")
    told = refusal_words(refusal)
    assert (told.level, told.title) == (Level.WARNING, "No margin added to BTC/USDT long: cap day")
    assert told.body == (
        "btc_guard is triggered by BTC/USDT long on main, but adds nothing: cap day (500 of 500 USDT are used).\n"
        "This is the limit that you set: add margin yourself, reduce the position, or change it and reload."
    )
    assert refusal_words(replace(refusal, detail="")).body.splitlines()[0].endswith("adds nothing: cap day.")


def test_a_refusal_that_ends_by_itself_asks_nothing_of_anybody():
    refusal = Refusal(policy="btc_guard", key=key(), reason=RefusalReason.COOLDOWN, since=NOW)
    assert refusal_words(refusal).body == "btc_guard is triggered by BTC/USDT long on main, but adds nothing: cooldown."


def test_an_open_circuit_says_how_to_close_it():
    circuit = Circuit(key=key(), opened_at=NOW, reason="two in a row")
    assert circuit_words(circuit, "btc_guard").body.endswith("Once that is understood: `margincall topups resume btc_guard`.")
    assert circuit_words(circuit, "").body.endswith("on the exchange's page.")


def test_a_stand_leaves_out_what_is_not_known():
    bare = replace(intent().before, cushion=None, margin_usage=None, liquidation_price=None)
    assert stand_line(bare, intent()) == "margin 100.00 USDT, equity 30.00 USDT, mark 93"
    after = replace(intent(), before=bare, after=bare)
    assert words(after).title == "Done: add 10 USDT to BTC/USDT long"
    half = replace(after, before=intent().before)
    assert words(half).title == "Done: add 10 USDT to BTC/USDT long"


def test_a_price_keeps_six_digits_and_its_whole_part():
    assert [price(D(value)) for value in ("61234.5678", "0.000123456789", "1234567.8", "93")] == [
        "61,234.6",
        "0.000123457",
        "1,234,568",
        "93",
    ]
