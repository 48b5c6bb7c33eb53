"""Names inside a function whose value has become known, or that nothing reads any more."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import pairwise
from typing import final

from dslc.emit.trim_fold import Fold, as_test, shadowed
from dslc.emit.trim_tree import (
    blocks,
    changed,
    constant,
    decided,
    gone,
    is_changed,
    is_pure,
    live,
    names,
    pairs,
    value_of,
    walk,
    without_pair,
)

Places = Sequence[tuple[list[ast.stmt], int]]


@final
class Flow:
    """Puts a value in the place of a parameter, as far as the function does not bind it anew.

    Attributes:
        mixed: Whether the name is read where it has this value only on some ways there.
    """

    def __init__(self, name: str, value: ast.expr, *, dry: bool) -> None:
        self.name = name
        self.fold = Fold({name: value})
        self.dry = dry
        self.mixed = False

    def body(self, nodes: Sequence[ast.stmt], known: bool | None) -> bool | None:
        """Goes through statements; `known` is whether the name has the value, None for maybe."""
        for block, place in live(nodes):
            known = self.statement(block, place, known)
        return known

    def statement(self, block: list[ast.stmt], place: int, known: bool | None) -> bool | None:
        """Goes through one statement; gives what holds behind it."""
        node = block[place]
        if isinstance(node, ast.If):
            self.read(node, "test", known)
            holds = decided(node)
            if holds is not None:
                return self.body(node.body if holds else node.orelse, known)
            first, second = self.body(node.body, known), self.body(node.orelse, known)
            return first if first is second else None
        if isinstance(node, ast.For | ast.While):
            inside = None if known and self.name in names(node, stored=True) else known
            self.read(node, "iter" if isinstance(node, ast.For) else "test", inside)
            self.body(node.body, inside)
            return inside
        if isinstance(node, ast.With):
            for item in node.items:
                self.read(item, "context_expr", known)
            return self.body(node.body, known)
        self.simple(block, place, known)
        return False if self.name in names(node, stored=True) else known

    def read(self, node: ast.AST, field: str, known: bool | None) -> None:
        """An expression of a statement."""
        value = getattr(node, field)
        self.note(value, known)
        if known and not self.dry:
            found = self.fold.visit(value)
            setattr(node, field, as_test(found) if field == "test" else found)

    def simple(self, block: list[ast.stmt], place: int, known: bool | None) -> None:
        """A statement without others in it, or a function."""
        node = block[place]
        self.note(node, known)
        if isinstance(node, ast.AugAssign) and self.name in names(node.target, stored=True):
            self.mixed |= known is not False
        elif known and not self.dry:
            block[place] = self.fold.visit(node)

    def note(self, node: ast.AST, known: bool | None) -> None:
        """Notes a reading that needs the name itself."""
        self.mixed |= known is None and self.name in names(node, stored=False)


def replace(function: ast.FunctionDef, name: str, value: ast.expr) -> bool:
    """Puts a value in the place of a parameter; whether nothing needs the parameter any more."""
    if shadowed(function, name) or inner_binds(function, name):
        return False
    Flow(name, value, dry=False).body(function.body, known=True)
    trial = Flow(name, value, dry=True)
    trial.body(function.body, known=True)
    if trial.mixed:
        start = ast.Assign([ast.Name(name, ast.Store())], value)
        first = function.body[1 if ast.get_docstring(function) else 0]
        ast.copy_location(start, first)
        ast.fix_missing_locations(start)
        start.end_lineno = start.lineno = first.lineno - 1
        function.body.insert(1 if ast.get_docstring(function) else 0, changed(start))
    return True


def inner_binds(function: ast.FunctionDef, name: str) -> bool:
    """Whether a name is bound here and read by a function inside, which sees it change."""
    inner = [n for n in walk(function) if isinstance(n, ast.FunctionDef) and n is not function]
    reads = any(name in names(node, stored=False) for node in inner)
    return reads and name in names(function, stored=True)


def tidy(function: ast.FunctionDef, loaded: frozenset[str]) -> None:
    """Takes out of a function what has become a literal, another name, or unread.

    Args:
        function: The function, of which something is cut.
        loaded: The names that it reads as it is written.
    """
    while forward_one(function):
        continue
    drop_unreached(function)
    drop_unread(function, loaded)
    drop_idle(function.body)
    return_at_once(function)


def drop_idle(body: Sequence[ast.stmt]) -> None:
    """Leaves out conditions on which nothing depends any more."""
    for block, place in list(live(body)):
        node = block[place]
        for inner in blocks(node):
            drop_idle(inner)
        if isinstance(node, ast.If) and not [*live(node.body), *live(node.orelse)]:
            block[place] = gone(node)


def return_at_once(function: ast.FunctionDef) -> None:
    """Returns what would be named first, where nothing stands between any more."""
    places = list(live(function.body))
    for (block, place), (inner, k) in pairwise(places):
        node, last = block[place], inner[k]
        found = pairs(node)
        if len(found) == 1 and isinstance(last, ast.Return) and isinstance(last.value, ast.Name):
            target, value = found[0]
            if isinstance(target, ast.Name) and target.id == last.value.id:
                last.value, block[place] = changed(value), gone(node)


def forward_one(function: ast.FunctionDef) -> bool:
    """Puts one name's literal, or other name, in its place; whether there was one."""
    places = list(live(function.body))
    for number, (block, place) in enumerate(places):
        node = block[place]
        later = [inner[k] for inner, k in places[number:]]
        for k, (target, value) in enumerate(pairs(node)):
            if not isinstance(target, ast.Name):
                continue
            own = isinstance(value, ast.Name) and value.id == target.id
            if own or (
                is_known(node, value, later)
                and forwarded(function, target.id, value, places[number + 1 :])
            ):
                block[place] = without_pair(node, k)
                return True
    return False


