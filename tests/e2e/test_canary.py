"""No secret gets out of the real program, whatever is done to it: a whole run at DEBUG, and every byte of it searched."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError

import pytest

from monitor.store.backup import back_up
from tests.e2e.canary import Blurter, Corpus, blurted, canary, forms, token
from tests.e2e.program import PATIENCE, until
from tests.e2e.stage import RULES, Held, Stage
from tests.receiver import Status

HELD = {
    "binance": Held("BTCUSDT", entry="100000", quantity="0.1", margin="1000"),
    "bybit": Held("BTCUSDT", entry="100000", quantity="0.1", margin="1000"),
    "okx": Held("BTC-USDT-SWAP", entry="100000", quantity="10", margin="1000"),
}
POLICY = """\
top_ups:
  - {name: guard, match: {account: binance}, mode: auto, trigger: {cushion: 30%}, target: {cushion: 70%},
     caps: {per_action: {USDT: 2000}, per_position: {USDT: 2500}, per_day: {USDT: 2500}}, keep_free: {USDT: 200},
     cooldown: 1h, skip_rehearsal: true}
"""
VERBS = (
    ("positions", "--json"),
    ("positions",),
    ("check", "--send"),
    ("alerts", "log"),
    ("history",),
    ("topups", "list"),
    ("topups", "preview", "--drop", "8%"),
    ("margin", "add", "BTC/USDT:USDT", "150", "--account", "binance", "--yes"),
    ("reload",),
)
CALLS = (b'{"verb": "reload"}', b'{"verb": "alerts"}', b'{"verb": "ack", "codes": ["XXXX"]}', b"not JSON", b"{}")
BUG = """
import os, sys, threading
text = "a bug that quotes " + " ".join(v for k, v in os.environ.items() if k.startswith("MARGINCALL_SECRET_"))
def stumble():
    raise RuntimeError(text)
async def die(*_, **__):
    thread = threading.Thread(target=stumble)
    thread.start(); thread.join()
    stumble()
from monitor.cli import main
from monitor.daemon import logs, run
run.run_forever = die
if sys.argv.pop(1) == "unscrubbed":
    logs.Scrubber.text = lambda self, text: text
