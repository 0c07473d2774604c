"""URLs in the configuration: where an account's calls go, and through which proxy. No message shows the URL."""

from __future__ import annotations

import re
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Annotated

from pydantic import PlainValidator

from monitor.config.units import complain

_HOST = r"://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?/?"
_URL = re.compile(rf"(https?){_HOST}")
_SOCKS_URL = re.compile(rf"(socks4|socks5h?){_HOST}")
_SOCKS_PACKAGE = "aiohttp_socks"


def is_loopback(endpoint: str | None) -> bool:
    """Whether the endpoint lies on this machine: 127.0.0.0/8, ::1 or localhost."""
    found = _URL.fullmatch(endpoint or "")
    return found is not None and is_loopback_host(found[2])


def parse_endpoint(value: object) -> str:
    """``https://host[:port]``, or http on loopback; without path, query or user. Returned without a trailing slash."""
    scheme, host = _parts(value, "scheme, host and port, such as https://gateway.example:8443, without path, query or user")
    if scheme == "http" and not is_loopback_host(host):
        complain("http is allowed on loopback only (127.0.0.0/8, ::1, localhost), because the calls carry the key; use https")
    return str(value).rstrip("/")


def parse_proxy(value: object) -> str:
    """``http://host:port`` of a proxy, or ``socks5://`` where the package for it is installed.

    A user and password would be secrets in the file, so they are refused.
    """
    socks = isinstance(value, str) and value.startswith("socks")
    if socks and find_spec(_SOCKS_PACKAGE) is None:
        complain("a SOCKS proxy needs the package aiohttp-socks, which is not installed; an HTTP proxy works as it is")
    what = "a proxy such as http://127.0.0.1:3128, without user and password: they would be secrets in this file"
    _parts(value, what, url=_SOCKS_URL if socks else _URL)
    return str(value).rstrip("/")


def _parts(value: object, what: str, *, url: re.Pattern[str] = _URL) -> tuple[str, str]:
    found = url.fullmatch(value) if isinstance(value, str) else None
    if found is None or not 0 < int(found[3] or 1) < 65536:
        complain(f"must be {what}")
    return found[1], found[2]


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address, in brackets or not, is this machine's own."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


Endpoint = Annotated[str, PlainValidator(parse_endpoint)]
Proxy = Annotated[str, PlainValidator(parse_proxy)]
