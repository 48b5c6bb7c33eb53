"""The parameters of a function that no call in a module gives."""

from __future__ import annotations

import ast
import re
from copy import deepcopy
from typing import TYPE_CHECKING

from dslc.emit.trim_flow import replace, tidy
from dslc.emit.trim_tree import changed, constant, pairs, value_of, walk
from dslc.emit.trim_uses import given, is_open, places

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


OFF = "dropout"
"""What is left out where it is 0, for it does nothing then."""
SENTENCE = re.compile(r"(?<=[.;:])\s+")


def cut_parameters(
    function: ast.FunctionDef,
    calls: Sequence[ast.Call] | None,
    loaded: frozenset[str],
    *,
    fixed: Collection[int],
    bound: bool = False,
    helpers: Collection[str] = (),
    configured: Collection[str] = (),
    needed: Collection[str] = (),
) -> dict[str, ast.expr]:
    """Cuts the parameters whose value is known.

    Args:
        function: The function or method.
        calls: All its calls; None where there may be others.
        loaded: The names that it reads as it is written.
        fixed: The calls that must stay as they are, by their `id`.
        bound: Whether it is a method.
        helpers: What is trimmed as well, so that a number may be handed on to it.
        configured: The attributes that hold parameters by their names, which nothing else needs.
        needed: The parameters that stay.

    Returns:
        What they are, by their names.
    """
    found: dict[str, ast.expr] = {}
    if not calls or is_open(calls) or function.args.vararg is not None:
        return found
    for name in places(function, bound=bound):
        value = known_value(function, calls, name, fixed=fixed, bound=bound)
        if value is None or name in needed:
            continue
        if is_number(value) and stays(function, name, value, {*loaded, name}, helpers, configured):
            continue
        if replace(function, name, value):
            place = places(function, bound=bound)[name]
            for call in calls:
                without_argument(call, place, name)
            without_parameter(function, name)
            found[name] = value
    if found:
        tidy(function, loaded | frozenset(found))
    return found


def known_value(
    function: ast.FunctionDef,
    calls: Sequence[ast.Call],
    name: str,
    *,
    fixed: Collection[int],
    bound: bool,
) -> ast.expr | None:
    """The literal that a parameter always is, else None."""
    default = constant(default_of(function, name))
    place = places(function, bound=bound)[name]
    values = [given(call, place, name) for call in calls]
    some = [value for value in values if value is not None]
    if not some:
        return default
    found = constant(some[0])
    if any(id(call) in fixed and given(call, place, name) is not None for call in calls):
        return None
    if found is None or any(ast.dump(value) != ast.dump(found) for value in some[1:]):
        return None
    whole = len(some) == len(values)
    return found if whole or (default and ast.dump(default) == ast.dump(found)) else None


def is_number(node: ast.expr) -> bool:
    """Whether a literal is a number, which a reader wants to see by its name."""
    value = value_of(node)
    return isinstance(value, int | float) and not isinstance(value, bool)


def stays(
    function: ast.FunctionDef,
    name: str,
    value: ast.expr,
    loaded: Collection[str],
    helpers: Collection[str],
    configured: Collection[str],
) -> bool:
    """Whether a number would stand in a function instead of a parameter, and decide nothing."""
    trial, mark = deepcopy(function), ast.Constant(value_of(value), kind=name)
    if not replace(trial, name, mark):
        return True
    tidy(trial, frozenset(loaded))
    left = [n for n in walk(*trial.body) if isinstance(n, ast.Constant) and n.kind == name]
    allowed: list[ast.expr] = []
    for node in walk(*trial.body):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in helpers:
            allowed += [*node.args, *(item.value for item in node.keywords)]
        elif isinstance(node, ast.Assign) and name.endswith(OFF) and not value_of(value):
            allowed += [value for target, value in pairs(node) if isinstance(target, ast.Attribute)]
        allowed += getattr(configuration_of(node, configured), "values", [])
    known = set(map(id, allowed))
    return any(id(node) not in known for node in left)


def configuration_of(node: ast.AST, configured: Collection[str]) -> ast.Dict | None:
    """The dictionary of parameters by their names that a statement makes, if it does."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Dict):
        return None
    targets = [part for part in node.targets if isinstance(part, ast.Attribute)]
    return node.value if any(part.attr in configured for part in targets) else None


def default_of(function: ast.FunctionDef, name: str) -> ast.expr | None:
    """The default of a parameter."""
    args = function.args
    positional = [*args.posonlyargs, *args.args]
    first = len(positional) - len(args.defaults)
    for place, arg in enumerate(positional):
        if arg.arg == name:
            return args.defaults[place - first] if place >= first else None
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        if arg.arg == name:
            return default
    return None


def without_parameter(function: ast.FunctionDef, name: str) -> None:
    """Takes a parameter from a function."""
    args = function.args
    first = len(args.args) - len(args.defaults)
    for place, arg in enumerate(args.args):
        if arg.arg == name:
            del args.args[place]
            if place >= first:
                del args.defaults[place - first]
            return
    for place, arg in enumerate(args.kwonlyargs):
        if arg.arg == name:
            del args.kwonlyargs[place], args.kw_defaults[place]
            return


def without_argument(call: ast.Call, place: int | None, name: str) -> None:
    """Takes from a call what it gives for a parameter."""
    if place is not None and place < len(call.args):
        del call.args[place]
        changed(call)
    elif any(item.arg == name for item in call.keywords):
        call.keywords = [item for item in call.keywords if item.arg != name]
        changed(call)


def described(node: ast.FunctionDef | ast.ClassDef, cut: Collection[str]) -> None:
    """Takes the sentences about parameters that are cut from the documentation."""
    doc = ast.get_docstring(node)
    if not doc or not cut:
        return
    paragraphs = doc.split("\n\n")
    kept = [without_sentences(text, cut) for text in paragraphs]
    if kept != paragraphs:
        first = node.body[0]
        assert isinstance(first, ast.Expr)
        text = "\n\n".join(part for part in kept if part)
        first.value = ast.copy_location(changed(ast.Constant(text)), first.value)


def without_sentences(text: str, cut: Collection[str]) -> str:
    """A paragraph without the sentences that name something in backticks."""
    parts = SENTENCE.split(text)
    kept = [part for part in parts if not any(f"`{name}`" in part for name in cut)]
    if len(kept) == len(parts):
        return text
    found = " ".join(" ".join(kept).split())
    return f"{found[:-1]}." if found.endswith((";", ":")) else found