main()
"""


class Scene:
    """The real program with every secret a canary: three accounts that work, three that are refused, and four ill channels."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.stage = stack.enter_context(Stage(folder, channels=("phone", "mail", "dead", "gone"), rules=""))
        self.blurter = stack.enter_context(Blurter())
        self.canaries: dict[str, str] = {}
        self.corpus = Corpus()
        self.port = _free_port()
        for exchange, held in HELD.items():
            self.stage.account(exchange, exchange, held, top_ups=exchange == "binance")
            self.stage.account(f"{exchange}_refused", exchange)
            self.stage.booths[f"{exchange}_refused"].endpoint = f"http://127.0.0.1:{self.blurter.port}"
        self._new_keys()
        self._new_urls()
        self.stage.rules = (
            f"{RULES}{POLICY}heartbeat: {{url_from: heartbeat_url}}\n"
            f"web: {{listen: '127.0.0.1:{self.port}', beyond_loopback: true, token_from: web_token}}\n"
        )

    def secret(self, name: str, value: str) -> None:
        self.stage.program.environment[f"MARGINCALL_SECRET_{name.upper()}"] = value

    def _new_keys(self) -> None:
        for name, booth in self.stage.booths.items():
            account = booth.engine.account(name)
            for option, value in self._credentials(name).items():
                setattr(account, option, value)
            for other in tuple(account.keys):
                made = self._credentials(f"{name}_{other}")
                booth.engine.add_key(
                    name, other, api_key=made["api_key"], secret=made["secret"], passphrase=made.get("passphrase", "")
                )

    def _credentials(self, owner: str) -> dict[str, str]:
        """New ones, known to the program and to us."""
        options = ("api_key", "secret", "passphrase") if owner.startswith("okx") else ("api_key", "secret")
        made = {option: canary(f"{owner}.{option}") for option in options}
        for option, value in made.items():
            self.canaries[f"{owner}_{option}"] = value
            self.secret(f"{owner}_{option}", value)
        return made

    def _new_urls(self) -> None:
        """Credentials, path and query of each channel; of the dead one nobody listens, and the gone one refuses and quotes."""
        for name, phone in self.stage.phones.items():
            user, word, path, header = (token(f"{name}-{part}") for part in ("user", "pass", "path", "header"))
            self.canaries |= {f"{name} user": user, f"{name} password": word, f"{name} path": path, f"{name} header": header}
            port = _free_port() if name == "dead" else phone.port
            scheme = "form" if name == "mail" else "json"
            url = f"{scheme}://{user}:{word}@127.0.0.1:{port}/123456789:{path}/?+X-Hook={header}"
            self.secret(f"{name}_url", url)
            if name == "gone":
                body = blurted((url, user, word, path, header))
                phone.usually = Status(401, {"X-Quoted": f"{user}:{word} {path}", "Location": f"/{path}"}, body)
        self.canaries["heartbeat"] = token("ping")
        self.secret("heartbeat_url", f"http://127.0.0.1:{self.blurter.port}/{self.canaries['heartbeat']}")
        self.canaries["web token"] = token("web")
        self.secret("web_token", self.canaries["web token"])

    def live(self) -> None:
        """Start, alert, add margin, be refused, be asked everything, be copied, stop."""
        stage = self.stage
        stage.start()
        self._wait_for("guarding 3 positions")
        for exchange, held in HELD.items():
            stage.price(exchange, held.contract, "92500")
        for words in ("EMERGENCY: BTC/USDT long", "Done: add", "BLIND"):
            self._wait_for(words)
        assert stage.daemon is not None
        self._ask_everything()
        stage.daemon.send_signal(signal.SIGHUP)
        until(lambda: stage.program.log().count('"config.') >= 2)
        until(lambda: '"channel.broken"' in stage.program.log() and '"heartbeat.not_reached"' in stage.program.log())
        back_up(stage.folder / "store.db", datetime.now(UTC))
        self.corpus.add_folder(stage.folder)
        assert stage.end(signal.SIGTERM) == 0

    def _wait_for(self, words: str) -> None:
        came = self.stage.wait_for(lambda: any(words in one.text for one in self.stage.arrivals), PATIENCE)
        assert came, f"{words!r} did not come:\n{self.stage.program.log()[-6000:]}"

    def _ask_everything(self) -> None:
        for verb in VERBS:
            self._run(" ".join(verb), [sys.executable, "-m", "monitor"], verb)
        for call in CALLS:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(self.stage.folder / "store.db.sock"))
                client.sendall(call + b"\n")
                self.corpus.add(f"control {call!r}", client.makefile("rb").readline())
        for path in ("healthz", "metrics", "nothing"):
            for sent in (self.canaries["web token"], "wrong"):
                asked = urllib.request.Request(
                    f"http://127.0.0.1:{self.port}/{path}", headers={"Authorization": f"Bearer {sent}"}
                )
                try:
                    with urllib.request.urlopen(asked, timeout=PATIENCE) as page:
                        self.corpus.add(f"page {path}", page.read() + str(page.headers).encode())
                except HTTPError as error:
                    self.corpus.add(f"page {path}", error.read() + str(error.headers).encode())

    def stumble(self, how: str) -> str:
        """Start with a bug in the program that quotes every secret, in a thread and at the end."""
        command = [sys.executable, "-c", BUG, how]
        return self._run(f"a bug, {how}", command, ("run", "--log-level", "debug"))

    def misconfigured(self) -> str:
        """Start with a channel whose URL nobody can use."""
        name, before = "MARGINCALL_SECRET_PHONE_URL", self.stage.program.environment["MARGINCALL_SECRET_PHONE_URL"]
        self.canaries["unusable"] = token("unusable")
        self.stage.program.environment[name] = f"tgram://{self.canaries['unusable']}"
        told = self._run("an unusable channel", [sys.executable, "-m", "monitor"], ("run",))
        self.stage.program.environment[name] = before
        return told

    def _run(self, name: str, command: list[str], verb: tuple[str, ...]) -> str:
        done = subprocess.run(
            [*command, *verb, "--config", str(self.stage.program.config)],
            env=self.stage.program.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.corpus.add(f"stdout of {name}", done.stdout)
        self.corpus.add(f"stderr of {name}", done.stderr)
        return done.stdout + done.stderr

    def gather(self) -> Corpus:
        """With everything that is left: logs, all files beside the store, and what the channels were sent to say."""
        self.corpus.add_folder(self.stage.folder)
        for name, phone in self.stage.phones.items():
            for request in phone.requests:
                self.corpus.add(f"message to {name}", json.dumps(request.payload))
        return self.corpus


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.timeout(180)
def test_no_secret_gets_out_whatever_happens(tmp_path: Path) -> None:
    with ExitStack() as stack:
        scene = Scene(stack, tmp_path)
        scene.live()
        told = scene.stumble("scrubbed")
        assert told.count("RuntimeError: a bug that quotes [hidden]") == 2, told[-3000:]
        assert "channels.phone.url_from" in scene.misconfigured()
        corpus = scene.gather()
        assert corpus.leaks(scene.canaries) == []
        # They were there to be told: every exchange refused and quoted, and so did the channel.
        assert min(scene.blurter.heard[name] for name in ("binance", "bybit", "okx", "other")) > 0, scene.blurter.heard
        assert any(not request.accepted for request in scene.stage.phones["gone"].requests)
        places = " ".join(corpus.texts)
        for part in ("daemon.log", "store.db", "store.db-wal", ".backup", "message to phone", "message to mail", "page metrics"):
            assert part in places, f"{part} is not in {places}"
        print(f"{len(scene.canaries)} canaries in {len(corpus.texts)} texts, {corpus.size:,} bytes: none found")  # noqa: T201
        # The same search does find them where nothing hides them.
        scene.stumble("unscrubbed")
        found = corpus.leaks(scene.canaries)
        assert {re.sub(" as .*", "", leak) for leak in found} >= {
            f"stderr of a bug, unscrubbed: {name}" for name in scene.canaries if name != "unusable"
        }


def test_every_form_of_a_secret_is_found_where_it_is_planted(tmp_path: Path) -> None:
    canaries: Mapping[str, str] = {"key": canary("key"), "token": token("token")}
    for number, (name, secret) in enumerate(canaries.items()):
        for form, raw in forms(secret):
            folder = tmp_path / f"{number} {form}"
            folder.mkdir()
            (folder / "store.db-wal").write_bytes(b"\0before " + raw + b" after\0")
            corpus = Corpus()
            corpus.add_folder(folder)
            assert f"file store.db-wal: {name} as {form}" in corpus.leaks(canaries)
            assert corpus.leaks({"other": canary("other")}) == []
