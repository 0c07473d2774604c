"""Where the pages listen: this machine, unless the owner says so and gives a token."""

import pytest
from pydantic import ValidationError

from monitor.config.web import Address, WebSettings


@pytest.mark.parametrize(
    ("written", "address"),
    [("127.0.0.1:9464", ("127.0.0.1", 9464)), ("[::1]:80", ("::1", 80)), ("localhost:9464", ("localhost", 9464))],
)
def test_an_address_on_this_machine_needs_nothing_else(written, address):
    settings = WebSettings(listen=written)
    assert settings.listen == address
    assert settings.listen.is_loopback


def test_the_default_is_this_machine():
    assert WebSettings().listen == Address("127.0.0.1", 9464)


@pytest.mark.parametrize("written", ["9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "999.1.1.1:80", "guard.lan:80", 9464])
def test_what_is_no_address_is_refused(written):
    with pytest.raises(ValidationError, match="an address and a port"):
        WebSettings(listen=written)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"listen": "0.0.0.0:9464"}, "other machines could look there"),
        ({"listen": "0.0.0.0:9464", "token_from": "web_token"}, "say beyond_loopback: true"),
        ({"listen": "0.0.0.0:9464", "beyond_loopback": True}, "needs token_from"),
    ],
)
def test_beyond_this_machine_the_flag_and_the_token_are_both_needed(written, words):
    with pytest.raises(ValidationError, match=words):
        WebSettings(**written)
    assert WebSettings(listen="0.0.0.0:9464", beyond_loopback=True, token_from="web_token").token_from == "web_token"
