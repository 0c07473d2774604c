"""The silence that Bybit's refusals ask for: the longest that a reply names."""

import pytest

from monitor.exchanges.bybit.dialect import pauses
from monitor.exchanges.dialect import Reply
from monitor.exchanges.pacing import Pause

PATH, AT = "/v5/position/list", 1_784_000_000_000


def asked(status, code=0, **headers):
    payload = {"retCode": code, "retMsg": "", "time": AT} if code else None
    return list(pauses(Reply(status=status, headers=headers, payload=payload, path=PATH)))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-bapi-limit-reset-timestamp": str(AT + 3000)}, 3.1),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "20", "x-bapi-limit-reset-timestamp": str(AT + 3000)}, 20.0),
        ({"retry-after": "2", "x-bapi-limit-reset-timestamp": str(AT + 3000)}, 3.1),
    ],
)
def test_an_account_waits_for_its_reset_or_longer_if_it_is_told(headers, seconds):
    assert asked(200, 10006, **headers) == [Pause(scope="account", seconds=seconds, fallback=5.0)]


@pytest.mark.parametrize(("headers", "seconds"), [({}, 600.0), ({"retry-after": "30"}, 600.0), ({"retry-after": "1800"}, 1800.0)])
def test_an_address_waits_ten_minutes_or_longer_if_it_is_told(headers, seconds):
    assert asked(403, **headers) == [Pause(scope="ip", seconds=seconds)]
    assert asked(200, 10018, **headers) == [Pause(scope="ip", seconds=seconds)]


def test_a_plain_429_waits_as_long_as_it_is_told():
    assert asked(429, **{"retry-after": "4"}) == [Pause(scope="ip", seconds=4.0, fallback=10.0)]
    assert asked(429) == [Pause(scope="ip", seconds=None, fallback=10.0)]
