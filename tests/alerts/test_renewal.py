"""The words about a configuration that was read again."""

from monitor.alerts.renewal import refused_text, reloaded_text
from monitor.alerts.wording import TITLE_WIDTH


def test_what_is_in_force_is_told_in_one_line():
    assert reloaded_text(["rule cushion changed", "channel phone added"], [], []) == (
        "margincall: configuration reloaded",
        "In force now: rule cushion changed, channel phone added.",
    )


def test_what_waits_for_a_restart_is_in_the_title_too():
    title, body = reloaded_text([], ["account test added", "store moved"], [])
    assert title == "margincall: configuration reloaded, part needs a restart"
    assert body.splitlines() == [
        "Nothing else is in force than before.",
        "As before until a restart: account test added, store moved.",
    ]


def test_messages_that_reach_nobody_are_named_the_first_ten_of_them():
    _, body = reloaded_text(["channel chat removed"], [], [f"alert {number}" for number in range(12)])
    lines = body.splitlines()
    assert lines[1] == "12 messages waited for a channel that was removed without a fallback:"
    assert lines[2:] == [*(f"alert {number}" for number in range(10)), "and 2 more"]


def test_refused_configuration_is_told_with_every_problem_and_what_to_do():
    title, body = refused_text(["config.yaml:3: channels: oops"])
    assert len(title) <= TITLE_WIDTH
    assert body.splitlines()[1] == "config.yaml:3: channels: oops"
    assert "stays in force" in body
    assert body.splitlines()[-1].startswith("Mend the file and reload again")
