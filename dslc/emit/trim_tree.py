"""Trees of helpers while what a module does not use is cut out of them.

A branch is cut by deciding its `if`, and a statement by putting it below one that never holds: so
each keeps its place, and its comments go with it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast

Scope = ast.FunctionDef | ast.Lambda
NodeType = TypeVar("NodeType", bound=ast.AST)
ExprType = TypeVar("ExprType", bound=ast.expr)
ANNOTATIONS = ("annotation", "returns")
IMPURE = ("add_weight", "pop", "next", "setattr", "register_buffer")


def decided(node: ast.AST) -> bool | None:
    """Whether the condition of an `if` is known to hold."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Constant):
        return bool(node.test.value)
    return None


def gone(node: ast.stmt) -> ast.If:
    """A statement that is cut."""
    marks: list[ast.expr] = getattr(node, "decorator_list", [])
    found = ast.copy_location(ast.If(ast.Constant(value=False), [node], []), node)
    found.lineno = min([node.lineno, *(mark.lineno for mark in marks)])
    return found


def children(node: ast.AST) -> list[ast.AST]:
    """What a node holds that is run: no annotations, no branch that is cut."""
    holds = decided(node)
    if isinstance(node, ast.If) and holds is not None:
        return [*(node.body if holds else node.orelse)]
    found: list[ast.AST] = []
    for field in node._fields:
        value: object = getattr(node, field, None)
        if field in ANNOTATIONS:
            continue
        if isinstance(value, list):
            parts = cast("list[object]", value)
            found += [part for part in parts if isinstance(part, ast.AST)]
        elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
            found.append(value)
    return found


def walk(*nodes: ast.AST) -> list[ast.AST]:
    """Every node that is run, those that hold others first."""
    found: list[ast.AST] = []
    pending = list(reversed(nodes))
    while pending:
        node = pending.pop()
        found.append(node)
        if not isinstance(node, ast.Name | ast.Constant):
            pending += reversed(children(node))
    return found


def live(body: Sequence[ast.stmt]) -> Iterator[tuple[list[ast.stmt], int]]:
    """The statements of a body that are run, each as a list and its place there."""
    for place, node in enumerate(body):
        holds = decided(node)
        if isinstance(node, ast.If) and holds is not None:
            yield from live(node.body if holds else node.orelse)
        else:
            yield cast("list[ast.stmt]", body), place


def blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The bodies of a statement that are run."""
    holds = decided(node)
    skipped = None if holds is None else "orelse" if holds else "body"
    for field in ("body", "orelse", "finalbody"):
        if field == skipped:
            continue
        found = getattr(node, field, None)
        if isinstance(found, list) and found:
            yield cast("list[ast.stmt]", found)


def changed(node: NodeType) -> NodeType:
    """Marks a node that the file does not write so."""
    node.made = True  # pyright: ignore[reportAttributeAccessIssue]
    return node


def is_changed(node: ast.AST) -> bool:
    """Whether a node is not as the file writes it."""
    return any(hasattr(part, "made") for part in ast.walk(node))


def at(node: ExprType, place: ast.expr) -> ExprType:
    """A new node where another one stood."""
    return changed(ast.copy_location(node, place))


def constant(node: ast.expr | None) -> ast.expr | None:
    """A node that is a literal, of which a tuple may be made; else None."""
    if isinstance(node, ast.Constant):
        return node
    if isinstance(node, ast.Tuple) and all(isinstance(part, ast.Constant) for part in node.elts):
        return node
    return None


def value_of(node: ast.expr) -> Any:
    """The value of a literal."""
    return ast.literal_eval(node)


def names(node: ast.AST, *, stored: bool) -> list[str]:
    """The names that are bound in a node, or those that are read."""
    kind = ast.Store if stored else ast.Load
    return [n.id for n in walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, kind)]


def pairs(node: ast.stmt) -> list[tuple[ast.expr, ast.expr]]:
    """The targets of an assignment with what each becomes; of others none."""
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return [(node.target, node.value)]
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return []
    target, value = node.targets[0], node.value
    if not isinstance(target, ast.Tuple):
        return [(target, value)]
    if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
        found = list(zip(target.elts, value.elts, strict=True))
        return (
            [] if any(isinstance(part, ast.Starred) for pair in found for part in pair) else found
        )
    return []


def without_pair(node: ast.stmt, place: int) -> ast.stmt:
    """An assignment without one of its targets."""
    found = pairs(node)
    del found[place]
    if not found:
        return gone(node)
    assert isinstance(node, ast.Assign)
    target, value = node.targets[0], node.value
    assert isinstance(target, ast.Tuple)
    assert isinstance(value, ast.Tuple)
    target.elts, value.elts = [pair[0] for pair in found], [pair[1] for pair in found]
    if len(found) == 1:
        node.targets, node.value = [target.elts[0]], value.elts[0]
    return changed(node)


def is_own(node: ast.AST) -> bool:
    """Whether something is an attribute of `self`."""
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def is_pure(node: ast.expr) -> bool:
    """Whether a value can be left uncomputed."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            name = getattr(part.func, "attr", getattr(part.func, "id", ""))
            if name in IMPURE or name.endswith("_"):
                return False
    return True
