"""Layers' names beside those that Keras makes up itself.

Keras numbers what has no name (`add`, `add_1`, `gelu`) and does not look at the names that are given,
so that a step called `add` would meet an unnamed addition. Its layer gets a `-` behind its name.
"""

from __future__ import annotations

import ast
import re

OPERATORS = (
    *("absolute", "add", "divide", "equal", "floor_divide", "get_item", "greater"),
    *("greater_equal", "less", "less_equal", "logical_and", "logical_not", "logical_or"),
    *("matmul", "mod", "multiply", "negative", "not_equal", "power", "subtract", "true_divide"),
)
"""What Keras calls the operators of Python."""


def clashing_names(source: str) -> frozenset[str]:
    """The names of layers in a module that Keras may give to another one.

    What a function of the module is given is no layer's name but the beginning of those inside.
    """
    made_up, given = {*OPERATORS}, set[str]()
    nodes = [*ast.walk(ast.parse(source))]
    classes = {node.name for node in nodes if isinstance(node, ast.ClassDef)}
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    for node in nodes:
        if not isinstance(node, ast.Call) or ast.unparse(node.func) in functions:
            continue
        names = [item.value for item in node.keywords if item.arg == "name"]
        given |= {str(name.value) for name in names if isinstance(name, ast.Constant)}
        module, _, word = ast.unparse(node.func).rpartition(".")
        if not names and (module in ("layers", "ops") or word in classes):
            made_up.add(snake(word))
    return frozenset(name for name in given if re.sub(r"_\d+$", "", name) in made_up)


def own_name(name: str, clashing: frozenset[str]) -> str:
    """A layer's name, apart from those that Keras makes up."""
    return f"{name}-" if name in clashing else name


def snake(word: str) -> str:
    """What Keras makes of a class's name."""
    word = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", word)
    return re.sub("([a-z])([A-Z])", r"\1_\2", word).lower()
