"""No secret in any log line, whoever writes it and however it is written."""

import base64
import io
import json
import logging
import os
import re
import sys
import threading
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from monitor.daemon import logs

KEY = "cAnArYkEy/+=7f3b9d2e"
TOKEN = "987654321:cAnArYtOkEn-AbCdEfGhIjKlMnOpQrStU"
SECRETS = (
    KEY,
    f"tgram://{TOKEN}/55512345?format=text",
    "pover://cAnArYuSeR1@cAnArYpAsS2/",
    "json://cAnArYhOsT9:cAnArYpW3@10.0.0.9/hook",
)
CANARIES = (KEY, TOKEN, "cAnArYuSeR1", "cAnArYpAsS2", "cAnArYpW3")


@pytest.fixture(autouse=True)
def put_back():
    """Logging is one for the whole process: leave it as it was found."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in (*logs.OURS, "apscheduler")}
    hooks = threading.excepthook, sys.unraisablehook
    yield
    threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    structlog.configure(**before)


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def written(monkeypatch):
    """Standard error, and a way to configure logging to it."""

    def configure(level="info", *, screen=False, environ=None):
        stream = Screen() if screen else io.StringIO()
        monkeypatch.setattr("sys.stderr", stream)
        logs.configure(level, secrets=SECRETS, environ=environ or {})
        return stream

    return configure


def forms(canary):
    """How a secret may be written: plain, in a URL, in JSON, in hexadecimal."""
    raw = canary.encode()
    yield canary
    yield quote(canary, safe="")
    yield re.sub("%..", lambda escape: escape[0].lower(), quote(canary, safe=""))
    yield quote_plus(canary)
    yield json.dumps(canary)[1:-1]
    yield raw.hex()
    yield raw.hex().upper()


def holding(canary):
    """Texts that hold a secret, as foreign code would write them."""
    raw = canary.encode()
    for form in forms(canary):
        yield f"GET https://api.example.com/x?a=1&k={form}&b=2 failed"
    for before in (b"", b"u", b"us", b"user:"):
        for after in (b"", b":", b":p", b":pw"):
            yield f"Authorization: Basic {base64.b64encode(before + raw + after).decode()}"
            yield f"cookie={base64.urlsafe_b64encode(before + raw + after).decode()}"


def leaks(text):
    """Which canaries can be read in a text, or in what some of it is the base64 of."""
    found = [canary for canary in CANARIES for form in forms(canary) if form in text]
    for word in re.findall(r"[A-Za-z0-9+/_-]{8,}", text):
        for start in range(4):
            part = word[start:].translate(str.maketrans("-_", "+/"))
            plain = base64.b64decode(part[: len(part) // 4 * 4])
            found += [canary for canary in CANARIES if canary.encode()[2:-2] in plain]
    return found


def refuse(canary):
    raise ConnectionError(f"https://api.telegram.org/bot{canary}/sendMessage")


@pytest.mark.parametrize("canary", CANARIES)
def test_a_secret_is_hidden_when_it_is_written_in_any_form(written, canary):
    err = written()
    log = structlog.get_logger("guard")
    for text in holding(canary):
        assert leaks(text), "the test itself must be able to see it"
        log.info(text, cause=text, inner={"why": [text, (text,)]}, error=ValueError(text))
        logging.getLogger("foreign").warning("%s", text)
    assert err.getvalue()
    assert leaks(err.getvalue()) == []


@pytest.mark.parametrize("screen", [True, False])
def test_a_secret_is_hidden_when_it_is_in_an_exception(written, screen):
    err = written(screen=screen)
    for canary in CANARIES:
        try:
            try:
                refuse(canary)
            except ConnectionError as error:
                raise ValueError(f"signature={canary}") from error
        except ValueError:
            structlog.get_logger("guard").exception("cycle.failed")
            logging.getLogger("ccxt").exception("request failed")
            logging.getLogger("ccxt").error("stack", stack_info=True)
    text = err.getvalue()
    assert text.count("Traceback") >= 4
    assert leaks(text) == []


def test_what_looks_like_a_secret_is_hidden_when_nobody_told_of_it(written):
    err = written()
    log = structlog.get_logger("guard")
    log.info("GET /fapi/v3/positionRisk?timestamp=1&signature=deadbeef0123 failed")
    log.info("https://api.telegram.org/bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/getMe")
    log.info("mailtos://someone:hunter2hunter2@example.com")
    log.info("headers: {'X-MBX-APIKEY': 'abcdef', 'OK-ACCESS-SIGN': 'ghijkl'}")
    log.info("noted", api_key="mnopqr", password="stuvwx", inner={"OK-ACCESS-KEY": "yz0123"})
    text = err.getvalue()
    for secret in ("deadbeef0123", "AAHdqTcvCH1vG", "hunter2", "abcdef", "ghijkl", "mnopqr", "stuvwx", "yz0123"):
        assert secret not in text
    assert "timestamp=1" in text
    assert "example.com" in text


def test_ordinary_words_stay_when_secrets_are_hidden(written):
    err = written()
    structlog.get_logger("guard").info("family.read", account="main", positions=3, host="10.0.0.9", at=12.5, good=True, none=None)
    shown = json.loads(err.getvalue())
    assert {name: shown[name] for name in ("event", "account", "positions", "host", "at", "good", "none")} == {
        "event": "family.read", "account": "main", "positions": 3, "host": "10.0.0.9", "at": 12.5, "good": True, "none": None,
    }  # fmt: skip


@given(st.binary(max_size=5), st.text(st.characters(codec="utf-8"), min_size=8, max_size=40), st.binary(max_size=5))
def test_any_secret_is_hidden_in_the_base64_of_what_holds_it(before, secret, after):
    raw = secret.encode()
    whole = base64.b64encode(before + raw + after).decode()
    scrubbed = logs.Scrubber([secret]).text(whole)
    assert logs.HIDDEN in scrubbed
    # n bytes fill at least 8 n / 6 characters, of which the first and the last may be shared with the neighbours.
    assert len(scrubbed.replace(logs.HIDDEN, "")) <= len(whole) - (len(raw) * 8 // 6 - 1)


def test_a_short_word_is_never_searched_for_and_a_longer_one_only_as_it_is():
    assert logs.Scrubber(["main", ""]).text("main account") == "main account"
    encoded = base64.b64encode(b"hunter2").decode()
    assert logs.Scrubber(["hunter2"]).text(f"hunter2 {encoded}") == f"{logs.HIDDEN} {encoded}"


def test_foreign_loggers_stay_at_info_when_debug_is_asked_for(written):
    err = written("debug")
    for name in ("ccxt.base.exchange", "apprise", "urllib3.connectionpool", "aiohttp.client", "asyncio", "never_heard_of", ""):
        logging.getLogger(name).debug("a header of %s", name)
        logging.getLogger(name).info("said by %s", name)
    structlog.get_logger("guard").debug("ours")
    logging.getLogger("apscheduler.executors.default").info("Running job")
    assert "a header of" not in err.getvalue()
    assert "Running job" not in err.getvalue()
    assert err.getvalue().count("said by") == 7
    assert '"ours"' in err.getvalue()


@pytest.mark.parametrize(("level", "shown"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_only_the_level_asked_for_is_written(written, level, shown):
    err = written(level)
    log = structlog.get_logger("guard")
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("one")
    assert len(err.getvalue().splitlines()) == shown


def test_every_logger_of_ours_is_known():
    package = Path(logs.__file__).parents[1]
    named = {name for path in package.rglob("*.py") for name in re.findall(r'get_logger\("([a-z.]+)"\)', path.read_text())}
    assert named
    assert named <= set(logs.OURS)


@pytest.mark.parametrize(
    ("screen", "environ", "as_json"), [(True, {}, False), (False, {}, True), (True, {"JOURNAL_STREAM": "8:1"}, False)]
)
def test_lines_are_text_on_a_terminal_and_json_elsewhere(written, screen, environ, as_json):
    err = written(screen=screen, environ=environ)
    structlog.get_logger("guard").warning("family.read_failed", account="main")
    line = err.getvalue()
    if as_json:
        told = json.loads(line)
        assert {told["event"], told["level"], told["logger"], told["account"]} == {
            "family.read_failed",
            "warning",
            "guard",
            "main",
        }
        assert told["timestamp"].endswith("Z")
    else:
        assert "family.read_failed main" in line
        assert "{" not in line


def test_lines_are_json_with_their_priority_when_standard_error_is_the_journals(monkeypatch, tmp_path):
    with (tmp_path / "journal").open("w") as stream:
        monkeypatch.setattr("sys.stderr", stream)
        it = os.fstat(stream.fileno())
        logs.configure("info", environ={"JOURNAL_STREAM": f"{it.st_dev}:{it.st_ino}"})
        structlog.get_logger("guard").info("family.read")
        structlog.get_logger("guard").error("store.commit_failed")
        structlog.get_logger("guard").warning("family.read_failed")
    lines = (tmp_path / "journal").read_text().splitlines()
    assert [line[:3] for line in lines] == ["<6>", "<3>", "<4>"]
    assert json.loads(lines[1][3:])["event"] == "store.commit_failed"


def test_a_library_that_sets_its_own_logger_to_debug_is_not_heard_there(written):
    err = written("debug")
    noisy = logging.getLogger("urllib3.connectionpool")
    noisy.setLevel(logging.DEBUG)
    try:
        noisy.debug("a header")
        noisy.info("a line")
    finally:
        noisy.setLevel(logging.NOTSET)
    assert "a header" not in err.getvalue()
    assert "a line" in err.getvalue()


def test_what_a_thread_does_not_catch_is_logged_and_scrubbed(written):
    err = written()
    thread = threading.Thread(target=refuse, args=(TOKEN,))
    thread.start()
    thread.join()
    (line,) = err.getvalue().splitlines()
    assert json.loads(line)["event"] == "thread.died"
    assert "ConnectionError" in line
    assert leaks(err.getvalue()) == []


def test_what_goes_wrong_while_something_is_thrown_away_is_logged_and_scrubbed(written):
    class Doomed:
        def __del__(self):
            refuse(TOKEN)

    err = written()
    Doomed()
    assert json.loads(err.getvalue())["event"] == "cleanup.failed"
    assert leaks(err.getvalue()) == []


def test_a_line_that_cannot_be_written_is_not_printed_raw(written):
    err = written()
    logging.getLogger("ccxt").warning("%d", TOKEN)
    assert err.getvalue() == "a log line of ccxt could not be written (TypeError)\n"
