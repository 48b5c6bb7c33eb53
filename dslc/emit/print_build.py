"""What every form of expression is built from: brackets, optional parentheses, groups.

`level` says where an expression stands: `BARE`, on a line that must not break outside of brackets;
`INSIDE` brackets; or below optional parentheses, whose group's name it then is. The rules are
those of today's Python style (Black's, as ruff has them), so that formatting changes nothing.
"""

import ast
from collections.abc import Callable, Iterable
from typing import Final

from dslc.emit.print_chains import Chains
from dslc.emit.print_layout import (
    SOFT,
    SPACE,
    BestParentheses,
    Doc,
    Group,
    GroupIfBroken,
    IfBroken,
    IfFlat,
    Indent,
    IndentIfBroken,
    MayExpand,
)

BARE: Final = -1
INSIDE: Final = 0


class Build(Chains):
    """Builds documents of the expressions of one statement."""

    def __init__(
        self, root: ast.AST, bare: Iterable[ast.expr] = (), quote: str | None = None
    ) -> None:
        """Prepares for a statement.

        Args:
            root: The statement.
            bare: Tuples that are written without parentheses.
            quote: The quote for strings, inside an f-string.
        """
        super().__init__(root, bare)
        self.quote = quote
        self._names = 0

    def name(self) -> int:
        """A new group name."""
        self._names += 1
        return self._names

    def expression(self, node: ast.expr, level: int) -> Doc:
        """A document of an expression, in parentheses where the syntax needs them."""
        if id(node) in self.wrapped:
            return self.brackets("(", self.naked(node, INSIDE), ")", level)
        return self.naked(node, level)

    def naked(self, node: ast.expr, level: int) -> Doc:
        """A document of an expression without parentheses around it."""
        raise TypeError(f"no form for {type(node).__name__} at level {level}")

    def brackets(self, left: str, content: Doc, right: str, level: int) -> Doc:
        """Content in brackets, on lines of its own where it does not fit on one."""
        inner: Doc = Group([Indent([SOFT, content]), SOFT])
        return [left, MayExpand(inner, level) if level > 0 else inner, right]

    def optional(self, node: ast.expr) -> Doc:
        """An expression that gets parentheses only where expanding its brackets is not enough."""
        return self.around_optional(lambda level: self.naked(node, level))

    def around_optional(self, build: Callable[[int], Doc]) -> Doc:
        """Likewise, for anything that is built for a level."""
        name = self.name()
        return self._parentheses(name, build(name))

    def if_expands(self, content: Doc) -> Doc:
        """Content (built `INSIDE`) that gets parentheses where it breaks."""
        return self._parentheses(self.name(), content)

    def _parentheses(self, name: int, content: Doc) -> Doc:
        opening, closing = IfBroken("(", name), IfBroken(")", name)
        return Group([opening, IndentIfBroken([SOFT, content], name), SOFT, closing], name)

    def standing(self, node: ast.expr, *, kind: str = "breaks") -> Doc:
        """An expression that stands for itself in a statement.

        Args:
            node: The expression.
            kind: `breaks` parenthesises it where it breaks or where that makes it fit,
                `parenthesized` also an atom that breaks inside, `optional` where it breaks only.
        """
        needs = self.needs(node)
        if needs == "always":
            return self.brackets("(", self.naked(node, INSIDE), ")", BARE)
        if needs == "multiline" or (needs == "best" and kind == "parenthesized"):
            if self.can_omit(node):
                return self.optional(node)
            return self.if_expands(self.naked(node, INSIDE))
        if needs == "best" and kind == "breaks":
            name = self.name()
            return BestParentheses(self.naked(node, name), name)
        return self.naked(node, BARE)

    def separated(self, items: list[Doc], *, always: bool = False) -> Doc:
        """Items with commas; the last one has one too where they stand on lines of their own."""
        parts: list[Doc] = []
        for position, item in enumerate(items):
            parts.extend([",", SPACE, item] if position else [item])
        if always or len(items) > 1:
            parts.append(IfBroken(","))
        return parts

    def sequence(self, nodes: list[ast.expr], level: int) -> Doc:
        """Expressions with commas between them."""
        return self.separated([self.expression(node, level) for node in nodes])

    def space(self, level: int) -> Doc:
        """A space that may break where something around it is parenthesised."""
        if level == BARE:
            return " "
        return SPACE if level == INSIDE else [IfBroken(SPACE, level), IfFlat(" ", level)]

    def group(self, content: Doc, level: int) -> Doc:
        """A group where something around it is parenthesised."""
        if level == BARE:
            return content
        return Group(content) if level == INSIDE else GroupIfBroken(content, level)
