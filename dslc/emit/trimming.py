"""Helpers with only what a module uses of them, as a person would have written them for it.

A helper is a function or class that is tested where it stands, with every option that some spec may
need. Its parameters are its flags: what no call in the module gives is what its default says, and
what every call among the helpers gives alike is that. The parameter goes, its value takes its place,
and what that decides is decided: branches, attributes, locals, helpers that nothing calls any more,
and the sentences of its documentation that name the parameter in backticks.

What another program reads of a layer (the loader of weights) is declared in its class, and stays.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, final

from dslc.emit.python import Module, to_source
from dslc.emit.reading import Reader
from dslc.emit.trim_class import ClassTrimmer
from dslc.emit.trim_function import cut_parameters, described
from dslc.emit.trim_tree import is_changed, names, walk
from dslc.emit.trim_uses import Uses

if TYPE_CHECKING:
    from collections.abc import Sequence

EXPONENT = re.compile(r"(\de[+-]?)0+(?=\d)")


def trimmed(sources: Sequence[str], main: str) -> list[str]:
    """The sources of helpers with what is used; a helper that is used no more has an empty one.

    Args:
        sources: A definition each.
        main: The rest of the module.
    """
    body = ast.parse(main).body
    helpers = [Helper(source) for source in sources]
    before = reached(body, helpers)
    while cut_once(body, helpers):
        continue
    left = before - reached(body, helpers)
    return ["" if set(helper.bound) & left else helper.source() for helper in helpers]


def cut_once(body: Sequence[ast.stmt], helpers: Sequence[Helper]) -> bool:
    """Cuts what is seen to be unused; whether there was something."""
    uses = Uses(body, [helper.node for helper in helpers])
    found = [helper.cut(uses) for helper in helpers]
    return any(found)


def reached(body: Sequence[ast.stmt], helpers: Sequence[Helper]) -> set[str]:
    """The helpers that a module reads, straight or through others."""
    by_name = {name: helper for helper in helpers for name in helper.bound}
    pending = [name for node in body for name in names(node, stored=False)]
    found: set[str] = set()
    while pending:
        name = pending.pop()
        if name in by_name and name not in found:
            found.add(name)
            pending += names(by_name[name].node, stored=False)
    return found


@final
class Helper(Reader):
    """A helper's definition, of which things are cut."""

    def __init__(self, text: str) -> None:
        super().__init__(text, ast.parse(text))
        self.node = self.tree.body[0]
        self.is_cut = False
        functions = [part for part in walk(self.node) if isinstance(part, ast.FunctionDef)]
        self.loaded = {id(part): frozenset(names(part, stored=False)) for part in functions}
        node = self.node
        self.trimmer = ClassTrimmer(node, self.loaded) if isinstance(node, ast.ClassDef) else None
        defined = isinstance(node, ast.FunctionDef | ast.ClassDef)
        self.bound = [node.name] if defined else names(node, stored=True)

    def cut(self, uses: Uses) -> bool:
        """Cuts what is not used; whether there was something."""
        found = False
        if self.trimmer is not None:
            found = self.trimmer.cut(uses)
        elif isinstance(self.node, ast.FunctionDef) and not uses.values[self.node.name]:
            calls = uses.calls.get(self.node.name, [])
            cut = cut_parameters(
                self.node, calls, self.loaded[id(self.node)], fixed=uses.fixed, helpers=uses.outer
            )
            described(self.node, cut)
            found = bool(cut)
        self.is_cut |= found
        return found

    def source(self) -> str:
        """The helper as it is now."""
        if not self.is_cut and not is_changed(self.node):
            return self.text
        return to_source(Module("", list(self.statement(self.node)))).strip("\n")

    def code(self, node: ast.stmt | ast.expr) -> str:
        """A node as the file writes it, or as it has become."""
        if is_changed(node):
            return EXPONENT.sub(r"\1", ast.unparse(node))
        return super().code(node)
