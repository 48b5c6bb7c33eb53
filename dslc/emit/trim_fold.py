"""Expressions of which a part has become known, computed as far as that goes."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any, final

from dslc.emit.trim_tree import (
    at,
    changed,
    constant,
    decided,
    gone,
    is_changed,
    is_own,
    live,
    value_of,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
DEFAULTS: Mapping[str, object] = {
    "bias": True,
    "use_bias": True,
    "enable_gqa": False,
    "is_causal": False,
    "scale": None,
    "mask": None,
    "reverse": False,
    "keepdims": False,
    "length": None,
    "where": None,
    "attn_mask": None,
    "dropout_p": 0.0,
    "recurrent_dropout": 0.0,
}
"""Keywords of frameworks' functions that mean this value where nothing is said."""


@final
class Fold(ast.NodeTransformer):
    """Computes what is known in a tree, in its live parts.

    Args:
        known: The values of names; no scope in the tree binds them otherwise.
        attributes: The values of attributes of `self`.
        present: Those that are known not to be None.
    """

    def __init__(
        self,
        known: Mapping[str, ast.expr] | None = None,
        attributes: Mapping[str, ast.expr] | None = None,
        present: frozenset[str] = frozenset(),
    ) -> None:
        self.present = present
        self.known = known or {}
        self.attributes = attributes or {}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self.known:
            return copied(self.known[node.id], node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if is_own(node) and isinstance(node.ctx, ast.Load) and node.attr in self.attributes:
            return copied(self.attributes[node.attr], node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return node

    def visit_If(self, node: ast.If) -> ast.stmt:
        holds = decided(node)
        if holds is None:
            node.test = as_test(self.visit(node.test))
            holds = decided(node)
        if holds is not False:
            node.body = [self.visit(part) for part in node.body]
        if holds is not True:
            node.orelse = [self.visit(part) for part in node.orelse]
        is_idle = holds is None and not node.orelse and not list(live(node.body))
        return gone(node) if is_idle else node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        node.test = as_test(node.test)
        test = constant(node.test)
        if test is not None:
            return changed(node.body if value_of(test) else node.orelse)
        same = ast.dump(node.body) == ast.dump(node.orelse)
        return changed(node.body) if same else node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        stops = isinstance(node.op, ast.Or)
        kept: list[ast.expr] = []
        for place, part in enumerate(node.values):
            found = constant(part)
            last = place == len(node.values) - 1
            if found is None or last or bool(value_of(found)) is stops:
                kept.append(part)
            if found is not None and bool(value_of(found)) is stops:
                kept = [found] if isinstance(value_of(found), bool) else kept
                break
        if len(kept) == len(node.values):
            return node
        node.values = kept
        return changed(kept[0] if len(kept) == 1 else node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        value = constant(node.operand)
        if value is not None and isinstance(node.op, ast.Not):
            return at(ast.Constant(not value_of(value)), node)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        left, right = constant(node.left), constant(node.comparators[0])
        compare = COMPARED.get(type(node.ops[0]))
        is_there = is_own(node.left) and getattr(node.left, "attr", "") in self.present
        if is_there and right is not None and value_of(right) is None:
            return at(ast.Constant(isinstance(node.ops[0], ast.IsNot)), node)
        if is_of_itself(node) and is_changed(node):
            return at(ast.Constant(isinstance(node.ops[0], ast.Eq)), node)
        if left is None or right is None or compare is None or len(node.ops) > 1:
            return node
        return at(ast.Constant(compare(value_of(left), value_of(right))), node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        return node

    def visit_Tuple(self, node: ast.Tuple) -> ast.expr:
        self.generic_visit(node)
        splice(node, node.elts)
        return node

    def visit_List(self, node: ast.List) -> ast.expr:
        self.generic_visit(node)
        splice(node, node.elts)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        before = [item.value for item in node.keywords]
        self.generic_visit(node)
        splice(node, node.args)
        pairs = zip(node.keywords, before, strict=True)
        kept = [item for item, old in pairs if item.value is old or not defaulted(item)]
        if len(kept) < len(node.keywords):
            node.keywords = kept
            changed(node)
        return node


def as_test(node: ast.expr) -> ast.expr:
    """A condition, of which only the truth counts."""
    last = constant(node.values[-1]) if isinstance(node, ast.BoolOp) else None
    if last is None or not isinstance(node, ast.BoolOp):
        return node
    decides = isinstance(node.op, ast.Or)
    if bool(value_of(last)) is decides:
        return at(ast.Constant(decides), node)
    node.values = node.values[:-1]
    return as_test(changed(node)) if len(node.values) > 1 else changed(node.values[0])


def splice(node: ast.expr, items: list[ast.expr]) -> None:
    """Puts in its place what a known tuple unpacks to."""
    for place, part in reversed(list(enumerate(items))):
        inner = part.value if isinstance(part, ast.Starred) else None
        if isinstance(inner, ast.Tuple) and isinstance(inner.ctx, ast.Load):
            items[place : place + 1] = inner.elts
            changed(node)


def defaulted(item: ast.keyword) -> bool:
    """Whether a keyword says what is meant without it."""
    value = constant(item.value)
    if item.arg is None or item.arg not in DEFAULTS or value is None:
        return False
    meant = DEFAULTS[item.arg]
    return type(value_of(value)) is type(meant) and value_of(value) == meant


def is_of_itself(node: ast.Compare) -> bool:
    """Whether an expression is compared with the same one."""
    same = ast.dump(node.left) == ast.dump(node.comparators[0])
    return same and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq)


def copied(node: ast.expr, place: ast.expr) -> ast.expr:
    """A literal or name once more, at another place."""
    if isinstance(node, ast.Name):
        return at(ast.Name(node.id, ast.Load()), place)
    if isinstance(node, ast.Constant):
        return at(ast.Constant(node.value, node.kind), place)
    assert isinstance(node, ast.Tuple)
    parts: list[ast.expr] = [copied(part, place) for part in node.elts]
    return at(ast.Tuple(parts, ast.Load()), place)


def shadowed(tree: ast.AST, name: str) -> bool:
    """Whether a comprehension, lambda or function inside binds a name of its own."""
    for node in walk(*ast.iter_child_nodes(tree)):
        if isinstance(node, ast.comprehension) and any(
            isinstance(part, ast.Name) and part.id == name for part in ast.walk(node.target)
        ):
            return True
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            given = node.args
            args = [*given.posonlyargs, *given.args, *given.kwonlyargs]
            args += [arg for arg in (given.vararg, given.kwarg) if arg is not None]
            if any(arg.arg == name for arg in args):
                return True
    return False
