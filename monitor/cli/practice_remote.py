"""The remote control of a running practice exchange: its /control calls over loopback. Standard library only."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from monitor.errors import MargincallError

TOKEN = "practice"  # noqa: S105 - guards loopback only, against web pages
SECONDS = 10.0


class PracticeRefused(MargincallError):
    """The practice exchange did not do what it was asked."""


def call(port: int, method: str, what: str, body: Any = None) -> Any:
    """``METHOD /control/WHAT`` with a JSON body; the JSON answer. Raises PracticeRefused with its words, or with ours."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/control/{what}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={"X-Practice-Token": TOKEN, "Content-Type": "application/json"},
    )
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with straight.open(request, timeout=SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise PracticeRefused(_words(error)) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError) as error:
        raise PracticeRefused(
            f"No practice exchange answers on port {port}.", hint="Start one with `margincall practice`, or give its --port."
        ) from error


def _words(error: urllib.error.HTTPError) -> str:
    try:
        said = json.load(error).get("error", "")
    except (ValueError, AttributeError):
        said = ""
    return f"Not done: {said}." if said else f"Not done (HTTP {error.code})."
