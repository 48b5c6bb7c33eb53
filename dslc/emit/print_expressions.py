"""Every expression as a document: the table of forms, and the chains of calls.

A chain of calls, attributes and subscripts is built from its end inwards. Where it stands in
brackets and has two links or more it is fluent: it breaks before its dots.
"""

import ast
from collections.abc import Callable
from typing import Any, Final

from dslc.emit import print_forms as forms
from dslc.emit.print_build import BARE, INSIDE, Build
from dslc.emit.print_layout import SOFT, Doc, Group


class Expressions(Build):
    """Builds documents of every expression of one statement."""

    def naked(self, node: ast.expr, level: int) -> Doc:
        """A document of an expression without parentheses around it."""
        if isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
            if level != BARE and self.is_fluent(node):
                return Group(self._link(node, level, fluent=True))
            return self._link(node, level, fluent=False)
        return _FORMS[type(node)](self, node, level)

    def value(self, node: ast.expr) -> Doc:
        """The right side of an assignment, or what a statement returns."""
        if isinstance(node, ast.Lambda):
            return self.if_expands(forms.lambda_value(self, node))
        return self.standing(node)

    def _link(
        self, node: ast.Attribute | ast.Call | ast.Subscript, level: int, *, fluent: bool
    ) -> Doc:
        inner = node.func if isinstance(node, ast.Call) else node.value
        chained = isinstance(inner, (ast.Attribute, ast.Call, ast.Subscript))
        if chained and id(inner) not in self.wrapped:
            before = self._link(inner, level, fluent=fluent)
        else:
            before = self.expression(inner, level)
        if isinstance(node, ast.Call):
            return [before, self.arguments(node.args, node.keywords, level)]
        if isinstance(node, ast.Subscript):
            return [before, self._index(node.slice, level)]
        breaks = isinstance(inner, (ast.Call, ast.Subscript)) or id(inner) in self.wrapped
        return [before, SOFT if fluent and breaks else "", ".", node.attr]

    def arguments(self, values: list[ast.expr], keywords: list[ast.keyword], level: int) -> Doc:
        """The arguments of a call or a class, in parentheses."""
        if not values and not keywords:
            return "()"
        if len(values) == 1 and not keywords and isinstance(values[0], ast.GeneratorExp):
            return self.brackets("(", Group(forms.comprehension(self, values[0])), ")", level)
        return self.brackets("(", Group(self.separated(self._items(values, keywords))), ")", level)

    def _items(self, values: list[ast.expr], keywords: list[ast.keyword]) -> list[Doc]:
        """Arguments in the order of the source: a starred one may follow a keyword."""
        items: list[Doc] = [self.expression(value, INSIDE) for value in values]
        for keyword in keywords:
            name = "**" if keyword.arg is None else f"{keyword.arg}="
            items.append([name, self.expression(keyword.value, INSIDE)])
        return items

    def _index(self, node: ast.expr, level: int) -> Doc:
        content = self.expression(node, INSIDE)
        if isinstance(node, ast.Tuple) and node.elts:
            alone = len(node.elts) == 1 and not isinstance(node.elts[0], ast.Starred)
            items: Doc = self.sequence(node.elts, INSIDE)
            content = [items, ","] if alone else Group(items)
        return self.brackets("[", content, "]", level)


_FORMS: Final[dict[type[ast.expr], Callable[[Build, Any, int], Doc]]] = {
    ast.Await: forms.await_,
    ast.BinOp: forms.operators,
    ast.BoolOp: forms.operators,
    ast.Compare: forms.operators,
    ast.Constant: forms.atom,
    ast.Dict: forms.dict_,
    ast.DictComp: forms.dict_comprehension,
    ast.GeneratorExp: forms.bracketed_comprehension,
    ast.IfExp: forms.conditional,
    ast.JoinedStr: forms.fstring,
    ast.Lambda: forms.lambda_,
    ast.List: forms.list_or_set,
    ast.ListComp: forms.bracketed_comprehension,
    ast.Name: forms.atom,
    ast.NamedExpr: forms.named,
    ast.Set: forms.list_or_set,
    ast.SetComp: forms.bracketed_comprehension,
    ast.Slice: forms.slice_,
    ast.Starred: forms.starred,
    ast.Tuple: forms.tuple_,
    ast.UnaryOp: forms.unary,
    ast.Yield: forms.yield_,
    ast.YieldFrom: forms.yield_,
}
