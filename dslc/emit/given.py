"""Layers that compute with weights of other layers: how the text that a rule wrote calls them then.

A rule writes `self.second(x)` or `self.second.weight` whether its weights are its own or not. Where
some are not, the layer is made without them, and each use of it in that text is given them.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Calls = Callable[[str, list[str]], str]


def with_given(text: str, layer: str, weights: Mapping[str, str], call: Calls) -> tuple[str, bool]:
    """A statement or expression in which a layer is given weights of other layers; whether it reads any.

    Args:
        text: The statement or expression.
        layer: The expression of the layer, as it stands in the text.
        weights: The other layers' weights by the layer's own names for them.
        call: What a call of the layer becomes, from the layer and the call's arguments.
    """
    given = _Given(layer, weights, call)
    return ast.unparse(given.visit(ast.parse(text))), given.found


@final
class _Given(ast.NodeTransformer):
    def __init__(self, layer: str, weights: Mapping[str, str], call: Calls) -> None:
        self.layer = layer
        self.weights = weights
        self.calls = call
        self.found = False

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A call of the layer, or of anything else."""
        self.generic_visit(node)
        if ast.unparse(node.func) != self.layer:
            return node
        self.found = True
        texts = [ast.unparse(part) for part in (*node.args, *node.keywords)]
        return ast.parse(self.calls(self.layer, texts), mode="eval").body

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A weight of the layer, or any other attribute."""
        text = ast.unparse(node)
        for name, weight in self.weights.items():
            if text == f"{self.layer}.{name}":
                self.found = True
                return ast.parse(weight, mode="eval").body
        return self.generic_visit(node)
