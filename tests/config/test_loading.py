import sys
from datetime import timedelta
from decimal import Decimal
from subprocess import run

import pytest

from monitor.config import endpoint, load
from monitor.rules import discover
from monitor.rules.base import Lines
from monitor.rules.cushion import Cushion
from tests.config.files import CANARY, SMALLEST, loaded, not_here, problems, write

TWO_LINES = "accounts:\n  main:\n    exchange: {exchange}\n{more}channels:\n  phone: {{url_from: phone_url}}\n"


def account(more: str, exchange: str = "okx") -> str:
    """A file whose account has ``more``, one option a line, from line 4 on."""
    return TWO_LINES.format(exchange=exchange, more="".join(f"    {line}\n" for line in more.splitlines()))


def test_configuration_has_sane_defaults_when_it_is_the_smallest(tmp_path):
    whole = loaded(tmp_path, SMALLEST)
    main = whole.settings.accounts["main"]
    assert (main.exchange, main.credentials, main.contracts) == ("binance", "main", ("linear", "inverse"))
    assert (main.poll.calm, main.poll.near) == (timedelta(seconds=10), timedelta(seconds=2))
    assert (main.endpoint, main.region, main.proxy, main.demo_trading) == (None, None, None, False)
    assert set(whole.rules) == {rule() for rule in discover().values() if rule.DEFAULT}
    assert {name: secret.get_secret_value() for name, secret in whole.secrets.items()} == {
        "main_api_key": f"{CANARY}k",
        "main_secret": f"{CANARY}s",
        "phone_url": f"ntfy://{CANARY}/u",
    }
    assert CANARY not in repr(whole) + str(whole) + repr(whole.settings) + str(whole.settings)


def test_okx_needs_its_passphrase_too(tmp_path):
    whole = loaded(tmp_path, account(""))
    assert whole.settings.accounts["main"].secret_names == {
        "api_key": "main_api_key",
        "secret": "main_secret",
        "passphrase": "main_passphrase",
    }
    assert whole.secrets["main_passphrase"].get_secret_value() == f"{CANARY}p"


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ("pol: {calm: 5s}", "config.yaml:4: accounts.main.pol: unknown key; did you mean poll?"),
        (
            "zzz: 1",
            (
                "config.yaml:4: accounts.main.zzz: unknown key; known here: "
                "exchange, credentials, top_up_credentials, contracts, endpoint, poll, region, proxy, demo_trading"
            ),
        ),
        ("poll: {calm: 5s, naer: 1s}", "config.yaml:4: accounts.main.poll.naer: unknown key; did you mean near?"),
        (
            "poll: {calm: 10}",
            "config.yaml:4: accounts.main.poll.calm: a duration needs its unit: write 10s for seconds (or ms, m, h, d)",
        ),
        ("poll: 5s", "config.yaml:4: accounts.main.poll: must be a mapping of `option: value` lines"),
        ("poll: {near: 500ms}", "config.yaml:4: accounts.main.poll.near: at least 1s (50ms with an endpoint on loopback)"),
        (
            "poll: {calm: 3s, near: 4s}",
            "config.yaml:4: accounts.main.poll.near: must not be longer than calm: near is the pace once a line is crossed",
        ),
        ("endpoint: http://127.0.0.1:1\npoll: {near: 49ms}", "config.yaml:5: accounts.main.poll.near: at least 50ms"),
        ("contracts: [linear, spot]", "config.yaml:4: accounts.main.contracts[1]: must be one of linear, inverse"),
        (
            "contracts: [invers]",
            "config.yaml:4: accounts.main.contracts[0]: must be one of linear, inverse; did you mean inverse?",
        ),
        ("contracts: []", "config.yaml:4: accounts.main.contracts: name linear, inverse or both, each once"),
        ("contracts: linear", "config.yaml:4: accounts.main.contracts: must be a list"),
        ("demo_trading: yes", "config.yaml:4: accounts.main.demo_trading: must be true or false"),
        ("region: eaa", "config.yaml:4: accounts.main.region: must be one of eea, us; did you mean eea?"),
        (
            "endpoint: https://gateway.example\nregion: eea",
            (
                "config.yaml:5: accounts.main.region: region chooses the exchange's own hosts and endpoint replaces all of them: "
                "keep only one of the two"
            ),
        ),
        (
            f"credentials: {CANARY}",
            "config.yaml:4: accounts.main.credentials: "
            + not_here("what looks like a key itself", "main_api_key", "accounts.main.credentials: main"),
        ),
        (
            "credentials: Main",
            "config.yaml:4: accounts.main.credentials: a name is lower-case letters, digits and _, and begins with a letter",
        ),
    ],
)
def test_account_is_refused_with_its_line_when_an_option_is_wrong(tmp_path, more, shown):
    assert problems(tmp_path, account(more)) == [shown]


