"""Automatic margin in the configuration: what is read, what is refused, and where."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.alerts.matching import Matcher
from monitor.alerts.model import position_subject
from monitor.app.top_ups import build_top_ups
from monitor.config.top_ups import TopUpSettings
from monitor.margin.position import Side
from monitor.topups.policy import Caps, Line, Measure, Mode, NotBeyond, TopUpPolicy
from tests.builders import key
from tests.config.files import CANARY, DESK_SECRETS, loaded, not_here, problems

D = Decimal
README = (Path(__file__).parents[2] / "README.md").read_text()
TRADE = DESK_SECRETS | {"MARGINCALL_SECRET_MAIN_TRADE_API_KEY": f"{CANARY}k", "MARGINCALL_SECRET_MAIN_TRADE_SECRET": f"{CANARY}s"}
FILE = """\
accounts:
  main: {exchange: binance, top_up_credentials: main_trade}
  test: {exchange: bybit}
channels:
  phone: {url_from: phone_url}
"""
FULL = """\
top_ups:
  - name: btc_guard
    match: {account: main, symbol: "BTC/USDT:USDT", side: long}
    mode: auto
    trigger: {cushion: 30%}
    target: {cushion: 60%}
    caps: {per_action: {USDT: 100}, per_position: {USDT: 300}, per_day: {USDT: 500}, actions_per_day: 5}
    keep_free: {USDT: 200}
    cooldown: 90s
    not_beyond: {price: 80000, loss: 80%}
    partial: true
    skip_rehearsal: true
