"""What the exchanges printed, reproduced from the same inputs through the reader of `margincall calc`."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from monitor.margin.assessment import assess
from monitor.margin.casefile import parse_cases, render_figures
from tests.shared import shared_json

CASES: list[dict[str, Any]] = shared_json("vectors/margin_cases.json")


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_figures_match_the_exchange_when_given_its_own_inputs(case):
    (position,), problems = parse_cases(json.dumps([case["input"]]))

    assert problems == []
    assert position is not None
    figures = render_figures(assess(position))
    for name, printed in case["expect"].items():
        ours = figures[name]
        assert isinstance(ours, str)
        assert abs(Decimal(ours) - Decimal(printed)) <= Decimal(case["tolerance"]), name
