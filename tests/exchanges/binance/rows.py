"""Binance replies for tests: the project's own recorded-like files, and rows made from a healthy default."""

import json
from pathlib import Path
from typing import Any

from monitor.exchanges.binance.parse import parse_position
from monitor.exchanges.guard import read_json
from monitor.margin.position import Contract, Position
from monitor.margin.reading import FamilyKey, Unguarded
from tests.exchanges.loopback import Loopback, json_reply

TESTDATA = Path(__file__).parent / "testdata"
USDM = FamilyKey(exchange="binance", account="main", family="usdm")
COINM = FamilyKey(exchange="binance", account="main", family="coinm")


def replies(name: str) -> Any:
    """A file of testdata/, read the way replies are."""
    return read_json((TESTDATA / f"{name}.json").read_text())


def usdm_row(**changes: Any) -> dict[str, Any]:
    """A row of /fapi/v3/positionRisk: 0.5 BTC long from 60000, marked 58250, 3100.5 in its wallet.

    Profit 0.5 * (58250 - 60000) = -875, so isolatedMargin 2225.5; requirement 29125 * 0.4 % = 116.5. None removes a field.
    """
    row = replies("fapi_v3_positionRisk")[0] | changes
    return {name: value for name, value in row.items() if value is not None}


def coinm_row(**changes: Any) -> dict[str, Any]:
    """A row of /dapi/v1/positionRisk: 40 contracts of 100 dollars long."""
    row = replies("dapi_v1_positionRisk")[0] | changes
    return {name: value for name, value in row.items() if value is not None}


def parsed(row: dict[str, Any], **known: Any) -> Position | Unguarded:
    """The row as a position of the family it belongs to, with nothing else known unless told."""
    inverse = "notionalValue" in row
    terms: dict[str, Any] = {"instrument": None, "tiers": None, "setting": None} | known
    return parse_position(
        row,
        key=COINM if inverse else USDM,
        contract=Contract.INVERSE if inverse else Contract.LINEAR,
        currency_code=str.upper,
        **terms,
    )


def position(row: dict[str, Any], **known: Any) -> Position:
    """The row, which must be an isolated position."""
    found = parsed(row, **known)
    assert isinstance(found, Position)
    return found


PATHS = {
    "/fapi/v3/positionRisk": "fapi_v3_positionRisk",
    "/fapi/v1/symbolConfig": "fapi_v1_symbolConfig",
    "/fapi/v1/leverageBracket": "fapi_v1_leverageBracket",
    "/fapi/v1/exchangeInfo": "fapi_v1_exchangeInfo",
    "/fapi/v1/accountConfig": "fapi_v1_accountConfig",
    "/fapi/v3/balance": "fapi_v3_balance",
    "/dapi/v1/positionRisk": "dapi_v1_positionRisk",
    "/dapi/v2/leverageBracket": "dapi_v2_leverageBracket",
    "/dapi/v1/exchangeInfo": "dapi_v1_exchangeInfo",
    "/dapi/v1/balance": "dapi_v1_balance",
}


def binance(**answers: Any) -> Loopback:
    """A Binance that answers everything from testdata/; ``answers`` by file name (``fapi_v3_balance=html(500)``) replace some."""
    return Loopback(
        {
            path: answers.get(name) or json_reply(json.loads((TESTDATA / f"{name}.json").read_text()))
            for path, name in PATHS.items()
        }
    )
