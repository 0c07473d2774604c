"""For all tests: what may run beside what."""

import pytest

WHOLE_PROGRAM = ("tests/e2e/", "tests/cli/test_demo.py")
"""Tests that time the real program: one after the other, beside the others, so that they never slow each other down."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of the whole program to one worker, and a mark: `make test` leaves them to `make check`."""
    for item in items:
        if item.nodeid.startswith(WHOLE_PROGRAM):
            item.add_marker(pytest.mark.xdist_group("whole program"))
            item.add_marker(pytest.mark.whole_program)
