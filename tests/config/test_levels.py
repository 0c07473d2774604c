from datetime import timedelta

import pytest

from monitor.alerts.lifecycle import RepeatStep
from monitor.alerts.routing import LevelPolicy
from monitor.config import discipline
from monitor.rules.base import Level
from tests.config.files import SMALLEST, desk, desk_problems, loaded


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


HALF_HOURLY = (RepeatStep(every=minutes(30)),)
SLOWING = (
    RepeatStep(every=minutes(1), until=minutes(10)),
    RepeatStep(every=minutes(5), until=minutes(60)),
    RepeatStep(every=minutes(30)),
)
STANDARD = {
    Level.INFO: LevelPolicy(channels=("chat",), repeats=(), passes_quiet=False),
    Level.WARNING: LevelPolicy(channels=("chat",), repeats=HALF_HOURLY, passes_quiet=False),
    Level.CRITICAL: LevelPolicy(channels=("phone", "chat"), repeats=(RepeatStep(every=minutes(5)),), passes_quiet=True),
    Level.EMERGENCY: LevelPolicy(channels=("phone", "chat"), repeats=SLOWING, passes_quiet=True),
}


def levels(folder, more: str = "", **environ: str) -> dict[Level, LevelPolicy]:
    return dict(discipline.routing(desk(folder, more, **environ).settings).levels)


def test_levels_are_told_by_the_defaults_when_nothing_is_written(tmp_path):
    assert levels(tmp_path) == STANDARD
    assert discipline.routing(desk(tmp_path, "").settings).everyone == ("phone", "chat", "partner")


def test_levels_are_the_defaults_when_the_defaults_are_written_out(tmp_path):
    written = (
        "levels:\n"
        "  info: {channels: [chat], repeat: never, quiet_hours: hold}\n"
        "  warning: {channels: [chat], repeat: 30m, quiet_hours: hold}\n"
        "  critical: {channels: [phone, chat], repeat: 5m, quiet_hours: pass}\n"
        "  emergency: {channels: [phone, chat], repeat: [1m for 10m, 5m for 1h, 30m], quiet_hours: pass}\n"
    )
    assert levels(tmp_path, written) == STANDARD


def test_level_keeps_what_is_not_written_when_one_option_of_it_is(tmp_path):
    changed = levels(tmp_path, "levels: {warning: {channels: [partner]}, critical: {repeat: never}, info: {quiet_hours: pass}}\n")
    assert changed[Level.WARNING] == LevelPolicy(channels=("partner",), repeats=HALF_HOURLY, passes_quiet=False)
    assert changed[Level.CRITICAL] == LevelPolicy(channels=("phone", "chat"), repeats=(), passes_quiet=True)
    assert changed[Level.INFO] == LevelPolicy(channels=("chat",), repeats=(), passes_quiet=True)
    assert changed[Level.EMERGENCY] == STANDARD[Level.EMERGENCY]


def test_level_comes_from_both_layers_when_the_environment_sets_an_option_of_it(tmp_path):
    changed = levels(
        tmp_path,
        "levels: {warning: {quiet_hours: pass, repeat: 1h}}\n",
        MARGINCALL_LEVELS__WARNING__REPEAT="[10s for 1m, 2m]",
        MARGINCALL_LEVELS__WARNING__CHANNELS="[phone]",
    )
    ladder = (RepeatStep(every=timedelta(seconds=10), until=minutes(1)), RepeatStep(every=minutes(2)))
    assert changed[Level.WARNING] == LevelPolicy(channels=("phone",), repeats=ladder, passes_quiet=True)


@pytest.mark.parametrize(
    ("channels", "warning", "critical"),
    [
        (["phone"], ("phone",), ("phone",)),
        (["chat"], ("chat",), ("chat",)),
        (["telegram"], ("telegram",), ("telegram",)),
        (["telegram", "mail"], ("telegram", "mail"), ("telegram", "mail")),
        (["mail", "phone"], ("mail", "phone"), ("mail", "phone")),
        (["mail", "chat"], ("chat",), ("mail", "chat")),
        (["chat", "phone"], ("chat",), ("phone", "chat")),
        (["chat", "phone", "mail"], ("chat",), ("phone", "chat")),
    ],
)
def test_channels_that_there_are_stand_in_when_a_default_names_others(tmp_path, channels, warning, critical):
    text = (
        SMALLEST.partition("channels:")[0] + "channels:\n" + "".join(f"  {name}: {{url_from: phone_url}}\n" for name in channels)
    )
    policies = discipline.routing(loaded(tmp_path, text).settings).levels
    assert policies[Level.INFO].channels == policies[Level.WARNING].channels == warning
    assert policies[Level.CRITICAL].channels == policies[Level.EMERGENCY].channels == critical


