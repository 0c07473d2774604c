"""The silence that OKX's refusals ask for."""

import pytest

from monitor.exchanges.dialect import Reply
from monitor.exchanges.okx.dialect import pauses
from monitor.exchanges.pacing import Pause

PRIVATE, PUBLIC = "/api/v5/account/positions", "/api/v5/public/instruments"


def asked(status, payload=None, path=PRIVATE, **headers):
    return list(pauses(Reply(status=status, headers=headers, payload=payload, path=path)))


@pytest.mark.parametrize("status", [403, 418])
def test_a_shut_out_address_waits_as_long_as_it_is_told(status):
    assert asked(status, **{"retry-after": "90"}) == [Pause(scope="ip", seconds=90.0)]


def test_a_place_that_is_not_served_is_no_ban():
    assert asked(403) == []
    assert asked(403, {"code": "50110", "msg": "Your IP is not on the list"}, **{"retry-after": "90"}) == []


@pytest.mark.parametrize(
    ("path", "scope", "code"), [(PRIVATE, "account", "50011"), (PUBLIC, "ip", "50011"), (PRIVATE, "account", "50061")]
)
def test_too_many_calls_wait_for_the_next_window_or_as_long_as_it_is_told(path, scope, code):
    payload = {"code": code, "msg": "Too Many Requests"}
    assert asked(429, payload, path) == [Pause(scope=scope, seconds=None, fallback=2.0)]
    assert asked(200, payload, path, **{"retry-after": "5"}) == [Pause(scope=scope, seconds=5.0, fallback=2.0)]
