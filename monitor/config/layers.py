"""The layers of the configuration, the environment over the file, and where each value came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.config.environment import Environment
from monitor.config.suggest import dotted
from monitor.config.yamlfile import Document, KeyPath
from monitor.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """One configuration before it is checked."""

    document: Document
    environment: Environment

    @property
    def file_tree(self) -> dict[str, object]:
        """The file's top level; empty when it is not a mapping."""
        return self.document.tree if isinstance(self.document.tree, dict) else {}

    def value_at(self, path: KeyPath) -> object:
        """The value at ``path`` as the environment leaves it (a mapping in both layers is joined one level deep), else None."""
        below, above = _descend(self.file_tree, path), _descend(self.environment.tree, path)
        if isinstance(below, Mapping) and isinstance(above, Mapping):
            return {**below, **above}
        return below if above is None else above

    def variable_of(self, path: KeyPath) -> str | None:
        """The environment variable that set the value at ``path`` or one above it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.environment.variables:
                return self.environment.variables[path[:length]]
        return None

    def problem(self, path: KeyPath, message: str) -> Problem:
        """A problem at ``path``: with the variable that set it, else with the file and the nearest line that is known."""
        variable = self.variable_of(path) or self._made_by(path)
        if variable is not None:
            return Problem(file=variable, line=None, path=dotted(path), message=message)
        line = next(self.document.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.document.lines)
        return Problem(file=self.document.file, line=line, path=dotted(path), message=message)

    def _made_by(self, path: KeyPath) -> str | None:
        """A variable without which the place around ``path`` would not be there (so that something is missing in it)."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.document.lines:
                return None
            for key, variable in self.environment.variables.items():
                if key[:length] == path[:length]:
                    return variable
        return None


def _descend(tree: object, path: KeyPath) -> object:
    for part in path:
        listed = isinstance(tree, list) and isinstance(part, int) and part < len(tree)
        if not listed and not (isinstance(tree, Mapping) and part in tree):
            return None
        tree = tree[part]  # type: ignore[index]
    return tree