top_up_account_caps: {main: {per_day: {USDT: 800}}}
"""
ALL_CAPS = "{per_action: {USDT: 100}, per_position: {USDT: 300}, per_day: {USDT: 500}}"


def policy(**changes: str) -> str:
    """The smallest policy with ``changes``, each key on a line of its own: name 7, match 8, trigger 9, target 10, caps 11."""
    written = {
        "name": "one",
        "match": "{side: long}",
        "trigger": "{cushion: 30%}",
        "target": "{cushion: 60%}",
        "caps": ALL_CAPS,
        **changes,
    }
    lines = [f"{name}: {value}" for name, value in written.items() if value]
    return "top_ups:\n  - " + "\n    ".join(lines) + "\n"


def read(folder, more, **environ):
    return build_top_ups(loaded(folder, FILE + more, **TRADE | environ))


def wrong(folder, more, **environ):
    return [line.removeprefix("config.yaml:") for line in problems(folder, FILE + more, **TRADE | environ)]


def test_nothing_is_topped_up_when_nothing_is_written(tmp_path):
    assert read(tmp_path, "").policies == ()
    assert read(tmp_path, "top_ups:\n").policies == ()


def test_policy_is_what_is_written(tmp_path):
    top_ups = read(tmp_path, FULL)
    assert top_ups.policies == (
        TopUpPolicy(
            name="btc_guard",
            match=Matcher(account=("main",), symbol=("BTC/USDT:USDT",), side=("long",)),
            mode=Mode.AUTO,
            trigger=Line(measure=Measure.CUSHION, value=D("0.30")),
            target=Line(measure=Measure.CUSHION, value=D("0.60")),
            caps=Caps(per_action={"USDT": D(100)}, per_position={"USDT": D(300)}, per_day={"USDT": D(500)}, actions_per_day=5),
            keep_free={"USDT": D(200)},
            cooldown=timedelta(seconds=90),
            not_beyond=NotBeyond(price=D(80000), loss=D("0.8")),
            partial=True,
            skip_rehearsal=True,
        ),
    )
    assert top_ups.account_caps == {"main": {"USDT": D(800)}}
    assert top_ups.able == {"main"}
    assert set(top_ups.grains) == {"binance", "bybit"}
    assert top_ups.grains["binance"]["USDT"].step > 0


def test_policy_is_off_and_careful_when_only_what_is_needed_is_written(tmp_path):
    (only,) = read(tmp_path, policy()).policies
    assert (only.mode, only.partial, only.skip_rehearsal, only.cooldown) == (Mode.OFF, False, False, timedelta(seconds=60))
    assert (only.step, only.keep_free, only.not_beyond, only.caps.actions_per_day) == ({}, {}, NotBeyond(), None)
    assert only.rehearsal == timedelta(hours=24)


def test_mode_off_needs_no_quotes(tmp_path):
    assert read(tmp_path, policy(mode="off")).policies[0].mode is Mode.OFF


def test_first_policy_that_matches_is_in_charge(tmp_path):
    second = policy(name="two", match='{symbol: "BTC/*", account: [main, test]}').removeprefix("top_ups:\n")
    top_ups = read(tmp_path, policy() + second)
    assert [
        found.name if (found := top_ups.policy_for(position_subject(key(symbol, side)))) else None
        for symbol, side in [("BTC/USDT:USDT", Side.LONG), ("BTC/USDT:USDT", Side.SHORT), ("ETH/USDT:USDT", Side.SHORT)]
    ] == ["one", "two", None]


def test_step_takes_the_place_of_a_target(tmp_path):
    (only,) = read(tmp_path, policy(target="", step="{USDT: 50}")).policies
    assert (only.target, only.step) == (None, {"USDT": D(50)})


@pytest.mark.parametrize(
    ("trigger", "target"),
    [
        ("{cushion: 75%}", "{cushion: 80%}"),
        ("{margin_usage: 60%}", "{margin_usage: 55%}"),
        ("{liquidation_distance: 5%}", "{liquidation_distance: 6%}"),
        ("{liquidation_distance: 50%}", "{cushion: 20%}"),
        ("{cushion: 0.1%}", "{margin_usage: 99.9%}"),
    ],
)
def test_trigger_and_target_may_be_of_any_figure_as_long_as_they_lie_apart(tmp_path, trigger, target):
    (only,) = read(tmp_path, policy(trigger=trigger, target=target)).policies
    assert only.target is not None


BETWEEN = "must lie between 0% and 100%, without these two"
ONE_OF = "name exactly one of cushion, margin_usage, liquidation_distance"
WOBBLE = "the trigger, or a wobble of the price costs an action"
COSTLY = "at most 80%: what lies above costs a multiple of the margin there is"
COUNT = "must be a whole number above 0, such as 5"
AMOUNT = "must be an amount above 0, such as 20, without the currency: that is the key"
BOUND = "a price belongs to one symbol and one side: name both in match"
EITHER = "give a target or a step: exactly one of the two"
NO_KEY = "auto needs a second key, one that may trade: none of the accounts it matches names its top_up_credentials"
CAPS_MISSING = "is missing: The most that may be added: per_action, per_position, per_day, and actions_per_day."
DAY_MISSING = "is missing: The most that this policy adds in any 24 hours, all positions together, such as {USDT: 500}."
BTC_LONG = '{symbol: "BTC/USDT:USDT", side: long}'


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"name": ""}, ["7: name: is missing: A name of your own, by which it is shown, paused and resumed."]),
        ({"match": ""}, ["7: match: is missing: Which positions: by account, exchange, symbol or side."]),
        ({"match": "{}"}, ["8: match: an empty match fits everything: name at least one of account, exchange, symbol, side"]),
        ({"match": "{accuont: main}"}, ["8: match.accuont: unknown key; did you mean account?"]),
        ({"match": "{account: mian}"}, ["8: match.account: there is no such account; did you mean main?"]),
        ({"mode": "autom"}, ["12: mode: must be one of off, dry_run, auto; did you mean auto?"]),
        ({"mode": "ask"}, ["12: mode: must be one of off, dry_run, auto"]),
        ({"trigger": "{cushoin: 30%}"}, ["9: trigger.cushoin: unknown key; did you mean cushion?"]),
        ({"trigger": "{}"}, [f"9: trigger: {ONE_OF}"]),
        ({"trigger": "{cushion: 30%, margin_usage: 60%}"}, [f"9: trigger: {ONE_OF}"]),
        ({"trigger": "{cushion: 30}"}, ["9: trigger.cushion: a share needs its %: write 30%"]),
        ({"trigger": "{cushion: 0%}"}, [f"9: trigger.cushion: {BETWEEN}"]),
        ({"trigger": "{margin_usage: 100%}"}, [f"9: trigger.margin_usage: {BETWEEN}"]),
        ({"target": "{cushion: 81%}"}, [f"10: target.cushion: {COSTLY}"]),
        ({"target": "{cushion: 30%}"}, [f"10: target.cushion: must lie at least 5% above {WOBBLE}"]),
        ({"target": "{cushion: 20%}"}, [f"10: target.cushion: must lie at least 5% above {WOBBLE}"]),
        ({"target": "{cushion: 34.9%}"}, [f"10: target.cushion: must lie at least 5% above {WOBBLE}"]),
        (
            {"trigger": "{margin_usage: 60%}", "target": "{margin_usage: 56%}"},
            [f"10: target.margin_usage: must lie at least 5% below {WOBBLE}"],
        ),
        (
            {"trigger": "{liquidation_distance: 5%}", "target": "{liquidation_distance: 5.9%}"},
            [f"10: target.liquidation_distance: must lie at least 1% above {WOBBLE}"],
        ),
        ({"target": ""}, [f"7: target: {EITHER}"]),
        ({"step": "{USDT: 50}"}, [f"10: target: {EITHER}"]),
        (
            {"target": "", "step": "{USDT: 101}"},
            ["11: step.USDT: more than caps.per_action: no such step would ever be made"],
        ),
        ({"target": "", "step": "{BTC: 1}"}, ["11: step.BTC: caps name no BTC: a position in it is never topped up"]),
        ({"keep_free": "{USDC: 1}"}, ["12: keep_free.USDC: caps name no USDC: a position in it is never topped up"]),
        ({"keep_free": "{usdt: 1}"}, ["12: keep_free.usdt: a currency is written in capitals, such as USDT"]),
        ({"keep_free": "{USDT: 0}"}, [f"12: keep_free.USDT: {AMOUNT}"]),
        ({"keep_free": "200"}, ["12: keep_free: must be a mapping of `name: ...` lines"]),
        ({"caps": ""}, [f"7: caps: {CAPS_MISSING}"]),
        (
            {"caps": "{per_action: {USDT: 100}, per_position: {USDT: 300}}"},
            [f"11: caps.per_day: {DAY_MISSING}"],
        ),
        (
            {"caps": "{per_action: {}, per_position: {}, per_day: {}}"},
            ["11: caps: name at least one coin: a position whose coin has no cap is never topped up"],
        ),
        (
            {"caps": "{per_action: {USDT: 1, BTC: 1}, per_position: {USDT: 1}, per_day: {BTC: 1}}"},
            [
                "11: caps.per_position: names no BTC: each coin needs all of per_action, per_position, per_day",
                "11: caps.per_day: names no USDT: each coin needs all of per_action, per_position, per_day",
            ],
        ),
        ({"caps": "{per_acton: {USDT: 1}, " + ALL_CAPS[1:]}, ["11: caps.per_acton: unknown key; did you mean per_action?"]),
        ({"caps": ALL_CAPS[:-1] + ", actions_per_day: 0}"}, [f"11: caps.actions_per_day: {COUNT}"]),
        ({"caps": ALL_CAPS[:-1] + ", actions_per_day: 2.5}"}, [f"11: caps.actions_per_day: {COUNT}"]),
        ({"cooldown": "60"}, ["12: cooldown: a duration needs its unit: write 60s for seconds (or ms, m, h, d)"]),
        ({"cooldown": "0s"}, ["12: cooldown: must be longer than nothing, such as 30s or 5m"]),
        ({"not_beyond": "{}"}, ["12: not_beyond: name price, loss or both; leave not_beyond out for no bound"]),
        ({"not_beyond": "{loss: 0%}"}, ["12: not_beyond.loss: must be above 0%: at 0% nothing would ever be added"]),
        ({"not_beyond": "{price: 0}", "match": BTC_LONG}, ["12: not_beyond.price: must be a price above 0, such as 80000"]),
        ({"not_beyond": "{price: 80000}"}, [f"12: not_beyond.price: {BOUND}"]),
        ({"not_beyond": "{price: 80000}", "match": '{symbol: "BTC/*", side: long}'}, [f"12: not_beyond.price: {BOUND}"]),
        ({"not_beyond": "{price: 80000}", "match": '{symbol: "BTC/USDT:USDT"}'}, [f"12: not_beyond.price: {BOUND}"]),
        (
            {"not_beyond": "{price: 80000}", "match": '{symbol: ["BTC/USDT:USDT", "BTC/USDC:USDC"], side: long}'},
            [f"12: not_beyond.price: {BOUND}"],
        ),
        ({"partial": "yes"}, ["12: partial: must be true or false"]),
        ({"skip_rehearsel": "true"}, ["12: skip_rehearsel: unknown key; did you mean skip_rehearsal?"]),
    ],
)
def test_policy_is_refused_with_its_line(tmp_path, changes, shown):
    """Each place is within the policy."""
    assert [one.replace("top_ups[0].", "", 1) for one in wrong(tmp_path, policy(**changes))] == shown


def test_price_bound_is_taken_for_one_symbol_and_side(tmp_path):
    (only,) = read(tmp_path, policy(match=BTC_LONG, not_beyond="{price: 0.00001234}")).policies
    assert only.not_beyond == NotBeyond(price=D("0.00001234"))


def test_two_policies_of_one_name_are_refused_at_the_second(tmp_path):
    again = policy().removeprefix("top_ups:\n")
    assert wrong(tmp_path, policy() + again) == ["12: top_ups[1].name: another policy has this name: each needs its own"]


@pytest.mark.parametrize("match", ["{account: test}", "{exchange: bybit}", "{account: t*, side: long}"])
def test_auto_is_refused_where_no_account_has_a_key_for_it(tmp_path, match):
    (shown,) = wrong(tmp_path, policy(match=match, mode="auto"))
    assert shown == f"12: top_ups[0].mode: {NO_KEY}"
    assert wrong(tmp_path, policy(match=match, mode="dry_run")) == []


@pytest.mark.parametrize("match", ["{account: [test, main]}", "{exchange: [binance]}", "{side: long}", '{symbol: "BTC/*"}'])
def test_auto_is_taken_where_some_account_has_a_key_for_it(tmp_path, match):
    assert read(tmp_path, policy(match=match, mode="auto")).policies[0].mode is Mode.AUTO


def test_policies_that_are_no_list_of_mappings_are_refused(tmp_path):
    assert wrong(tmp_path, "top_ups: {one: two}\n") == ["6: top_ups: must be a list"]
    assert wrong(tmp_path, "top_ups: [one]\n") == ["6: top_ups[0]: must be a mapping of `option: value` lines"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{mian: {per_day: {USDT: 1}}}", "6: top_up_account_caps.mian: there is no such account; did you mean main?"),
        ("{main: {per_day: {}}}", "6: top_up_account_caps.main.per_day: name at least one coin, such as {USDT: 800}"),
        (
            "{main: {per_day: {usdt: 1}}}",
            "6: top_up_account_caps.main.per_day.usdt: a currency is written in capitals, such as USDT",
        ),
        (
            "{main: {per_dya: {USDT: 1}, per_day: {USDT: 1}}}",
            "6: top_up_account_caps.main.per_dya: unknown key; did you mean per_day?",
        ),
    ],
)
def test_account_cap_is_refused_with_its_line(tmp_path, written, shown):
    assert wrong(tmp_path, f"top_up_account_caps: {written}\n") == [shown]


def test_secrets_of_the_second_key_are_read(tmp_path):
    whole = loaded(tmp_path, FILE, **TRADE)
    main, test = whole.settings.accounts["main"], whole.settings.accounts["test"]
    assert main.top_up_secret_names == {"api_key": "main_trade_api_key", "secret": "main_trade_secret"}
    assert test.top_up_secret_names == {}
    assert set(main.top_up_secret_names.values()) <= set(whole.secrets)


def test_missing_secret_of_the_second_key_is_told_at_its_line(tmp_path):
    environ = {name: value for name, value in TRADE.items() if name != "MARGINCALL_SECRET_MAIN_TRADE_SECRET"}
    (shown,) = problems(tmp_path, FILE, **environ)
    assert shown.startswith("config.yaml:2: accounts.main.top_up_credentials: the secret main_trade_secret is missing")


@pytest.mark.parametrize(
    "account", ["{exchange: binance, top_up_credentials: main}", "{exchange: binance, credentials: x, top_up_credentials: x}"]
)
def test_second_key_must_be_another_than_the_first(tmp_path, account):
    text = FILE.replace("{exchange: binance, top_up_credentials: main_trade}", account)
    environ = TRADE | {"MARGINCALL_SECRET_X_API_KEY": "x", "MARGINCALL_SECRET_X_SECRET": "x"}
    assert problems(tmp_path, text, **environ) == [
        "config.yaml:2: accounts.main.top_up_credentials: must name another key than credentials: the watch only needs to read"
    ]


def test_key_itself_in_place_of_its_name_is_refused_and_not_shown(tmp_path):
    text = FILE.replace("main_trade", CANARY)
    assert problems(tmp_path, text, **TRADE) == [
        "config.yaml:2: accounts.main.top_up_credentials: "
        + not_here("what looks like a key itself", "main_trade_api_key", "accounts.main.top_up_credentials: main_trade")
    ]


def test_mode_comes_from_the_environment_as_a_whole_list(tmp_path):
    lines = "name: one, match: {side: long}, mode: dry_run, trigger: {cushion: 30%}, target: {cushion: 60%}"
    listed = f"[{{{lines}, caps: {ALL_CAPS}}}]"
    (only,) = read(tmp_path, "", MARGINCALL_TOP_UPS=listed).policies
    assert only.mode is Mode.DRY_RUN


def test_block_of_the_readme_loads(tmp_path):
    block = README.partition("## Automatic margin\n")[2].partition("```yaml\n")[2].partition("```")[0]
    whole = loaded(tmp_path, block + "channels: {phone: {url_from: phone_url}}\n", **TRADE)
    top_ups = build_top_ups(whole)
    assert [one.mode for one in top_ups.policies] == [Mode.AUTO]
    assert top_ups.account_caps == {"main": {"USDT": D(800)}}


@pytest.mark.parametrize("option", sorted(set(TopUpSettings.model_fields) - {"name"}))
def test_every_option_of_a_policy_is_in_the_readme(option):
    assert f"| `{option}` |" in README
