from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from monitor.margin.assessment import assess
from monitor.margin.casefile import parse_cases, render_figures
from monitor.margin.position import Contract, Side
from monitor.margin.tiers import TierBasis
from tests.margin.positions import a_position, d

TIER = {"floor": "0", "cap": None, "rate": "0.01", "deduction": "0"}


def a_case(**changes: Any) -> dict[str, Any]:
    """A good Binance case with ``changes``; a change to ``...`` leaves the field out."""
    case: dict[str, Any] = {
        "exchange": "binance",
        "contract": "linear",
        "side": "long",
        "contracts": "1",
        "contract_size": "1",
        "entry_price": "100",
        "mark_price": "100",
        "isolated_margin": "10",
        "tiers": [TIER],
    }
    case |= changes
    return {name: value for name, value in case.items() if value is not ...}


def problems_of(*cases: Any) -> list[str]:
    positions, problems = parse_cases(json.dumps(list(cases)))
    assert len(positions) == len(cases)
    return problems


def test_case_becomes_a_position_when_all_is_well():
    case = a_case(exchange="okx", side="short", contract="inverse", leverage="5", taker_fee_rate="0.0005", price_tick="0.1")
    (position,), problems = parse_cases(json.dumps([case]))
    assert problems == []
    assert position is not None
    assert (position.key.exchange, position.key.side) == ("okx", Side.SHORT)
    assert (position.instrument.contract, position.instrument.price_tick) == (Contract.INVERSE, d("0.1"))
    assert (position.leverage, position.taker_fee_rate) == (d(5), d("0.0005"))
    assert position.tiers is not None
    assert position.tiers.basis is TierBasis.CONTRACTS


def test_numbers_stay_exact_when_they_are_json_numbers():
    text = json.dumps([a_case()]).replace('"isolated_margin": "10"', '"isolated_margin": 0.1000000000000000000000000001')
    (position,), problems = parse_cases(text.replace('"contracts": "1"', '"contracts": 3'))
    assert problems == []
    assert position is not None
    assert position.isolated_margin == Decimal("0.1000000000000000000000000001")
    assert position.contracts == 3


@pytest.mark.parametrize("number", [".5", "5.", "+1", "1e-8", "1E+3"])
def test_numbers_are_read_when_they_are_written_unusually(number):
    assert problems_of(a_case(contracts=number)) == []


@pytest.mark.parametrize("margin", ["-5", "0", "-0.0001"])
def test_isolated_margin_is_taken_when_it_is_not_above_zero(margin):
    assert problems_of(a_case(isolated_margin=margin)) == []


@pytest.mark.parametrize(
    ("exchange", "contract", "basis"),
    [
        ("binance", "linear", "notional"),
        ("binance", "inverse", "base"),
        ("bybit", "linear", "notional"),
        ("bybit", "inverse", "base"),
        ("okx", "linear", "contracts"),
        ("okx", "inverse", "contracts"),
    ],
)
def test_tier_basis_is_the_exchanges_own_when_it_is_not_given(exchange, contract, basis):
    case = a_case(exchange=exchange, contract=contract, leverage="10", taker_fee_rate="0", price_tick="1")
    for given, expected in ((..., basis), (None, basis), ("contracts", "contracts"), ("base", "base")):
        (position,), problems = parse_cases(json.dumps([case if given is ... else case | {"tier_basis": given}]))
        assert problems == []
        assert position is not None
        assert position.tiers is not None
        assert position.tiers.basis == expected


@pytest.mark.parametrize(
    "tiers",
    [
        [TIER | {"floor": "5000"}],  # only the tier in force
        [TIER | {"cap": "1000"}],  # the last cap may be a number
        [TIER | {"cap": 500}, TIER | {"floor": 500, "rate": 0.02}],
    ],
)
def test_tiers_are_taken_when_the_table_is_only_a_part(tiers):
    assert problems_of(a_case(tiers=tiers)) == []


def test_tiers_may_go_on_one_contract_later_when_they_count_contracts():
    tiers = [TIER | {"cap": "500"}, TIER | {"floor": "501"}]
    assert problems_of(a_case(exchange="okx", taker_fee_rate="0", price_tick="1", tiers=tiers)) == []
    assert problems_of(a_case(tiers=tiers)) == ["[0] tiers[1].floor: leaves a gap above the cap of the tier before it"]