def forwarded(function: ast.FunctionDef, name: str, value: ast.expr, later: Places) -> bool:
    """Puts a value where a name is read from some place on, if nothing needs the name then."""
    if shadowed(function, name) or inner_binds(function, name):
        return False
    for dry in (False, True):  # what is decided by the first may be what mixed the name
        flow, known = Flow(name, value, dry=dry), True
        for block, place in later:
            known = flow.statement(block, place, known)
    return not flow.mixed


def drop_unreached(function: ast.FunctionDef) -> None:
    """Leaves out what stands behind a `return` that has become certain."""
    is_over = False
    for block, place in list(live(function.body)):
        if is_over:
            block[place] = gone(block[place])
        is_over |= isinstance(block[place], ast.Return)


def is_known(node: ast.stmt, value: ast.expr, later: Sequence[ast.stmt]) -> bool:
    """Whether a value can be written wherever its name is read in statements from its own on."""
    if not is_changed(node):
        return False
    if isinstance(value, ast.Name):
        return not any(value.id in names(part, stored=True) for part in later)
    found = constant(value)
    return found is not None and not isinstance(value_of(found), str)


def drop_unread(function: ast.FunctionDef, loaded: frozenset[str]) -> None:
    """Leaves out the assignments to names that are not read now and were before."""
    while True:
        unread = loaded.difference(names(function, stored=False))
        if not any(drop_from(block, unread) for block in every_block(function)):
            return


def every_block(node: ast.AST) -> list[list[ast.stmt]]:
    """The bodies in a statement that are run, those of functions inside among them."""
    found = list(blocks(node))
    return found + [inner for block in found for part in block for inner in every_block(part)]


def drop_from(block: list[ast.stmt], unread: frozenset[str]) -> bool:
    """Leaves out the assignments of a body to unread names; whether there was one."""
    found = False
    for inner, place in live(block):
        node = inner[place]
        for k, (target, value) in reversed(list(enumerate(pairs(node)))):
            if isinstance(target, ast.Name) and target.id in unread and is_pure(value):
                inner[place] = node = without_pair(node, k)
                found = True
        found |= underscored(node, unread)
    return found


def underscored(node: ast.stmt, unread: frozenset[str]) -> bool:
    """Names what is unpacked and not read `_`; whether there was something."""
    if not isinstance(node, ast.Assign) or pairs(node):
        return False
    parts = [part for part in ast.walk(node.targets[0]) if isinstance(part, ast.Name)]
    found = [part for part in parts if isinstance(part.ctx, ast.Store) and part.id in unread]
    for part in found:
        part.id = "_"
        changed(part)
    return bool(found)
