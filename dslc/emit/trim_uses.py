"""How a module calls its helpers: what each call gives, and what may be given unseen."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING, final

from dslc.emit.trim_tree import Scope, children, is_own, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SEES = ("zip", "enumerate", "len", "range", "reversed", "isinstance", "list", "tuple")
"""What may be given a layer and does not call it."""


@final
class Uses:
    """The calls in a module and its helpers.

    Attributes:
        calls: By the name that is called.
        methods: By the attribute that is called.
        values: How often a name is read otherwise than to be called.
        attributes: How often an attribute is read otherwise, of anything and of `self`.
        foreign: How often one is read, or called, of anything but `self`.
        assigned: What is assigned to an attribute of `self`, by its name.
        passed: The attributes that are given to a function.
        fixed: The calls that stay as they are.
    """

    def __init__(self, main: Sequence[ast.stmt], helpers: Sequence[ast.stmt]) -> None:
        self.calls: dict[str, list[ast.Call]] = {}
        self.methods: dict[str, list[ast.Call]] = {}
        self.others: list[ast.Call] = []
        self.values: Counter[str] = Counter()
        self.attributes: Counter[str] = Counter()
        self.foreign: Counter[str] = Counter()
        self.assigned: dict[str, list[ast.expr]] = {}
        self.passed: set[str] = set()
        definitions = [
            n for n in [*main, *helpers] if isinstance(n, ast.FunctionDef | ast.ClassDef)
        ]
        self.outer = {node.name for node in definitions}
        self.bound: set[str] = set()
        self.fixed = {id(n) for n in walk(*main) if isinstance(n, ast.Call)}
        self.classes = {node.name for node in [*main, *helpers] if isinstance(node, ast.ClassDef)}
        for node in [*main, *helpers]:
            self.note_bound(node)
            self.visit(node)

    def note_bound(self, tree: ast.stmt) -> None:
        """Notes the names that are bound somewhere: what is not is imported, or a built-in one."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.bound.add(node.id)
            elif isinstance(node, ast.arg):
                self.bound.add(node.arg)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                self.bound.add(node.name)

    def visit(self, node: ast.AST) -> None:
        """Notes what a tree reads."""
        if isinstance(node, ast.Call):
            self.call(node)
            return
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            self.values[node.id] += 1
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            self.attributes[node.attr] += 1
            self.foreign[node.attr] += not is_own(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            self.assignment(node)
        for part in children(node):
            self.visit(part)

    def call(self, node: ast.Call) -> None:
        """Notes a call and what is in it."""
        if isinstance(node.func, ast.Name):
            self.calls.setdefault(node.func.id, []).append(node)
        elif isinstance(node.func, ast.Attribute):
            self.methods.setdefault(node.func.attr, []).append(node)
            self.foreign[node.func.attr] += not is_own(node.func)
            self.visit(node.func.value)
        else:
            self.others.append(node)
            self.visit(node.func)
        sees = isinstance(node.func, ast.Name) and node.func.id in SEES
        for part in [*node.args, *(item.value for item in node.keywords)]:
            if isinstance(part, ast.Attribute) and not sees:
                self.passed.add(part.attr)
            self.visit(part)

    def assignment(self, node: ast.Assign | ast.AnnAssign) -> None:
        """Notes what becomes an attribute."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Attribute) and node.value is not None:
                    self.assigned.setdefault(part.attr, []).append(node.value)

    def instances(self, name: str) -> list[ast.Call] | None:
        """The calls that may be of a class's instances; None where there may be unseen ones."""
        held = {attr for attr, values in self.assigned.items() if mentions(values, name)}
        if held & self.passed:
            return None
        found = [call for attr in held for call in self.methods.get(attr, [])]
        for called, calls in self.calls.items():
            found += calls if called in self.bound - self.outer else []
        return found + [call for call in self.others if self.may_be(call.func, name)]

    def is_of(self, call: ast.Call, name: str) -> bool:
        """Whether what is called is surely an instance of a class."""
        if not isinstance(call.func, ast.Attribute):
            return False
        values = self.assigned.get(call.func.attr, [])
        made = [value.func for value in values if isinstance(value, ast.Call)]
        return len(made) == len(values) and all(getattr(f, "id", "") == name for f in made)

    def may_be(self, made: ast.expr, name: str) -> bool:
        """Whether an expression that is called may be an instance of a class."""
        if mentions([made], name) or not isinstance(made, ast.Call):
            return True
        root = made.func
        while isinstance(root, ast.Attribute):
            root = root.value
        is_known = isinstance(root, ast.Name) and (
            root.id in self.classes or root.id not in self.bound
        )
        return not is_known


def mentions(nodes: Iterable[ast.AST], name: str) -> bool:
    """Whether a name stands somewhere in trees."""
    return any(isinstance(n, ast.Name) and n.id == name for tree in nodes for n in ast.walk(tree))


def is_open(calls: Iterable[ast.Call]) -> bool:
    """Whether some call unpacks what it gives."""
    return any(
        any(isinstance(arg, ast.Starred) for arg in call.args)
        or any(item.arg is None for item in call.keywords)
        for call in calls
    )


def given(call: ast.Call, place: int | None, name: str) -> ast.expr | None:
    """What a call gives for a parameter; `place` is None where only its name can."""
    if place is not None and place < len(call.args):
        return call.args[place]
    return next((item.value for item in call.keywords if item.arg == name), None)


def places(scope: Scope, *, bound: bool) -> dict[str, int | None]:
    """The parameters of a function and their places in a call; those of a method without `self`."""
    positional = [*scope.args.posonlyargs, *scope.args.args][int(bound) :]
    found: dict[str, int | None] = {arg.arg: place for place, arg in enumerate(positional)}
    return found | {arg.arg: None for arg in scope.args.kwonlyargs}
