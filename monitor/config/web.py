"""The pages over HTTP: where they listen, and who may look beyond this machine."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, NamedTuple, Self

from pydantic import PlainValidator, StrictBool, model_validator

from monitor.config.endpoint import is_loopback_host
from monitor.config.strict import Strict
from monitor.config.units import Name, complain

_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[0-9.]{7,15}|localhost):([0-9]{1,5})")


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback_host(self.host)


def parse_address(value: object) -> Address:
    """``127.0.0.1:9464`` or ``[::1]:9464``."""
    found = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if found is None or not 0 < int(found[2]) < 65536:
        complain("must be an address and a port, such as 127.0.0.1:9464")
    host = found[1].strip("[]")
    if host != "localhost":
        try:
            ip_address(host)
        except ValueError:
            complain("must be an address and a port, such as 127.0.0.1:9464")
    return Address(host, int(found[2]))


class WebSettings(Strict):
    """Health and metrics over HTTP."""

    listen: Annotated[Address, PlainValidator(parse_address)] = Address("127.0.0.1", 9464)
    """Where to listen; this machine only, unless `beyond_loopback` is set."""
    beyond_loopback: StrictBool = False
    """Whether other machines may look; only with `token_from`."""
    token_from: Name | None = None
    """Names the secret that callers send as `Authorization: Bearer ...`; 32 characters or more."""

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if not self.listen.is_loopback and not self.beyond_loopback:
            complain("other machines could look there: say beyond_loopback: true and give token_from, or listen on 127.0.0.1")
        if self.beyond_loopback and self.token_from is None:
            complain("beyond_loopback needs token_from: whoever can reach the port could read your positions")
        return self
