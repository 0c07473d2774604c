from datetime import timedelta

import pytest

from tests.config.files import CANARY, SECRETS, SMALLEST, loaded, not_here, problems, write


def test_environment_lies_over_the_file_when_both_set_an_option(tmp_path):
    text = SMALLEST.replace("{exchange: binance}", "{exchange: bybit, poll: {calm: 20s, near: 5s}, contracts: [linear]}")
    whole = loaded(
        tmp_path,
        text,
        MARGINCALL_ACCOUNTS__MAIN__POLL__NEAR="3s",
        margincall_accounts__main__exchange="okx",
        MARGINCALL_ACCOUNTS__MAIN__CONTRACTS='["inverse"]',
        MARGINCALL_ACCOUNTS__MAIN__DEMO_TRADING="true",
        MARGINCALL_ACCOUNTS__MAIN__REGION="null",
        MARGINCALL_TIMEZONE="Asia/Tokyo",
        MARGINCALL_STORE="",
        MARGINCALL_RULES="[{kind: cushion, off: true}]",
        MARGINCALL_SHARED="/not/ours",
        OTHER="x",
    )
    main = whole.settings.accounts["main"]
    assert (main.poll.calm, main.poll.near) == (timedelta(seconds=20), timedelta(seconds=3))
    assert (main.exchange, main.contracts, main.demo_trading, main.region) == ("okx", ("inverse",), True, None)
    assert whole.settings.timezone.key == "Asia/Tokyo"
    assert whole.settings.store is None
    assert "cushion" not in {rule.KIND for rule in whole.rules}


def test_environment_alone_makes_a_configuration_when_the_file_is_empty(tmp_path):
    whole = loaded(
        tmp_path, "", MARGINCALL_ACCOUNTS__MAIN__EXCHANGE="bybit", MARGINCALL_CHANNELS='{"phone": {"url_from": "phone_url"}}'
    )
    assert list(whole.settings.accounts) == ["main"]
    assert sorted(whole.secrets) == ["main_api_key", "main_secret", "phone_url"]


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        (
            "MARGINCALL_ACCOUNTS__MAIN__POLL__NEAR",
            "1",
            (
                "MARGINCALL_ACCOUNTS__MAIN__POLL__NEAR: accounts.main.poll.near: a duration needs its unit: write 1s for seconds "
                "(or ms, m, h, d)"
            ),
        ),
        (
            "MARGINCALL_ACCOUNTS__MAIN__POL__NEAR",
            "1s",
            "MARGINCALL_ACCOUNTS__MAIN__POL__NEAR: accounts.main.pol: unknown key; did you mean poll?",
        ),
        (
            "MARGINCALL_ACCOUNTS__OTHER__POLL__NEAR",
            "1s",
            "MARGINCALL_ACCOUNTS__OTHER__POLL__NEAR: accounts.other.exchange: must be one of binance, bybit, okx",
        ),
        ("margincall_acounts__x", "1", "margincall_acounts__x: names no option; did you mean accounts?"),
        ("MARGINCALL_TIMEZON", "UTC", "MARGINCALL_TIMEZON: names no option; did you mean timezone?"),
        ("MARGINCALL_STORE__", "1s", "MARGINCALL_STORE__: has an empty part; options are joined by two underscores"),
        (
            "MARGINCALL_ACCOUNTS__MAIN__CONTRACTS",
            "[linear",
            ("MARGINCALL_ACCOUNTS__MAIN__CONTRACTS: not YAML: a bracket is not closed, or a comma is missing"),
        ),
        (
            "MARGINCALL_ACCOUNTS__MAIN__CONTRACTS",
            "[linear, x]",
            "MARGINCALL_ACCOUNTS__MAIN__CONTRACTS: accounts.main.contracts[1]: must be one of linear, inverse",
        ),
        ("MARGINCALL_CHANNELS", "{a: 1, a: 2}", "MARGINCALL_CHANNELS: a: the same key twice; the first stands in line 1"),
        ("MARGINCALL_RULES__0__WARNING", "5%", "MARGINCALL_RULES__0__WARNING: rules: must be a list"),
        (
            "MARGINCALL_ACCOUNTS__MAIN__API_KEY",
            CANARY,
            "MARGINCALL_ACCOUNTS__MAIN__API_KEY: accounts.main.api_key: "
            + not_here("a key or password", "main_api_key", "accounts.main.credentials: main"),
        ),
    ],
)
def test_problem_names_the_variable_when_the_environment_caused_it(tmp_path, variable, value, shown):
    found = [line for line in problems(tmp_path, SMALLEST, **{variable: value}) if "the secret" not in line]
    assert found == [shown]


def test_problem_is_told_when_one_variable_contradicts_another(tmp_path):
    shown = problems(tmp_path, SMALLEST, MARGINCALL_ACCOUNTS__MAIN__POLL="1s", MARGINCALL_ACCOUNTS__MAIN__POLL__NEAR="1s")
    assert shown == [
        "MARGINCALL_ACCOUNTS__MAIN__POLL__NEAR: contradicts another variable that sets the option above it",
        "MARGINCALL_ACCOUNTS__MAIN__POLL: accounts.main.poll: must be a mapping of `option: value` lines",
    ]


def test_process_environment_is_read_when_none_is_given(tmp_path, monkeypatch):
    from monitor.config import load

    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MARGINCALL_TIMEZONE", "Asia/Tokyo")
    assert load(write(tmp_path, SMALLEST)).settings.timezone.key == "Asia/Tokyo"