@pytest.mark.parametrize(
    ("exchange", "shown"),
    [
        ("OKEX", "config.yaml:3: accounts.main.exchange: must be one of binance, bybit, okx; did you mean okx?"),
        ("null", "config.yaml:3: accounts.main.exchange: must be one of binance, bybit, okx"),
    ],
)
def test_exchange_is_refused_with_the_known_ones_when_it_is_not_known(tmp_path, exchange, shown):
    assert problems(tmp_path, account("", exchange)) == [shown]


def test_region_is_refused_when_binance_is_given_one(tmp_path):
    assert problems(tmp_path, account("region: eu", "binance")) == [
        "config.yaml:4: accounts.main.region: Binance futures have no regional sites here: leave it out."
    ]


@pytest.mark.parametrize("exchange", ["binance", "bybit", "okx"])
def test_account_takes_nulls_for_its_optional_ways_when_written_out(tmp_path, exchange):
    assert problems(tmp_path, account("endpoint: null\nregion: null\nproxy: null", exchange)) == []


@pytest.mark.parametrize(("more", "near"), [("poll: {calm: 1s}", 1), ("poll: {calm: 5s}", 2), ("poll: {near: 1.5s}", 1.5)])
def test_near_defaults_to_two_seconds_but_never_beyond_calm(tmp_path, more, near):
    assert loaded(tmp_path, account(more)).settings.accounts["main"].poll.near == timedelta(seconds=near)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://gateway.example",
        "https://gateway.example:8443/",
        "http://127.0.0.1:8080",
        "http://127.9.9.9",
        "http://localhost:1",
        "'http://[::1]:8080'",
    ],
)
def test_endpoint_is_taken_when_it_is_https_or_on_loopback(tmp_path, endpoint):
    taken = loaded(tmp_path, account(f"endpoint: {endpoint}")).settings.accounts["main"].endpoint
    assert taken == endpoint.strip("'").rstrip("/")


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://gateway.example",
        "http://0.0.0.0:80",
        "http://128.0.0.1",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        f"https://user:{CANARY}@gateway.example",
        "https://gateway.example/path",
        "https://gateway.example?q=1",
        "https://gateway.example:0",
        "https://gateway.example:65536",
        "ftp://127.0.0.1",
        "gateway.example",
        "'http://127.0.0.1\\@evil.example'",
        "[]",
    ],
)
def test_endpoint_is_refused_without_showing_it_when_it_is_not_safe(tmp_path, endpoint):
    (shown,) = problems(tmp_path, account(f"endpoint: {endpoint}"))
    assert shown.startswith(
        ("config.yaml:4: accounts.main.endpoint: http is allowed", "config.yaml:4: accounts.main.endpoint: must be scheme")
    )
    assert "example/path" not in shown


def test_socks_proxy_is_refused_in_plain_words_when_the_package_for_it_is_missing(tmp_path, monkeypatch):
    assert problems(tmp_path, account("proxy: socks5://127.0.0.1:9050")) == [
        (
            "config.yaml:4: accounts.main.proxy: a SOCKS proxy needs the package aiohttp-socks, which is not installed; "
            "an HTTP proxy works as it is"
        )
    ]
    monkeypatch.setattr(endpoint, "find_spec", lambda _: object())
    for url in ("socks5://127.0.0.1:9050", "socks5h://tor.example:9050", "socks4://127.0.0.1:9050"):
        assert loaded(tmp_path, account(f"proxy: {url}")).settings.accounts["main"].proxy == url
    (shown,) = problems(tmp_path, account(f"proxy: socks5://user:{CANARY}@127.0.0.1:9050"))
    assert shown.startswith("config.yaml:4: accounts.main.proxy: must be a proxy such as")


