"""The runbook has an entry for whatever may wake somebody, and for nothing that does not exist."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from monitor.alerts.model import NotifyReason
from monitor.cli import app, register_all
from monitor.lives.event import EventKind
from monitor.rules import discover
from monitor.topups.refusal import RefusalReason
from monitor.topups.wording import _ENDS

ROOT = Path(__file__).parents[1]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
LOUD = {"error", "exception", "critical", "fatal"}
SILENT = {NotifyReason.FIRST, NotifyReason.EVENT}
"""Any message may be the first of its kind; an event has a kind, or words, of its own."""


def sources(holding: str) -> Iterator[ast.Module]:
    """The modules whose text holds something like that, parsed."""
    texts = (path.read_text() for path in sorted((ROOT / "monitor").rglob("*.py")))
    return (ast.parse(text) for text in texts if re.search(holding, text))


def text_of(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def is_loud(node: ast.expr) -> bool:
    """``log.error``, ``get_logger(...).exception``, ``log.debug if told else log.error``."""
    if isinstance(node, ast.IfExp):
        return is_loud(node.body) or is_loud(node.orelse)
    return isinstance(node, ast.Attribute) and node.attr in LOUD and "log" in ast.unparse(node.value)


def error_events(tree: ast.Module) -> Iterator[str]:
    """The names of all that one module logs as an error; fails where a name cannot be told from the source."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        aliases = {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and is_loud(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(function):
            if not isinstance(call, ast.Call):
                continue
            if is_loud(call.func) or (isinstance(call.func, ast.Name) and call.func.id in aliases):
                yield from events_of(call, function, tree)


def events_of(call: ast.Call, function: ast.FunctionDef | ast.AsyncFunctionDef, tree: ast.Module) -> Iterator[str]:
    """The name in the call itself, or those that the callers of its function hand to it."""
    name = text_of(call.args[0])
    if name is not None:
        yield name
        return
    given = [one.arg for one in function.args.args if one.arg != "self"]
    assert isinstance(call.args[0], ast.Name), ast.unparse(call)
    assert call.args[0].id in given, ast.unparse(call)
    place = given.index(call.args[0].id)
    for other in ast.walk(tree):
        if isinstance(other, ast.Call) and ast.unparse(other.func).rpartition(".")[2] == function.name:
            handed = text_of(other.args[place])
            assert handed is not None, ast.unparse(other)
            yield handed


def all_error_events() -> set[str]:
    return {name for tree in sources(rf"\.({'|'.join(LOUD)})\b") for name in error_events(tree)}


