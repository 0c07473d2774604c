import pytest

from monitor.alerts.wording import short_symbol
from monitor.cli.symbols import unified


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("BTC/USDT", "BTC/USDT:USDT"),
        ("ETH/USDC", "ETH/USDC:USDC"),
        ("BTC/USD", "BTC/USD:BTC"),
        ("BTC/USD:BTC-261225", "BTC/USD:BTC-261225"),
        ("BTC/*", "BTC/*"),
        ("BTC/USD?", "BTC/USD?"),
        ("BTC/", "BTC/"),
        ("BTCUSDT", "BTCUSDT"),
    ],
)
def test_a_symbol_is_completed_only_when_it_is_a_bare_pair(typed, kept):
    assert unified(typed) == kept


@pytest.mark.parametrize("kept", ["BTC/USDT:USDT", "BTC/USD:BTC", "BTC/USDT:USDT-261225"])
def test_what_messages_show_is_understood_when_it_is_typed(kept):
    assert unified(short_symbol(kept)) == kept