@pytest.mark.parametrize(
    ("channels", "more", "everyone"),
    [
        ("phone: {url_from: phone_url}, partner: {url_from: phone_url}", "escalation: [STEP]", ("phone",)),
        ("phone: {url_from: phone_url, fallback: partner}, partner: {url_from: phone_url}", "", ("phone",)),
        ("mail: {url_from: phone_url, fallback: phone}, phone: {url_from: phone_url}", "", ("mail", "phone")),
        ("partner: {url_from: phone_url}", "escalation: [STEP]", ("partner",)),
    ],
)
def test_channel_with_another_task_stands_in_for_none_unless_it_is_the_only_one(tmp_path, channels, more, everyone):
    step = "{after: 2m, level: emergency, channels: [partner]}"
    text = SMALLEST.partition("channels:")[0] + f"channels: {{{channels}}}\n{more.replace('STEP', step)}\n"
    policies = discipline.routing(loaded(tmp_path, text).settings).levels
    assert {policies[level].channels for level in (Level.CRITICAL, Level.EMERGENCY)} == {everyone}


@pytest.mark.parametrize(
    ("written", "ladder"),
    [
        ("never", ()),
        ("30m", HALF_HOURLY),
        ("[30m]", HALF_HOURLY),
        ("[1m for 10m, 5m for 1h, 30m]", SLOWING),
        ("['1m  for  10m', 5m for 60m, 1800s]", SLOWING),
        ("[1m for 10m, never]", SLOWING[:1]),
        ("1s", (RepeatStep(every=timedelta(seconds=1)),)),
    ],
)
def test_repeats_are_a_ladder_however_they_are_written(tmp_path, written, ladder):
    assert levels(tmp_path, f"levels: {{info: {{repeat: {written}}}}}\n")[Level.INFO].repeats == ladder


WHAT = "must be a duration such as 30m, never, or a list such as [1m for 10m, 5m for 1h, 30m]"
LAST = "the last step holds for as long as the alert lasts: leave out its `for`, or let a step `never` follow"
NOT_LAST = "every step but the last says up to which age it holds, such as 1m for 10m"
SHORTER = "`for` is the alert's whole age up to which the step holds: longer than that of the step before"


@pytest.mark.parametrize(
    ("option", "shown"),
    [
        ("repeat: 30", [".repeat: a duration needs its unit: write 30s for seconds (or ms, m, h, d)"]),
        ("repeat: often", [".repeat: must be a duration such as 30s or 5m"]),
        ("repeat: null", [f".repeat: {WHAT}"]),
        ("repeat: true", [f".repeat: {WHAT}"]),
        ("repeat: []", [".repeat: name at least one step, or write never"]),
        ("repeat: {every: 1m}", [f".repeat: {WHAT}"]),
        ("repeat: 1m for 10m", [f".repeat: {LAST}"]),
        ("repeat: 500ms", [".repeat: a repeat comes at least 1s after the last message; write never for none"]),
        ("repeat: [1m, 30m]", [f".repeat[0]: {NOT_LAST}"]),
        ("repeat: [never for 1h, 30m]", [".repeat[0]: never can only be the last step"]),
        ("repeat: [1m for 10m, 5m for 10m, 30m]", [f".repeat[1]: {SHORTER}"]),
        ("repeat: [1m for 0s, 30m]", [f".repeat[0]: {SHORTER}"]),
        ("repeat: [1m for ever, 5m for 1, null, 30m for 1h]",
         [".repeat[0]: must be a duration such as 30s or 5m",
          ".repeat[1]: a duration needs its unit: write 1s for seconds (or ms, m, h, d)", f".repeat[2]: {WHAT}",
          f".repeat[3]: {LAST}"]),
        ("quiet_hours: holds", [".quiet_hours: must be one of hold, pass; did you mean hold?"]),
        ("quiet_hours: true", [".quiet_hours: must be one of hold, pass"]),
        ("channels: chat", [".channels: must be a list"]),
        ("channels: []", [".channels: name at least one channel, each once"]),
        ("channels: [chat, chat]", [".channels: name at least one channel, each once"]),
        ("channels: [Chat]", [".channels[0]: a name is lower-case letters, digits and _, and begins with a letter"]),
        ("chanels: [chat]", [".chanels: unknown key; did you mean channels?"]),
        ("x: 1", [".x: unknown key; known here: channels, repeat, quiet_hours"]),
    ],
)  # fmt: skip
def test_level_is_refused_with_its_line_when_an_option_is_wrong(tmp_path, option, shown):
    assert desk_problems(tmp_path, f"levels:\n  warning: {{{option}}}\n") == [f"9: levels.warning{line}" for line in shown]


def test_level_is_refused_when_there_is_none_of_that_name(tmp_path):
    assert desk_problems(tmp_path, "levels: {warn: {repeat: 1h}, warning: chat}\n") == [
        "8: levels.warning: must be a mapping of `option: value` lines",
        "8: levels.warn: unknown key; did you mean warning?",
    ]