def topics() -> set[str]:
    """What messages in plain ``Words`` are about, as far as it is written where they are made."""
    found = set()
    for tree in sources(r"\bWords\("):
        constants = {
            target.id: value
            for node in tree.body
            if isinstance(node, ast.Assign) and (value := text_of(node.value)) is not None
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "Words":
                topic = next(word.value for word in call.keywords if word.arg == "topic")
                name = constants.get(topic.id) if isinstance(topic, ast.Name) else text_of(topic)
                if name is not None:
                    found.add(name)
                else:
                    assert ast.unparse(topic).endswith(".value"), (
                        f"a topic of which nobody knows what it may be: {ast.unparse(call)}"
                    )
    return found


def told_states() -> set[str]:
    """The states of a margin change that are told."""
    return {state.value for state in _ENDS}


def own_messages() -> set[str]:
    """Messages about margincall itself: each has its words in a function ``<name>_text`` of a title and a body."""
    return {
        node.name.removesuffix("_text")
        for tree in sources(r"_text\(")
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and node.name.endswith("_text")
        and node.returns is not None
        and ast.unparse(node.returns).startswith("tuple[str, str")
    }


def prometheus() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((ROOT / "docs" / "prometheus.rules.yaml").read_text())["groups"]
    return list(group["rules"])


KNOWN = {
    "a rule": set(discover()),
    "an event": {kind.value for kind in EventKind},
    "a reason to speak": {why.value for why in NotifyReason if why not in SILENT},
    "a refusal": {reason.value for reason in RefusalReason},
    "a state of a margin change": told_states(),
    "a topic": topics(),
    "a message of its own": own_messages(),
    "an error in the log": all_error_events(),
}
EXISTING = set().union(*KNOWN.values()) | {str(rule["alert"]) for rule in prometheus()}
HEADINGS = re.findall(r"^### (.+)$", RUNBOOK, re.MULTILINE)
NAMED = [name for heading in HEADINGS for name in re.findall(r"`([^`]+)`", heading)]


ANCHORS = re.findall(r'^<a id="([^"]+)"></a>$', RUNBOOK, re.MULTILINE)


@pytest.mark.parametrize("what", KNOWN)
def test_everything_that_is_told_or_logged_as_an_error_has_an_entry(what):
    assert KNOWN[what]
    assert KNOWN[what] - set(NAMED) == set()


def test_every_entry_is_about_something_that_exists():
    assert [name for name in NAMED if name not in EXISTING] == []


def test_nothing_has_two_entries():
    assert [name for name, times in Counter(NAMED).items() if times > 1] == []


def test_every_entry_says_what_it_means_what_to_do_and_what_margincall_does_meanwhile():
    for entry in re.split(r"^### ", RUNBOOK, flags=re.MULTILINE)[1:]:
        heading, _, text = re.split(r"^(?:## |<a )", entry, flags=re.MULTILINE)[0].partition("\n")
        parts = [part for part in ("**Look:**", "**Do:**", "**Meanwhile:**") if part not in text]
        assert not parts, f"{heading}: {parts}"
        assert text.strip().partition("**Look:**")[0].strip(), f"{heading} does not say what it means"


def test_every_entry_has_an_anchor_that_is_its_first_name():
    first = [re.findall(r"`([^`]+)`", heading)[0].lower() for heading in HEADINGS]
    assert re.findall(r'^<a id="([^"]+)"></a>\n### ', RUNBOOK, re.MULTILINE) == first
    assert [name for name, times in Counter(ANCHORS).items() if times > 1] == []


def test_every_entry_is_in_the_table_of_contents_and_every_link_leads_somewhere():
    links = re.findall(r"\]\(#([^)]+)\)", RUNBOOK)
    contents = re.findall(r"\]\(#([^)]+)\)", RUNBOOK.partition("\n### ")[0])
    assert set(links) - set(ANCHORS) == set()
    assert set(ANCHORS) - set(contents) == set()


def test_whatever_points_into_the_runbook_points_at_an_entry():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    pointed = {anchor for path in documents for anchor in re.findall(r"runbook\.md#([\w.-]+)", path.read_text())}
    assert pointed
    assert pointed - set(ANCHORS) == set()


def commands() -> list[str]:
    """What the runbook tells to type, in the text and in its block of commands."""
    inline = re.findall(r"`margincall\s+([a-z][^`]*)`", RUNBOOK)
    (typed,) = re.findall(r"```sh\n(.*?)```", RUNBOOK, re.DOTALL)
    block = re.findall(r"^margincall ([^#\n]+)", typed, re.MULTILINE)
    return sorted({" ".join(line.split()) for line in inline + block})


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_runbook_exists(line):
    register_all()
    verb, *rest = line.split()
    command: Any = vars(get_command(app))["commands"][verb]
    if hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in rest if word.startswith("-")} <= options


@pytest.mark.parametrize("rule", prometheus(), ids=lambda rule: str(rule["alert"]))
def test_every_prometheus_alert_leads_to_an_entry_that_exists(rule):
    file, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert (ROOT / file).name == "runbook.md"
    assert anchor in ANCHORS


def test_a_name_that_the_source_hides_behind_a_variable_is_found():
    tree = ast.parse(
        "def look(store):\n"
        "    tell = log.debug if store else log.error\n"
        "    tell('store.is_sad', why=1)\n"
        "def said(self, event):\n"
        "    log.error(event)\n"
        "def caller():\n"
        "    said('caller.fell')\n"
        "    (log.error if 1 else log.info)('either.way')\n"
        "    log.warning('not.loud')\n"
    )
    assert set(error_events(tree)) == {"store.is_sad", "caller.fell", "either.way"}
