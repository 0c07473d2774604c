"""Where the requests of an account go: the exchange's own hosts, a region's, or one endpoint for everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_STREAM = {"http": "ws", "https": "wss"}


def placed(urls: Any, *, hostname: str, hosts: Mapping[str, str], endpoint: str | None) -> Any:
    """The ``urls`` of ccxt (nested dicts of REST and stream URLs) with ``{hostname}`` filled in, ``hosts`` replaced (a domain
    replaces all below it), and, where there is an ``endpoint``, its scheme, host and port everywhere; paths are kept.
    """
    if isinstance(urls, dict):
        return {key: placed(value, hostname=hostname, hosts=hosts, endpoint=endpoint) for key, value in urls.items()}
    if isinstance(urls, str) and urlsplit(urls).scheme in _SCHEMES:
        return _moved(urls.replace("{hostname}", hostname), hosts, endpoint)
    return urls


def _moved(url: str, hosts: Mapping[str, str], endpoint: str | None) -> str:
    """One URL at its new place."""
    scheme, netloc, path, query, fragment = urlsplit(url)
    if endpoint is not None:
        target = urlsplit(endpoint)
        new_scheme = target.scheme if scheme in {"http", "https"} else _STREAM.get(target.scheme, target.scheme)
        return urlunsplit((new_scheme, target.netloc, path, query, fragment))
    for old, new in hosts.items():
        if netloc == old or netloc.endswith("." + old):
            netloc = netloc.removesuffix(old) + new
            break
    return urlunsplit((scheme, netloc, path, query, fragment))