def test_proxy_is_refused_when_it_holds_a_password(tmp_path):
    assert loaded(tmp_path, account("proxy: http://10.0.0.1:3128")).settings.accounts["main"].proxy == "http://10.0.0.1:3128"
    (shown,) = problems(tmp_path, account(f"proxy: http://user:{CANARY}@10.0.0.1:3128"))
    assert shown.startswith("config.yaml:4: accounts.main.proxy: must be a proxy such as")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "",
            [
                "config.yaml:1: accounts: is missing: The accounts to watch, each under a name of your own.",
                "config.yaml:1: channels: is missing: Where alerts go, each channel under a name of your own.",
            ],
        ),
        (
            "- a\n",
            [
                "config.yaml:1: must be a mapping of `option: value` lines",
                "config.yaml:1: accounts: is missing: The accounts to watch, each under a name of your own.",
                "config.yaml:1: channels: is missing: Where alerts go, each channel under a name of your own.",
            ],
        ),
        (
            "accounts: {}\nchannels: {}\n",
            [
                "config.yaml:1: accounts: at least one account is needed",
                "config.yaml:2: channels: at least one channel is needed: alerts must reach somebody",
            ],
        ),
        (
            "accounts:\nchannels:\n",
            [
                "config.yaml:1: accounts: must be a mapping of `name: ...` lines",
                "config.yaml:2: channels: must be a mapping of `name: ...` lines",
            ],
        ),
        (SMALLEST + "time_zone: UTC\n", ["config.yaml:5: time_zone: unknown key; did you mean timezone?"]),
        (
            SMALLEST + "timezone: europe/berlin\n",
            ["config.yaml:5: timezone: must be a time zone such as Europe/Berlin or UTC; did you mean Europe/Berlin?"],
        ),
        (
            SMALLEST + "timezone: ../../etc/passwd\n",
            ["config.yaml:5: timezone: must be a time zone such as Europe/Berlin or UTC"],
        ),
        (SMALLEST + "store: []\n", ["config.yaml:5: store: must be a path"]),
        (SMALLEST + 'store: "a\\0b"\n', ["config.yaml:5: store: must be a path"]),
        (
            SMALLEST.replace("main:", "Main:"),
            ["config.yaml:2: accounts.Main: a name is lower-case letters, digits and _, and begins with a letter"],
        ),
        (
            SMALLEST.replace("{url_from: phone_url}", "{}"),
            ["config.yaml:4: channels.phone.url_from: is missing: Names the secret that holds the channel's apprise URL."],
        ),
    ],
)
def test_root_is_refused_with_every_problem_when_it_is_wrong(tmp_path, text, shown):
    found = problems(tmp_path, text)
    assert [line for line in found if "the secret" not in line or "is missing: Names" in line] == shown


@pytest.mark.parametrize(
    "text",
    [
        SMALLEST.replace("{exchange: binance}", f"{{exchange: binance, api_key: {CANARY}}}"),
        SMALLEST.replace("{exchange: binance}", f"{{exchange: binance, API-Secret: {CANARY}}}"),
        SMALLEST.replace("{exchange: binance}", f"{{exchange: binance, credentials: {{secret: {CANARY}}}}}"),
        SMALLEST.replace("{exchange: binance}", f"{{exchange: binance, credentials: {CANARY}}}"),
        SMALLEST.replace("{exchange: binance}", f"{{exchange: binance, credentials: {CANARY.lower()}}}"),
        SMALLEST.replace("{exchange: binance}", f"{{exchange: binance, passphrase: [{CANARY}]}}"),
        SMALLEST.replace("{exchange: binance}", f"{{exchange: {CANARY}}}"),
        SMALLEST.replace("{exchange: binance}", CANARY),
        SMALLEST.replace("{exchange: binance}", f"{{exchange: binance, {CANARY}: 1}}"),
        SMALLEST.replace("main:", f"{CANARY}:"),
        SMALLEST.replace("phone_url", f"ntfy://{CANARY}/topic"),
        SMALLEST.replace("phone_url", CANARY),
        SMALLEST.replace("url_from: phone_url", f"url: 'ntfy://{CANARY}'"),
        SMALLEST.replace("{url_from: phone_url}", f"ntfy://{CANARY}/topic"),
        SMALLEST.replace("url_from: phone_url", f"tgram://{CANARY}/1"),
        SMALLEST.replace("url_from: phone_url", f"url_from: phone_url, token: {CANARY}"),
        SMALLEST + f"password: {CANARY}\n",
        SMALLEST + f"timezone: {CANARY}\n",
        SMALLEST + f"store: *{CANARY}\n",
        SMALLEST + f"store: !{CANARY} x\n",
        SMALLEST + f"store: '{CANARY}\n",
        SMALLEST + f"rules: [{{kind: {CANARY}}}, {{kind: cushion, warning: {CANARY}}}, {CANARY}]\n",
    ],
)
def test_secret_in_the_file_is_refused_with_its_line_and_never_shown(tmp_path, text):
    found = problems(tmp_path, text)  # looks for the canary
    assert found
    assert all(line.startswith("config.yaml:") for line in found)


def test_secret_in_the_file_is_told_once_with_the_way_to_do_it_right(tmp_path):
    assert problems(tmp_path, account(f"api_key: {CANARY}")) == [
        "config.yaml:4: accounts.main.api_key: "
        + not_here("a key or password", "main_api_key", "accounts.main.credentials: main")
    ]
    assert problems(tmp_path, SMALLEST.replace("url_from: phone_url", f"url_from: ntfy://{CANARY}")) == [
        "config.yaml:4: channels.phone.url_from: "
        + not_here("a channel's URL or token", "phone_url", "channels.phone.url_from: phone_url")
    ]


