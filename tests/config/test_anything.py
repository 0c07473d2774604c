"""Whatever the file holds, the answer is a configuration or a ConfigError."""

import contextlib
import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.config import Loaded, load, locate
from monitor.errors import ConfigError
from tests.config.files import SECRETS, SMALLEST

WORDS = st.sampled_from(
    ["accounts", "channels", "main", "phone", "exchange", "okx", "binance", "poll", "near", "calm", "1s", "10s", "5%", "rules",
     "kind", "cushion", "within", "warning", "off", "url_from", "phone_url", "endpoint", "http://127.0.0.1:1", "timezone", "UTC",
     "Europe", "store", "region", "eea", "contracts", "linear", "credentials", "proxy", "secrets_dir", "margin_ratio", "2x",
     "levels", "repeat", "quiet_hours", "hold", "from", "to", "23:00", "escalation", "after", "level", "routes", "overrides",
     "match", "account", "symbol", "DOGE/*", "ignore", "notional_below", "USDT", "ack_lapses_after", "heartbeat", "digest", "at",
     "fallback", "limit", "20 per 1h", "1m for 10m", "never"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=5),
    max_leaves=20,
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def answer(path: Path, **environ: str) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(load(path, environ=SECRETS | environ), Loaded)
    with contextlib.suppress(ConfigError):
        locate(path, environ=environ)


@QUICK
@given(raw=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="replace")))
def test_load_answers_when_the_file_is_anything(tmp_path, raw):
    path = tmp_path / "c.yaml"
    path.write_bytes(raw)
    answer(path)


@QUICK
@given(tree=st.dictionaries(WORDS, VALUES, max_size=5))
def test_load_answers_when_the_words_are_ours_in_any_order(tmp_path, tree):
    path = tmp_path / "c.yaml"
    path.write_text(json.dumps(tree))
    answer(path)


@QUICK
@given(account=st.dictionaries(WORDS, VALUES, max_size=4), rules=st.lists(st.dictionaries(WORDS, VALUES, max_size=4), max_size=3))
def test_load_answers_when_accounts_and_rules_are_nearly_right(tmp_path, account, rules):
    path = tmp_path / "c.yaml"
    path.write_text(json.dumps({"accounts": {"main": {"exchange": "okx"} | account}, "rules": rules, "channels": {"phone": {}}}))
    answer(path)


@QUICK
@given(
    parts=st.dictionaries(
        st.sampled_from(["levels", "quiet_hours", "escalation", "routes", "overrides", "ignore", "heartbeat", "digest"]),
        VALUES | st.lists(st.dictionaries(WORDS, VALUES, max_size=4), max_size=3),
    )
)
def test_load_answers_when_who_hears_of_what_is_nearly_right(tmp_path, parts):
    path = tmp_path / "c.yaml"
    known = {"accounts": {"main": {"exchange": "okx"}}, "channels": {"phone": {"url_from": "phone_url", "fallback": "phone"}}}
    path.write_text(json.dumps(known | parts))
    answer(path)


@QUICK
@given(
    names=st.lists(
        st.lists(WORDS, min_size=1, max_size=4).map(lambda parts: "MARGINCALL_" + "__".join(parts).upper()), max_size=3
    ),
    value=st.text(max_size=12) | VALUES.map(json.dumps),
)
def test_load_answers_when_the_environment_is_anything(tmp_path, names, value):
    path = tmp_path / "c.yaml"
    path.write_text(SMALLEST)
    answer(path, **dict.fromkeys(names, value))
