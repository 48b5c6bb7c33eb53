"""What an expression needs around it: none, optional or certain parentheses; and call chains."""

import ast
from collections.abc import Iterable
from typing import Literal

from dslc.emit.print_operators import (
    SPLIT_ATTRIBUTE,
    SPLIT_BOOLEAN,
    SPLIT_COMPARISON,
    SPLIT_CONDITIONAL,
    SPLIT_INVERT,
    split_rank,
    wrapped,
)

Needs = Literal["always", "best", "multiline", "never"]


class Chains:
    """Questions about the expressions of one statement."""

    def __init__(self, root: ast.AST, bare: Iterable[ast.expr] = ()) -> None:
        """Finds which expressions must be parenthesised.

        Args:
            root: The statement.
            bare: Tuples that are written without parentheses.
        """
        self.wrapped = wrapped(root)
        self.bare = {id(node) for node in bare}

    def is_fluent(self, node: ast.expr) -> bool:
        """Whether a chain breaks before its dots: two or more calls or subscripts before one."""
        count = 0
        while True:
            if isinstance(node, ast.Attribute):
                if id(node.value) in self.wrapped:
                    return count >= 1
                count += isinstance(node.value, (ast.Call, ast.Subscript))
                node = node.value
            elif isinstance(node, (ast.Call, ast.Subscript)):
                inner = node.func if isinstance(node, ast.Call) else node.value
                if id(inner) in self.wrapped:
                    return count >= 2
                node = inner
            else:
                return count >= 2

    def needs(self, node: ast.expr) -> Needs:
        """Which parentheses an expression that stands for itself needs where it breaks."""
        inner = _inner(node)
        if isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)) and self.is_fluent(node):
            return "multiline"
        if inner is not None:
            return "never" if id(inner) in self.wrapped else self.needs(inner)
        if isinstance(node, (ast.Name, ast.Constant, ast.JoinedStr)):
            return "best"
        if isinstance(node, ast.NamedExpr):
            return "always"
        operators = (ast.BoolOp, ast.BinOp, ast.Compare, ast.IfExp, ast.Lambda, ast.Starred)
        return "multiline" if isinstance(node, operators) else "never"

    def has_own_brackets(self, node: ast.expr) -> bool:
        """Whether an expression ends in brackets of its own."""
        kinds = (ast.ListComp, ast.SetComp, ast.DictComp, ast.Subscript, ast.GeneratorExp)
        kinds = (*kinds, ast.List, ast.Set, ast.Dict, ast.Call)
        is_tuple = isinstance(node, ast.Tuple) and id(node) not in self.bare
        return is_tuple or isinstance(node, kinds)

    def has_brackets(self, node: ast.expr) -> bool:
        """Likewise, or whether it is parenthesised."""
        return self.has_own_brackets(node) or id(node) in self.wrapped

    def is_filled(self, node: ast.expr) -> bool:
        """Whether the brackets at an end of an expression hold anything that could break."""
        if isinstance(node, ast.Subscript):
            return False
        if id(node) in self.wrapped:
            return True
        if isinstance(node, ast.Call):
            return bool(node.args or node.keywords)
        if isinstance(node, (ast.List, ast.Set, ast.Tuple)):
            return self.has_own_brackets(node) and bool(node.elts)
        if isinstance(node, ast.Dict):
            return bool(node.keys)
        return self.has_own_brackets(node)

    def can_omit(self, node: ast.expr) -> bool:
        """Whether expanding brackets inside an expression can do without parentheses around it."""
        view = _View(self)
        view.visit_inside(node)
        if not view.bracketed or view.count > 1:
            return False
        if view.rank <= SPLIT_ATTRIBUTE:
            return True
        ends = [end for end in (view.last, view.first) if isinstance(end, ast.expr)]
        return any(self.is_filled(end) for end in ends)

    def is_splittable(self, node: ast.expr) -> bool:
        """Whether an expression has any place to break."""
        if isinstance(node, (ast.Attribute, ast.Starred, ast.UnaryOp)):
            inner = node.operand if isinstance(node, ast.UnaryOp) else node.value
            return id(inner) in self.wrapped or self.is_splittable(inner)
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            return bool(node.elts)
        if isinstance(node, ast.Call):
            return bool(node.args or node.keywords) or id(node.func) in self.wrapped
        if isinstance(node, ast.Dict):
            return bool(node.keys)
        return not isinstance(node, (ast.Name, ast.Constant, ast.JoinedStr, ast.NamedExpr))


def _inner(node: ast.expr) -> ast.expr | None:
    """The expression at the start of a chain's last link, or a unary operator's operand."""
    if isinstance(node, (ast.Attribute, ast.Subscript, ast.Await)):
        return node.value
    if isinstance(node, ast.Call):
        return node.func
    return node.operand if isinstance(node, ast.UnaryOp) else None


class _View:
    """A walk over an expression outside of its brackets: operators, and what stands at the ends."""

    def __init__(self, chains: Chains) -> None:
        self.chains = chains
        self.rank = 0
        self.count = 0
        self.bracketed = False
        self.first: ast.expr | Literal["token"] | None = None
        self.last: ast.expr | None = None

    def visit(self, node: ast.expr) -> None:
        self.last = node
        if id(node) in self.chains.wrapped:
            self.bracketed = True
        else:
            self.visit_inside(node)
        self.first = self.first or node

    def visit_inside(self, node: ast.expr) -> None:
        if isinstance(node, (ast.Call, ast.Subscript)):
            self.bracketed = True
            self.visit(node.func if isinstance(node, ast.Call) else node.value)
            self.last = node
        elif isinstance(node, ast.Attribute):
            self.visit(node.value)
            if self.chains.has_brackets(node.value):
                self._operator(SPLIT_ATTRIBUTE, 1)
            self.last = node
        elif self.chains.has_own_brackets(node):
            self.bracketed = True
        elif not isinstance(node, (ast.Name, ast.Constant, ast.JoinedStr, ast.Slice)):
            self._operators(node)
            for child in _children(node):
                self.visit(child)

    def _operators(self, node: ast.expr) -> None:
        if isinstance(node, ast.BoolOp):
            self._operator(SPLIT_BOOLEAN, len(node.values) - 1)
        elif isinstance(node, ast.BinOp):
            self._operator(split_rank(node.op), 1)
        elif isinstance(node, ast.IfExp):
            self._operator(SPLIT_CONDITIONAL, 2)
        elif isinstance(node, ast.Compare):
            self._operator(SPLIT_COMPARISON, len(node.ops))
        elif isinstance(node, (ast.UnaryOp, ast.Lambda, ast.Await, ast.Yield, ast.Starred)):
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
                self._operator(SPLIT_INVERT, 1)
            self.first = self.first or "token"

    def _operator(self, rank: int, count: int) -> None:
        if rank > self.rank:
            self.rank, self.count = rank, count
        elif rank == self.rank:
            self.count += count


def _children(node: ast.expr) -> list[ast.expr]:
    """The expressions below a node in the order of the source."""
    if isinstance(node, ast.IfExp):
        return [node.body, node.test, node.orelse]
    if isinstance(node, ast.Lambda):
        defaults = [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
        return [*defaults, node.body]
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
