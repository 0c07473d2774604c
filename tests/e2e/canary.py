"""Canaries: secrets that occur nowhere else, every form in which one could be written, and servers that blurt them out.

Deliberately without a look at how the program hides them: forms and search are this file's own.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, quote_plus


def canary(about: str) -> str:
    """A secret with letters that URLs and base64 write otherwise."""
    return f"cAnArY+{about}/{secrets.token_hex(12)}=="


def token(about: str) -> str:
    """A secret that can stand in a URL as it is."""
    return f"cAnArY-{about}-{secrets.token_urlsafe(18)}"


def forms(secret: str) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each form."""
    raw = secret.encode()
    yield "plain", raw
    yield "JSON", json.dumps(secret)[1:-1].encode()
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    for name, quoted in (("URL", quote(secret, safe="")), ("URL path", quote(secret)), ("form", quote_plus(secret))):
        yield name, quoted.encode()
        yield (
            f"{name}, small",
            "".join(
                part[:2].lower() + part[2:] if index else part
                for index, part in enumerate(quoted.replace("%", "\0%").split("\0"))
            )
            .encode()
            .replace(b"%", b"%"),
        )
    for before in range(3):
        # Wherever it stands in what is encoded: the letters at the ends mix with the neighbours.
        whole = base64.b64encode(b"\0" * before + raw + b"\0" * ((-before - len(raw)) % 3))
        inner = whole[4:-4]
        yield f"base64 at {before}", inner
        yield f"base64 for URLs at {before}", inner.translate(bytes.maketrans(b"+/", b"-_"))


@dataclass(slots=True)
class Corpus:
    """Everything that the program let out, by where it was."""

    texts: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, text: str | bytes) -> None:
        raw = text.encode() if isinstance(text, str) else text
        self.texts[name] = self.texts.get(name, b"") + raw + b"\n"

    def add_folder(self, folder: Path) -> None:
        """Every file, whatever it is."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.add(f"file {path.relative_to(folder)}", path.read_bytes())

    def leaks(self, canaries: Mapping[str, str]) -> list[str]:
        """``place: canary as form`` for each one found; ``canaries`` by their names."""
        wanted = [(name, form, raw) for name, secret in canaries.items() for form, raw in forms(secret)]
        return [f"{place}: {name} as {form}" for place, text in self.texts.items() for name, form, raw in wanted if raw in text]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(map(len, self.texts.values()))


class Blurter:
    """An HTTP server that refuses everything, and quotes what it was sent in every form; ``heard`` counts by kind of caller."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        blurter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, body = blurter.answer(self.path, dict(self.headers.items()))
                self.send_response(status, f"refused {quote(self.path, safe='')[:200]}")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def answer(self, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """As each exchange refuses a key, with more in its text than any of them would say."""
        sent = [path, *(f"{name}: {value}" for name, value in headers.items())]
        text = " | ".join(form.decode(errors="replace") for one in sent for _, form in forms(one))
        if path.startswith("/api/v5"):
            self.heard["okx"] += 1
            return 401, json.dumps({"code": "50111", "msg": text, "data": []}).encode()
        if path.startswith("/v5"):
            self.heard["bybit"] += 1
            return 200, json.dumps({"retCode": 10003, "retMsg": text, "result": {}, "time": 1}).encode()
        self.heard["binance" if "api/" in path else "other"] += 1
        return 401, json.dumps({"code": -2015, "msg": text}).encode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that had enough is nothing to print."""


def blurted(texts: Iterable[str]) -> bytes:
    """A body that quotes these in every form."""
    return b" | ".join(form for text in texts for _, form in forms(text))
