"""One who changes an account's margins on one machine."""

import pytest

from monitor.errors import InstanceRunning
from monitor.store.account_lock import AccountLock


def test_an_account_is_refused_at_once_while_another_holds_it_and_free_again_afterwards():
    mine, other = ("binance", "", "test-key-1"), ("binance", "", "test-key-2")
    with AccountLock("main", mine, other):
        with pytest.raises(InstanceRunning, match="changes the margins of account copy"), AccountLock("copy", other):
            raise AssertionError("two hold it")
        with AccountLock("main", ("okx", "", "test-key-1")):
            pass
    with AccountLock("copy", other):
        pass


def test_a_lock_that_got_only_a_part_keeps_none_of_it():
    first, second = ("binance", "", "test-key-3"), ("binance", "", "test-key-4")
    with AccountLock("main", second):
        with pytest.raises(InstanceRunning), AccountLock("copy", first, second):
            raise AssertionError("two hold it")
        with AccountLock("copy", first):
            pass