NUMBER = "must be a finite number, as a string or a JSON number"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"side": ...}, "side: is missing"),
        ({"side": None}, "side: is missing"),
        ({"side": "Long"}, "side: must be one of long, short; did you mean long?"),
        ({"side": 1}, "side: must be one of long, short"),
        ({"exchange": "binanse"}, "exchange: must be one of binance, bybit, okx; did you mean binance?"),
        ({"exchange": "kraken"}, "exchange: must be one of binance, bybit, okx"),
        ({"contract": "swap"}, "contract: must be one of linear, inverse"),
        ({"tier_basis": "coins"}, "tier_basis: must be one of notional, contracts, base"),
        ({"isolated_margn": "1"}, "isolated_margn: is not a known field; did you mean isolated_margin?"),
        ({"contracts": "0"}, "contracts: must be above 0"),
        ({"contract_size": "-1"}, "contract_size: must be above 0"),
        ({"entry_price": "-0.5"}, "entry_price: must be above 0"),
        ({"mark_price": 0}, "mark_price: must be above 0"),
        ({"leverage": "0"}, "leverage: must be above 0"),
        ({"price_tick": "0"}, "price_tick: must be above 0"),
        ({"taker_fee_rate": "-0.0005"}, "taker_fee_rate: must be a positive share below 1 (0.05 % is 0.0005)"),
        ({"taker_fee_rate": "1"}, "taker_fee_rate: must be a positive share below 1 (0.05 % is 0.0005)"),
        ({"isolated_margin": True}, f"isolated_margin: {NUMBER}"),
        ({"isolated_margin": float("nan")}, f"isolated_margin: {NUMBER}"),
        ({"isolated_margin": float("-inf")}, f"isolated_margin: {NUMBER}"),
        ({"isolated_margin": "NaN"}, f"isolated_margin: {NUMBER}"),
        ({"isolated_margin": "1_000"}, f"isolated_margin: {NUMBER}"),
        ({"isolated_margin": " 1"}, f"isolated_margin: {NUMBER}"),
        ({"isolated_margin": "1,5"}, f"isolated_margin: {NUMBER}"),
        ({"isolated_margin": ""}, f"isolated_margin: {NUMBER}"),
        ({"isolated_margin": ["1"]}, f"isolated_margin: {NUMBER}"),
        ({"isolated_margin": "1e31"}, "isolated_margin: is too large or too small to be true"),
        ({"entry_price": "1e-999999"}, "entry_price: is too large or too small to be true"),
        ({"tiers": []}, "tiers: must be an array of at least one tier"),
        ({"tiers": TIER}, "tiers: must be an array of at least one tier"),
        ({"tiers": None}, "tiers: is missing"),
        ({"tiers": ["1"]}, "tiers[0]: must be a JSON object"),
        ({"tiers": [{"floor": "0", "rate": "0.01", "deduction": "0"}]}, "tiers[0].cap: is missing (null: no end)"),
        ({"tiers": [TIER | {"rate": None}]}, "tiers[0].rate: is missing"),
        ({"tiers": [TIER | {"rates": "1"}]}, "tiers[0].rates: is not a known field; did you mean rate?"),
        ({"tiers": [TIER | {"rate": "1.5"}]}, "tiers[0].rate: must be a share between 0 and 1 (0.5 % is 0.005)"),
        ({"tiers": [TIER | {"floor": "-1"}]}, "tiers[0].floor: must not be negative"),
        ({"tiers": [TIER | {"deduction": "-1"}]}, "tiers[0].deduction: must not be negative"),
        ({"tiers": [TIER | {"cap": "0"}]}, "tiers[0].cap: must be above 0"),
        ({"tiers": [TIER | {"floor": "10", "cap": "10"}]}, "tiers[0].cap: must be above the floor"),
        ({"tiers": [TIER, TIER | {"floor": "10"}]}, "tiers[0].cap: can be null only in the last tier"),
        (
            {"tiers": [TIER | {"cap": "10"}, TIER | {"floor": "9"}]},
            "tiers[1].floor: lies below the cap of the tier before it: out of order or overlapping",
        ),
        (
            {"tiers": [TIER | {"floor": "10", "cap": "20"}, TIER | {"cap": "10"}]},
            "tiers[1].floor: lies below the cap of the tier before it: out of order or overlapping",
        ),
        (
            {"tiers": [TIER | {"cap": "10"}, TIER | {"floor": "12"}]},
            "tiers[1].floor: leaves a gap above the cap of the tier before it",
        ),
    ],
)
def test_problem_names_index_and_field_when_a_value_is_bad(changes, problem):
    positions, problems = parse_cases(json.dumps([a_case(), a_case(**changes)]))
    assert problems == [f"[1] {problem}"]
    assert positions[0] is not None
    assert positions[1] is None


