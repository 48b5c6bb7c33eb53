"""Programs from templates: real Python files whose flags are decided when code is generated.

A template is a module that is formatted, typed and tested like any other. Its functions and classes
are put into a generated module one by one. An `if` on flags alone (`if FROZEN:`, `if not DECAY:`) is
decided then: the branch that holds takes its place, so what is generated holds only what is used.
Comments stay with their statements.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, final

from dslc.emit.python import Class, Function
from dslc.emit.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNTIME = re.compile(r"^from dslc[\w.]*\.runtime\.")
"""Modules that are copied beside what is generated."""
DATA = re.compile(r"^from data_\w+ ")
"""Those of them that become one `data.py`."""
OTHER = re.compile(r"^from dslc\w*\.\w+_template ")
"""Templates, which read each other's names."""


@final
class Template(Reader):
    """A template file.

    Args:
        path: The file.
        flags: The value of every flag; a flag that the file does not use does no harm.
        names: Identifiers to write otherwise, such as the model's class.
    """

    def __init__(
        self, path: Path, flags: Mapping[str, bool], names: Mapping[str, str] | None = None
    ) -> None:
        text = template_text(path)
        for name, other in (names or {}).items():
            text = re.sub(
                rf"^{re.escape(name)}\b.*\n", "", text, flags=re.MULTILINE
            )  # as it stands in
            text = re.sub(rf"\b{re.escape(name)}\b", other, text)
        super().__init__(text, _parsed(text))
        self.flags = flags
        self.path = path

    def imports(self) -> list[str]:
        """The imports of the file; those of the runtime's modules as the project has them."""
        found: list[str] = []
        for node in self.tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                found.append(DATA.sub("from data ", RUNTIME.sub("from ", ast.unparse(node))))
        return [text for text in found if not OTHER.match(text)]

    def names(self) -> set[str]:
        """The names that the file has at its top level, those of its imports among them."""
        found: set[str] = set()
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                found |= {(item.asname or item.name).partition(".")[0] for item in node.names}
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {part.id for part in targets if isinstance(part, ast.Name)}
        return found

    def definition(self, name: str) -> Class | Function:
        """A function or class of the file.

        Raises:
            KeyError: The file defines no such name.
        """
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                (found,) = self.statement(node)
                assert isinstance(found, Class | Function)
                return found
        raise KeyError(f"{self.path} defines no {name}")

    def class_with(self, name: str, other: Template, methods_of: str) -> Class:
        """A class of the file with the documentation and the methods of another file's class.

        A method takes the place of the one of its name; what has no such place stands at the end.
        """
        found, further = self.definition(name), other.definition(methods_of)
        assert isinstance(found, Class)
        assert isinstance(further, Class)
        instead = {part.name: part for part in further.body if isinstance(part, Function)}
        body = [
            instead.pop(part.name, part) if isinstance(part, Function) else part
            for part in found.body
        ]
        return Class(found.name, found.bases, further.doc, [*body, *instead.values()])

    def extended(self, found: Class | Function, methods_of: str) -> Class:
        """A class of another file with the methods of one of this file at its end."""
        further = self.definition(methods_of)
        assert isinstance(found, Class)
        assert isinstance(further, Class)
        return Class(found.name, found.bases, found.doc, [*found.body, *further.body])

    def decide(self, test: ast.expr) -> bool | None:
        """The value of a condition on flags alone, else None."""
        if isinstance(test, ast.Name):
            return self.flags.get(test.id)
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            value = self.decide(test.operand)
            return None if value is None else not value
        if isinstance(test, ast.BoolOp):
            values = [self.decide(part) for part in test.values]
            enough = isinstance(test.op, ast.Or)
            if enough in values:
                return enough
            return None if None in values else not enough
        return None

    def segment(self, node: ast.FunctionDef | ast.ClassDef) -> str:
        """A definition as the file writes it, with its decorators."""
        first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
        return "\n".join(self.lines[first - 1 : node.end_lineno])


@cache
def template_text(path: Path) -> str:
    """What a template's file says."""
    return path.read_text(encoding="utf-8")


@cache
def _parsed(text: str) -> ast.Module:
    """The tree of a template, which nothing changes."""
    return ast.parse(text)
