"""Imports: merged, sorted and sectioned as the linter's rule I wants them."""

import ast
import re
import sys
from collections.abc import Iterable

from dslc.emit.print_statements import statement

_Key = list[tuple[int, int | str]]


class Imports:
    """The imports of a module."""

    def __init__(self, local: Iterable[str] = ()) -> None:
        """Starts without imports.

        Args:
            local: Modules that lie beside the importing one.
        """
        self.local = set(local)
        self._modules: set[tuple[str, str | None]] = set()
        self._names: set[tuple[str, str, str | None]] = set()

    def add(self, node: ast.stmt, only: str | None = None) -> None:
        """Adds what an import statement imports.

        Args:
            node: The statement.
            only: The one name of it that is wanted; else all.

        Raises:
            ValueError: The statement is no import, or a relative one.
        """
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            raise ValueError("not an import statement")
        wanted = [name for name in node.names if only in (None, _bound(name))]
        if isinstance(node, ast.Import):
            self._modules.update((name.name, name.asname) for name in wanted)
        elif node.module is None or node.level:
            raise ValueError("generated modules import nothing relative")
        else:
            self._names.update((node.module, name.name, name.asname) for name in wanted)

    def keep(self, used: set[str]) -> None:
        """Drops the imports of names that are not used."""
        self._modules = {(m, a) for m, a in self._modules if (a or m.split(".")[0]) in used}
        self._names = {
            (m, n, a) for m, n, a in self._names if m == "__future__" or (a or n) in used
        }

    def statements(self) -> list[str]:
        """Each import as one statement, sorted, without empty lines between the sections."""
        return [text for section in self._sections() for text in section]

    def lines(self) -> list[str]:
        """The lines of all imports, laid out, with an empty line between two sections."""
        lines: list[str] = []
        for section in self._sections():
            lines.extend([""] if lines else [])
            for text in section:
                lines.extend(statement(ast.parse(text).body[0], 0))
        return lines

    def _sections(self) -> list[list[str]]:
        found: dict[int, list[str]] = {}
        for module, alias in sorted(self._modules, key=lambda item: _order(*item)):
            text = f"import {module}" + (f" as {alias}" if alias else "")
            found.setdefault(self._section(module), []).append(text)
        for module, names in sorted(self._from(), key=lambda item: _order_from(*item)):
            members = ", ".join(f"{n} as {a}" if a else n for n, a in names)
            found.setdefault(self._section(module), []).append(f"from {module} import {members}")
        return [found[section] for section in sorted(found)]

    def _from(self) -> list[tuple[str, list[tuple[str, str | None]]]]:
        """Each module with its names; a name that gets another one has a statement of its own."""
        plain: dict[str, list[tuple[str, str | None]]] = {}
        renamed: list[tuple[str, list[tuple[str, str | None]]]] = []
        for module, name, alias in sorted(self._names, key=lambda item: _member(item[1])):
            if alias:
                renamed.append((module, [(name, alias)]))
            else:
                plain.setdefault(module, []).append((name, None))
        return [*plain.items(), *renamed]

    def _section(self, module: str) -> int:
        root = module.split(".")[0]
        if root == "__future__":
            return 0
        if root in self.local:
            return 3
        return 1 if root in sys.stdlib_module_names else 2


def _bound(name: ast.alias) -> str:
    return name.asname or name.name.split(".")[0]


def _natural(text: str) -> _Key:
    """A key that sorts digits by their number, and before letters."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts if part]


def _order(module: str, alias: str | None) -> tuple[_Key, _Key, str]:
    return _natural(module.lower()), _natural(module), alias or ""


def _order_from(
    module: str, names: list[tuple[str, str | None]]
) -> tuple[_Key, _Key, tuple[int, _Key, _Key], str]:
    first, alias = names[0]
    return _natural(module.lower()), _natural(module), _member(first), alias or ""


def _member(name: str) -> tuple[int, _Key, _Key]:
    """Constants first, then classes, then the rest."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[:1].isupper() else 2
    return kind, _natural(name.lower()), _natural(name)