def test_account_may_be_called_like_a_secret_when_it_is_a_mapping(tmp_path):
    environ = {"MARGINCALL_SECRET_TOKEN_API_KEY": "k", "MARGINCALL_SECRET_TOKEN_SECRET": "s"}
    assert problems(tmp_path, SMALLEST.replace("main", "token"), **environ) == []


def test_account_may_have_a_long_name_with_a_number_in_it(tmp_path):
    environ = {f"MARGINCALL_SECRET_TRADINGSUBACCOUNT2_{option}": "x" for option in ("API_KEY", "SECRET")}
    text = SMALLEST.replace("main:", "tradingsubaccount2:")
    assert sorted(loaded(tmp_path, text, **environ).secrets)[-2:] == ["tradingsubaccount2_api_key", "tradingsubaccount2_secret"]


def test_all_problems_are_told_at_once_when_there_are_many_kinds(tmp_path):
    text = (
        "accounts:\n"
        "  main: {exchange: okx, poll: {calm: 5}}\n"
        "  other: {exchange: bybit, api_key: x, credentials: other}\n"
        "  other: {exchange: bybit}\n"
        "channels: {phone: {url_from: phone_url}}\n"
        "rules:\n"
        "  - {kind: cushion, warning: 60}\n"
        "  - {kind: cushin}\n"
        "colour: blue\n"
    )
    assert [line.split(": ")[:2] for line in problems(tmp_path, text, MARGINCALL_CHANELS__X="1")] == [
        ["config.yaml:2", "accounts.main.poll.calm"],
        ["config.yaml:3", "accounts.other.api_key"],
        ["config.yaml:3", "accounts.other.credentials"],
        ["config.yaml:3", "accounts.other.credentials"],
        ["config.yaml:4", "accounts.other"],
        ["config.yaml:7", "rules[0].warning"],
        ["config.yaml:8", "rules[1].kind"],
        ["config.yaml:9", "colour"],
        ["MARGINCALL_CHANELS__X", "names no option; did you mean channels?"],
    ]


def test_missing_secrets_are_told_at_the_line_that_names_them(tmp_path):
    text = SMALLEST + "secrets_dir: secrets\n"
    path = write(tmp_path, text)
    (tmp_path / "secrets").mkdir()
    with pytest.raises(Exception) as caught:
        load(path, environ={})
    assert str(caught.value).replace(str(tmp_path), "DIR") == (
        "DIR/config.yaml:2: accounts.main.credentials: the secret main_api_key is missing: no file DIR/secrets/main_api_key, "
        "DIR/credentials/main_api_key and "
        "no variable MARGINCALL_SECRET_MAIN_API_KEY\n"
        "DIR/config.yaml:2: accounts.main.credentials: the secret main_secret is missing: no file DIR/secrets/main_secret, "
        "DIR/credentials/main_secret and "
        "no variable MARGINCALL_SECRET_MAIN_SECRET\n"
        "DIR/config.yaml:4: channels.phone.url_from: the secret phone_url is missing: no file DIR/secrets/phone_url, "
        "DIR/credentials/phone_url and "
        "no variable MARGINCALL_SECRET_PHONE_URL"
    )
    assert load(path, environ={}, read_secrets=False).secrets == {}


def test_channel_secret_is_refused_when_it_is_no_url(tmp_path):
    assert problems(tmp_path, SMALLEST, MARGINCALL_SECRET_PHONE_URL=CANARY) == [
        "config.yaml:4: channels.phone.url_from: the secret phone_url is not an apprise URL (service://...)"
    ]


def test_rules_of_the_file_replace_only_their_kinds(tmp_path):
    text = SMALLEST + (
        "rules:\n"
        "  - {kind: cushion, warning: 50%, critical: null, within: {warning: 30%}}\n"
        "  - {kind: margin_usage, off: true}\n"
        "  - {kind: margin_ratio, critical: 2x}\n"
    )
    rules = {rule.KIND: rule for rule in loaded(tmp_path, text).rules}
    assert set(rules) == {kind for kind, rule in discover().items() if rule.DEFAULT} - {"margin_usage"} | {"margin_ratio"}
    cushion = rules["cushion"]
    assert isinstance(cushion, Cushion)
    assert (cushion.warning, cushion.critical, cushion.emergency) == (Decimal("0.5"), None, Decimal("0.25"))
    assert cushion.within == Lines(warning=Decimal("0.3"))


def test_config_imports_neither_ccxt_nor_apprise_nor_sqlite():
    code = (
        "import sys, monitor.config as c; a = 'pydantic' in sys.modules; c.load, c.Settings; "
        "from monitor.config.exchanges import exchanges; exchanges(); "
        "print(a, [m for m in ('ccxt', 'apprise', 'sqlite3', 'aiohttp') if m in sys.modules])"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False []\n"
