from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.alerts.matching import Matcher
from monitor.alerts.routing import Route
from monitor.config import discipline
from monitor.lives.event import EventKind
from monitor.policy import Override
from monitor.rules import discover
from monitor.rules.cushion import Cushion
from monitor.rules.data_stale import DataStale
from tests.config.files import desk, desk_problems

KINDS = ", ".join(sorted(discover()))
TOLD = ", ".join(sorted({*discover(), *EventKind, "top_up", "meanwhile"}))


def routes(folder, more: str, **environ: str) -> list[Route]:
    return list(discipline.routing(desk(folder, more, **environ).settings).routes)


def overrides(folder, more: str, **environ: str) -> list[Override]:
    return list(discipline.overrides(desk(folder, more, **environ).settings))


def test_routes_and_overrides_are_none_when_they_are_left_out_or_empty(tmp_path):
    for more in ("", "routes:\noverrides:\nescalation:\n", "routes: []\noverrides: []\n"):
        assert routes(tmp_path, more) == overrides(tmp_path, more) == []


def test_route_matches_by_every_key_as_a_text_or_a_list(tmp_path):
    assert routes(
        tmp_path,
        "routes:\n"
        "  - {match: {account: test}, channels: [chat]}\n"
        "  - match: {account: [main, 't?st'], exchange: binance, symbol: [DOGE/USDT:USDT, '*/USDC:*'],\n"
        "            side: long, rule: cushion}\n"
        "    channels: [partner, chat]\n",
    ) == [
        Route(match=Matcher(account=("test",)), channels=("chat",)),
        Route(
            match=Matcher(
                account=("main", "t?st"),
                exchange=("binance",),
                symbol=("DOGE/USDT:USDT", "*/USDC:*"),
                side=("long",),
                rule=("cushion",),
            ),
            channels=("partner", "chat"),
        ),
    ]


def test_routes_of_the_environment_replace_those_of_the_file(tmp_path):
    text = "routes: [{match: {account: main}, channels: [chat]}, {match: {account: test}, channels: [chat]}]\n"
    assert routes(tmp_path, text, MARGINCALL_ROUTES='[{"match": {"side": "short"}, "channels": ["phone"]}]') == [
        Route(match=Matcher(side=("short",)), channels=("phone",))
    ]


def test_override_replaces_only_the_kinds_it_names_over_the_rules_in_force(tmp_path):
    text = (
        "rules:\n"
        "  - {kind: cushion, warning: 55%}\n"
        "  - {kind: margin_ratio, critical: 2x}\n"
        "overrides:\n"
        "  - {match: {symbol: 'DOGE/USDT:USDT'}, rules: [{kind: cushion, warning: 70%}, {kind: margin_ratio, off: true}]}\n"
        "  - {match: {account: test}, rules: [{kind: data_stale, after: 5m}, {kind: margin_usage, off: true}]}\n"
    )
    everywhere = {rule.KIND: rule for rule in desk(tmp_path, text).rules}
    assert everywhere["cushion"] == Cushion(warning=Decimal("0.55"))
    doge, test = overrides(tmp_path, text)
    assert doge.match == Matcher(symbol=("DOGE/USDT:USDT",))
    of_doge = everywhere | {"cushion": Cushion(warning=Decimal("0.7"))}
    del of_doge["margin_ratio"]
    assert {rule.KIND: rule for rule in doge.rules} == of_doge
    assert test.match == Matcher(account=("test",))
    of_test = everywhere | {"data_stale": DataStale(after=timedelta(minutes=5))}
    del of_test["margin_usage"]
    assert {rule.KIND: rule for rule in test.rules} == of_test


def test_override_may_bring_back_a_kind_that_is_off_everywhere_else(tmp_path):
    text = "rules: [{kind: cushion, off: true}]\noverrides: [{match: {side: short}, rules: [{kind: cushion}]}]\n"
    (short,) = overrides(tmp_path, text)
    assert Cushion() in short.rules
    assert Cushion() not in desk(tmp_path, text).rules


EMPTY = "an empty match fits everything: name at least one of account, exchange, symbol, side"
SETTLED = "a symbol is written with its settle currency, such as DOGE/USDT:USDT, or as a pattern such as DOGE/*"


@pytest.mark.parametrize(
    ("match", "shown"),
    [
        ("{}", [f": {EMPTY}, rule"]),
        ("[]", [": must be a mapping of `option: value` lines"]),
        ("null", [": must be a mapping of `option: value` lines"]),
        ("{acount: main}", [".acount: unknown key; did you mean account?"]),
        ("{code: K7Q2}", [".code: unknown key; known here: account, exchange, symbol, side, rule"]),
        ("{account: null}", [".account: must be a text or a list of texts"]),
        ("{account: {a: b}}", [".account: must be a text or a list of texts"]),
        ("{account: []}", [".account: name at least one, or leave the key out"]),
        ("{account: ''}", [".account: must be a text; put quotes around one that begins with * or ?"]),
        ("{symbol: [?BTC]}", [".symbol[0]: must be a text; put quotes around one that begins with * or ?"]),
        ("{symbol: '[BD]*'}", [".symbol: only * (anything) and ? (any one character) are patterns"]),
        ("{symbol: doge/*}", [".symbol: a symbol is written in capitals, such as DOGE/USDT:USDT"]),
        ("{symbol: DOGEUSDT}", [f".symbol: {SETTLED}"]),
        ("{symbol: [BTC*, DOGE/USDT]}", [f".symbol[1]: {SETTLED}"]),
        ("{side: lng}", [".side: must be one of long, short; did you mean long?"]),
        ("{exchange: OKEX}", [".exchange: must be one of binance, bybit, okx; did you mean okx?"]),
        ("{rule: [cushion, cushin]}", [f".rule[1]: must be one of {TOLD}; did you mean cushion?"]),
        ("{side: up, account: tset, exchange: x}",
         [".account: there is no such account; did you mean test?", ".exchange: must be one of binance, bybit, okx",
          ".side: must be one of long, short"]),
        ("{account: [main, zzz]}", [".account[1]: there is no such account; there are: main, test"]),
    ],
)  # fmt: skip
def test_match_is_refused_with_its_line_when_it_is_wrong(tmp_path, match, shown):
    found = desk_problems(tmp_path, f"routes:\n  - {{match: {match}, channels: [chat]}}\n")
    assert found == [f"9: routes[0].match{line}" for line in shown]