@pytest.mark.parametrize(
    ("exchange", "fields"),
    [("bybit", ("leverage", "taker_fee_rate")), ("okx", ("taker_fee_rate", "price_tick"))],
)
def test_fee_fields_are_missed_when_the_formula_of_the_exchange_uses_them(exchange, fields):
    assert problems_of(a_case(exchange=exchange)) == [
        f"[0] {field}: is missing: the formula of {exchange} uses it" for field in fields
    ]


def test_every_problem_is_told_when_there_are_several():
    bad = a_case(exchange="okx", side="up", contracts="x", mark_price=..., tiers=[TIER | {"rate": "x", "floor": "-1"}])
    assert problems_of(7, bad, a_case(), {}) == [
        "[0] case: must be a JSON object",
        "[1] mark_price: is missing",
        "[1] taker_fee_rate: is missing: the formula of okx uses it",
        "[1] price_tick: is missing: the formula of okx uses it",
        "[1] side: must be one of long, short",
        f"[1] contracts: {NUMBER}",
        "[1] tiers[0].floor: must not be negative",
        f"[1] tiers[0].rate: {NUMBER}",
        *(
            f"[3] {field}: is missing"
            for field in (
                "exchange",
                "contract",
                "side",
                "contracts",
                "contract_size",
                "entry_price",
                "mark_price",
                "isolated_margin",
                "tiers",
            )
        ),
    ]


def test_field_given_twice_is_a_problem_when_json_would_take_the_last():
    text = json.dumps([a_case()]).replace('"side"', '"contracts": "5", "side"')
    assert parse_cases(text) == ([None], ["[0] contracts: is given more than once"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "input: not JSON: Expecting value at line 1 column 1"),
        ("[{]", "input: not JSON: Expecting property name enclosed in double quotes at line 1 column 3"),
        ("{}", "input: must be a JSON array of cases"),
        ("3", "input: must be a JSON array of cases"),
        ("[" * 100_000, "input: nested too deeply"),
    ],
)
def test_whole_input_is_one_problem_when_it_is_no_array(text, problem):
    assert parse_cases(text) == ([], [problem])


def test_cases_are_none_when_the_array_is_empty():
    assert parse_cases("[]") == ([], [])


def test_figures_are_plain_strings_when_rendered():
    # Long 0.00000001 at 0.0001: numbers that Python would write with an exponent
    figures = render_figures(assess(a_position(contracts="0.00000001", entry="0.0001", mark="0.0001", margin="1e-13")))
    assert list(figures) == [
        "notional",
        "unrealized_pnl",
        "equity",
        "requirement",
        "maintenance_rate",
        "margin_ratio",
        "margin_usage",
        "buffer",
        "headroom",
        "cushion",
        "liquidation_price",
        "liquidation_distance",
        "effective_leverage",
        "tier",
    ]
    assert figures["notional"] == "0.000000000001"
    assert figures["unrealized_pnl"] == "0"
    assert figures["effective_leverage"] == "10"
    assert figures["tier"] == 1


def test_figures_are_null_when_they_are_unbounded_or_there_are_none():
    figures = render_figures(assess(a_position(mark="85", tiers=None, contract="inverse", margin="-1", contract_size="1")))
    assert (figures["margin_usage"], figures["liquidation_price"], figures["tier"]) == (None, None, None)


def test_fields_of_the_callers_own_are_left_alone():
    positions, problems = parse_cases(json.dumps([a_case(id="7", note="mine", colour="red")]))
    assert problems == []
    assert positions[0] is not None
