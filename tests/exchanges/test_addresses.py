import pytest

from monitor.exchanges.addresses import placed

URLS = {
    "rest": "https://{hostname}",
    "ws": {"public": "wss://ws.okx.com:8443/ws/v5/public", "private": "wss://ws.okx.com:8443/ws/v5/private?x=1"},
    "note": "no address",
}


def test_addresses_keep_the_exchanges_own_hosts_by_default():
    found = placed(URLS, hostname="www.okx.com", hosts={}, endpoint=None)
    assert found["rest"] == "https://www.okx.com"
    assert found["ws"] == URLS["ws"]


def test_addresses_move_every_rest_and_stream_url_to_the_endpoint_and_keep_the_paths():
    found = placed(URLS, hostname="www.okx.com", hosts={"www.okx.com": "eea.okx.com"}, endpoint="http://127.0.0.1:8000")
    assert found == {
        "rest": "http://127.0.0.1:8000",
        "ws": {"public": "ws://127.0.0.1:8000/ws/v5/public", "private": "ws://127.0.0.1:8000/ws/v5/private?x=1"},
        "note": "no address",
    }


def test_addresses_stay_encrypted_when_the_endpoint_is():
    found = placed(URLS, hostname="www.okx.com", hosts={}, endpoint="https://gate.example.test")
    assert found["ws"]["public"] == "wss://gate.example.test/ws/v5/public"


@pytest.mark.parametrize(
    ("url", "hosts", "expected"),
    [
        ("https://www.okx.com", {"www.okx.com": "eea.okx.com"}, "https://eea.okx.com"),
        ("https://api.bybit.com/v5", {"bybit.com": "bybit.nl"}, "https://api.bybit.nl/v5"),
        ("wss://stream.bybit.com/v5/private", {"bybit.com": "bybit.nl"}, "wss://stream.bybit.nl/v5/private"),
        ("https://notbybit.com/v5", {"bybit.com": "bybit.nl"}, "https://notbybit.com/v5"),
    ],
)
def test_addresses_move_to_the_hosts_of_a_region(url, hosts, expected):
    assert placed(url, hostname="", hosts=hosts, endpoint=None) == expected
