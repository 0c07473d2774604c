"""Real ccxt clients pointed at a practice server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt.async_support as ccxt

MARKETS: dict[str, dict[str, Any]] = {
    "binance": {"fetchCurrencies": False, "fetchMarkets": {"types": ["linear", "inverse"]}, "fetchMargins": False},
    "bybit": {"fetchCurrencies": False, "fetchMarkets": {"types": ["linear", "inverse"]}},
    "okx": {"fetchCurrencies": False, "fetchMarkets": {"types": ["swap", "future"]}},
}
SECRETS = {"apiKey": "practice-key", "secret": "practice-secret", "password": "practice-phrase"}


@asynccontextmanager
async def client(exchange: str, url: str, **settings: Any) -> AsyncIterator[Any]:
    """A ccxt client of ``exchange`` whose every REST call goes to ``url``."""
    options = MARKETS[exchange] | settings.pop("options", {})
    made = getattr(ccxt, exchange)({**SECRETS, "options": options, "enableRateLimit": False} | settings)
    made.urls["api"] = _moved(made.urls["api"], url)
    try:
        yield made
    finally:
        await made.close()


def _moved(urls: Any, url: str) -> Any:
    if isinstance(urls, dict):
        return {name: _moved(value, url) for name, value in urls.items()}
    scheme, _, rest = urls.partition("://")
    return url + (rest[rest.index("/") :] if "/" in rest else "") if scheme.startswith("http") else urls
