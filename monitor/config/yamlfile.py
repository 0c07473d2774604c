"""Read YAML so that nothing passes silently, and remember the line of every path.

PyYAML alone lets the last of two equal keys win, reads ``yes``, ``on`` and ``off`` as booleans (``{off: true}`` would get the
key ``False``) and ``12:30:00`` as a number. Here only ``true`` and ``false`` are booleans, every other scalar stays the text
that was written (numbers too, so that no digit is lost), and duplicate keys, tags and merge keys are problems. No message
shows a value: it may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from monitor.config.suggest import dotted
from monitor.errors import ConfigError, Problem

KeyPath = tuple[str | int, ...]

MAX_BYTES = 1 << 20
MAX_DEPTH = 40
MAX_NODES = 20_000
"""More than any real configuration; aliases can make a small file into an endless one."""

_TAG = "tag:yaml.org,2002:"
_PLAIN_WORDS = (
    ("mapping values are not allowed", "a second ': ' in one entry; indent it or put quotes around the text"),
    ("cannot start any token", "a character that cannot stand here (a tab, @, % or `); indent with spaces, or use quotes"),
    ("could not find expected ':'", "this line is not `key: value`"),
    ("found undefined alias", "a text that begins with * must stand in quotes"),
    ("while scanning an alias", "a text that begins with * must stand in quotes"),
    ("found duplicate anchor", "the same anchor (&) twice"),
    ("expected a single document", "more than one document (---) in one file"),
    ("end of stream", "a quote or bracket is not closed"),
    ("expected <block end>", "the indentation does not fit the lines above"),
    ("expected ',' or", "a bracket is not closed, or a comma is missing"),
)


class _PlainLoader(yaml.SafeLoader):
    """Resolves ``true``, ``false`` and nulls; everything else is text."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  the base class declares it


_PlainLoader.add_implicit_resolver(f"{_TAG}bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_PlainLoader.add_implicit_resolver(f"{_TAG}null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A YAML text as plain values (dict, list, str, bool, None), the line of every path in it, and what is wrong with it."""

    file: str
    tree: object
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def read_file(path: Path) -> Document:
    """The document in ``path``; raises ConfigError when it cannot be read or is not YAML at all."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise _refuse(str(path), None, f"cannot read it: {reason}") from error
    if len(raw) > MAX_BYTES:
        raise _refuse(str(path), None, "too large for a configuration file (more than 1 MiB)")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refuse(str(path), raw[: error.start].count(b"\n") + 1, "not UTF-8 text") from None
    return parse(text, file=str(path))


def parse(text: str, *, file: str) -> Document:
    """The document in ``text``; raises ConfigError when it is not YAML at all."""
    try:
        node = yaml.compose(text, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refuse(file, mark.line + 1 if mark else None, _plain(f"{error.context} {error.problem}")) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refuse(file, line, "a control character that YAML does not allow") from None
    except RecursionError:
        raise _refuse(file, None, "nested too deeply") from None
    except (ValueError, OverflowError):
        raise _refuse(file, None, "not YAML: an escape in a quoted text is not a character") from None
    if node is None:
        return Document(file=file, tree=None, lines={(): 1})
    reader = _Reader(file)
    tree = reader.value(node, ())
    return Document(file=file, tree=tree, lines=reader.lines, problems=tuple(reader.problems))


def _plain(problem: str) -> str:
    """PyYAML's complaint in words for the owner of the file; never a piece of the file itself."""
    for sign, words in _PLAIN_WORDS:
        if sign in problem:
            return f"not YAML: {words}"
    return "not YAML: the text cannot be read from here on"


def _refuse(file: str, line: int | None, message: str) -> ConfigError:
    return ConfigError((Problem(file=file, line=line, path="", message=message),))


class _Reader:
    """Walks composed nodes into plain values, noting the line of every path."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []
        self.count = 0

    def value(self, node: yaml.Node, path: KeyPath) -> object:
        self.count += 1
        if self.count > MAX_NODES or len(path) > MAX_DEPTH:
            raise _refuse(self.file, node.start_mark.line + 1, "too much: nested too deeply, or an alias inside itself")
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            self._only(node, path, "map")
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            self._only(node, path, "seq")
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        tree: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or not key_node.value:
                self._problem(line, path, "a key must be a plain word")
                continue
            key = str(key_node.value)
            child = (*path, key)
            if key == "<<":
                self._problem(line, path, "merge keys (<<) are not read here; write the keys out")
            elif key in tree:
                self._problem(line, child, f"the same key twice; the first stands in line {self.lines[child]}")
            else:
                self.lines[child] = line
                tree[key] = self.value(value_node, child)
        return tree

    def _scalar(self, node: yaml.Node, path: KeyPath) -> object:
        text = str(node.value)
        if node.tag == f"{_TAG}null" and text in {"", "~", "null", "Null", "NULL"}:
            return None
        if node.tag == f"{_TAG}bool" and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        self._only(node, path, "str")
        return text

    def _only(self, node: yaml.Node, path: KeyPath, kind: str) -> None:
        if node.tag != _TAG + kind:
            self._problem(node.start_mark.line + 1, path, "YAML tags (!) are not read here; write the plain value")

    def _problem(self, line: int, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(file=self.file, line=line, path=dotted(path), message=message))
