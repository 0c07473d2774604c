import dataclasses
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from monitor.alerts.lifecycle import ACK_LAPSES
from monitor.config import ChannelSettings, Poll, Settings, discipline, load
from monitor.config.exchanges import exchanges
from monitor.config.levels import DEFAULTS, LevelSettings, LevelsSettings
from monitor.config.matches import Match, OverrideSettings, RouteMatch, RouteSettings
from monitor.config.telling import DigestSettings, EscalationSettings, HeartbeatSettings, IgnoreSettings, QuietHoursSettings
from monitor.config.top_ups import AccountCapsSettings, CapsSettings, LineSettings, NotBeyondSettings, TopUpSettings
from monitor.config.web import WebSettings
from monitor.lives.event import LEVELS
from monitor.rules import discover
from tests.config.files import desk, loaded

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
SECRETS = {
    f"MARGINCALL_SECRET_{name}": "x"
    for name in (
        "MAIN_API_KEY", "MAIN_SECRET", "MAIN_TRADE_API_KEY", "MAIN_TRADE_SECRET",
        "SECOND_API_KEY", "SECOND_SECRET", "THIRD_API_KEY", "THIRD_SECRET", "THIRD_PASSPHRASE",
    )
} | {f"MARGINCALL_SECRET_{name}_URL": "https://x/y" for name in ("PHONE", "CHAT", "PARTNER", "HEARTBEAT")}  # fmt: skip
SECRETS["MARGINCALL_SECRET_WEB_TOKEN"] = "x" * 32

MODELS: list[type[BaseModel]] = [
    Settings, ChannelSettings, Poll, LevelsSettings, LevelSettings, QuietHoursSettings, EscalationSettings, RouteSettings,
    RouteMatch, OverrideSettings, Match, IgnoreSettings, HeartbeatSettings, DigestSettings, WebSettings,
    TopUpSettings, LineSettings, CapsSettings, NotBeyondSettings, AccountCapsSettings, *exchanges().values(),
]  # fmt: skip


def uncommented() -> str:
    """The example with every optional line in force (what is prose begins with a capital letter, or holds no option)."""
    head, start, body = EXAMPLE.read_text().partition("\naccounts:\n")
    return head + start + re.sub(r"(?m)^( *)# ( *(?:- )?(?:\{(?:kind|match|after): .*|[a-z_]+:(?: .*)?))$", r"\1\2", body)


def test_example_loads_as_it_is():
    whole = load(EXAMPLE, environ=SECRETS)
    assert [account.exchange for account in whole.settings.accounts.values()] == ["binance"]


def test_example_loads_with_every_option_in_force(tmp_path):
    whole = loaded(tmp_path, uncommented(), **SECRETS)
    assert {account.exchange for account in whole.settings.accounts.values()} == set(exchanges())
    assert {rule.KIND for rule in whole.rules} == set(discover())
    assert whole.settings.model_fields_set == set(Settings.model_fields)


def test_example_shows_the_defaults_when_it_names_the_default_rules(tmp_path):
    shown = {rule.KIND: rule for rule in loaded(tmp_path, uncommented(), **SECRETS).rules}
    for kind, rule in discover().items():
        if rule.DEFAULT:
            assert shown[kind] == rule()


def test_example_shows_the_defaults_of_the_levels(tmp_path):
    shown = loaded(tmp_path, uncommented(), **SECRETS).settings
    assert discipline.routing(shown).levels == DEFAULTS
    assert shown.ack_lapses_after == ACK_LAPSES


def test_example_shows_the_defaults_of_the_events(tmp_path):
    shown = loaded(tmp_path, uncommented(), **SECRETS).settings.events.levels()
    assert shown == {kind: level for kind, level in LEVELS.items() if level is not None}


def test_smallest_file_of_the_example_loads(tmp_path):
    head = EXAMPLE.read_text().partition("# It is looked for")[0]
    smallest = "\n".join(line.removeprefix("#   ") for line in head.splitlines() if line.startswith("#   "))
    assert loaded(tmp_path, smallest, **SECRETS).settings.channels["phone"].url_from == "phone_url"


def options() -> list[str]:
    names = {field.alias or name for model in MODELS for name, field in model.model_fields.items()}
    rules = {field.name for rule in discover().values() for field in dataclasses.fields(rule)}
    return sorted(names | rules | {"off"} | set(discover()) | set(exchanges()))


@pytest.mark.parametrize("option", options())
def test_example_has_every_option(option):
    assert re.search(rf"\b{option}\b", EXAMPLE.read_text())


@pytest.mark.parametrize("model", MODELS)
def test_every_setting_is_explained_by_its_docstring(model):
    assert all(field.description for field in model.model_fields.values())


def test_block_of_the_readme_loads_and_shows_the_defaults(tmp_path):
    section = (EXAMPLE.parent / "README.md").read_text().partition("## Who hears of what, and when\n")[2]
    block = section.partition("```yaml\n")[2].partition("```")[0]
    settings = desk(tmp_path, block).settings
    assert discipline.routing(settings).levels == DEFAULTS
    assert settings.ack_lapses_after == ACK_LAPSES
    assert settings.model_fields_set - {"accounts", "channels"} == {
        line.partition(":")[0] for line in block.splitlines()[1:] if line[0] != " "
    } | {"levels"}
