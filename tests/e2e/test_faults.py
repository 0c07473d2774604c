"""A short, representative part of the fault matrix; `make faults` plays all of it."""

import pytest

from tests.e2e.faults.matrix import play_matrix
from tests.e2e.faults.table import EXCHANGES, ROWS, cells
from tests.e2e.faults.wave import Result

pytestmark = pytest.mark.timeout(180)  # the first test waits for all

SHORT = ("hang", "envelope without list", "empty position list")


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    told: list[Result] = []
    play_matrix([row for row in ROWS if row.name in SHORT], jobs=2, tell=told.append)
    return {result.cell.name: result for result in told}


@pytest.mark.parametrize("name", [cell.name for cell in cells() if cell.row.name in SHORT])
def test_the_guard_does_what_is_right_when_an_exchange_fails(results, name):
    assert not results[name].complaints, results[name].story


def test_the_matrix_holds_every_fault_on_every_exchange():
    names = [cell.name for cell in cells()]
    assert len(names) == len(set(names)) == len(ROWS) * len(EXCHANGES) == 93