def test_account_of_a_match_may_be_a_pattern_that_fits_none_yet(tmp_path):
    assert desk_problems(tmp_path, "routes: [{match: {account: [later*, '*']}, channels: [chat]}]\n") == []


@pytest.mark.parametrize(
    ("override", "shown"),
    [
        ("{match: {rule: cushion}, rules: [{kind: cushion}]}",
         [".match.rule: unknown key; known here: account, exchange, symbol, side"]),
        ("{match: {}, rules: [{kind: cushion}]}", [f".match: {EMPTY}"]),
        ("{match: {account: tset}, rules: [{kind: cushion}]}", [".match.account: there is no such account; did you mean test?"]),
        ("{match: {account: test}}", [".rules: is missing: Their rules; the list replaces only the kinds it names."]),
        ("{match: {account: test}, rules: []}", [".rules: name at least one rule: without any, nothing is different there"]),
        ("{match: {account: test}, rules: {kind: cushion}}", [".rules: must be a list"]),
        ("{match: {account: test}, rules: [cushion]}",
         [".rules[0]: must be a mapping such as {kind: cushion, warning: 60%}"]),
        ("{match: {account: test}, rules: [{kind: cushin}]}", [f".rules[0].kind: must be one of {KINDS}; did you mean cushion?"]),
        ("{match: {account: test}, rules: [{kind: cushion, within: {warnin: 5%}}]}",
         [".rules[0].within.warnin: unknown key; did you mean warning?"]),
        ("{match: {account: test}, rules: [{kind: cushion, warnin: 5%}]}",
         [".rules[0].warnin: unknown key; did you mean warning?"]),
        ("{match: {account: test}, rules: [{kind: cushion, warning: 70}]}",
         [".rules[0].warning: a share needs its %: write 70%"]),
        ("{match: {account: test}, rules: [{kind: cushion, warning: 30%}]}",
         [".rules[0]: cushion: the critical line must lie below the warning line"]),
        ("{match: {account: test}, rules: [{kind: cushion}, {kind: cushion, off: true}]}",
         [".rules[1].kind: the same kind as in overrides[0].rules[0]; put both into one entry"]),
        ("{match: {symbol: BTC*}, rules: [{kind: not_guarded, off: true}, {kind: data_stale, off: true}]}",
         [".rules[1].kind: data_stale looks at whole accounts: match it by account or exchange alone"]),
        ("{match: {side: long, account: test}, rules: [{kind: data_stale}]}",
         [".rules[0].kind: data_stale looks at whole accounts: match it by account or exchange alone"]),
        ("DOGE", [": must be a mapping of `option: value` lines"]),
    ],
)  # fmt: skip
def test_override_is_refused_with_its_line_when_it_is_wrong(tmp_path, override, shown):
    assert desk_problems(tmp_path, f"overrides:\n  - {override}\n") == [f"9: overrides[0]{line}" for line in shown]


@pytest.mark.parametrize("kind", [kind for kind, rule in discover().items() if rule.SCOPE.value == "channel"])
def test_override_is_refused_when_its_rule_looks_at_channels(tmp_path, kind):
    assert desk_problems(tmp_path, f"overrides: [{{match: {{account: '*'}}, rules: [{{kind: {kind}}}]}}]\n") == [
        f"8: overrides[0].rules[0].kind: {kind} looks at no position or account: set it in the list of all rules"
    ]


def test_route_is_refused_when_something_of_it_is_missing(tmp_path):
    assert desk_problems(tmp_path, "routes:\n  - {match: {side: long}}\n  - {channels: [chat]}\n  - {to: [chat]}\n") == [
        "9: routes[0].channels: is missing: Who hears of them, in place of their level's channels.",
        "10: routes[1].match: is missing: Which alerts: by account, exchange, symbol, side or rule.",
        "11: routes[2].match: is missing: Which alerts: by account, exchange, symbol, side or rule.",
        "11: routes[2].channels: is missing: Who hears of them, in place of their level's channels.",
        "11: routes[2].to: unknown key; known here: match, channels",
    ]
    assert desk_problems(tmp_path, "routes: {match: {side: long}}\n") == ["8: routes: must be a list"]


@pytest.mark.parametrize("symbol", ["*/USDT:USDT", "*", "*USDT"])
def test_pattern_without_quotes_is_explained_when_yaml_takes_it_for_an_alias(tmp_path, symbol):
    assert desk_problems(tmp_path, f"routes: [{{match: {{symbol: {symbol}}}, channels: [chat]}}]\n") == [
        "8: not YAML: a text that begins with * must stand in quotes"
    ]
