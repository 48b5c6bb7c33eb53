"""Simple statements and the headers of compound ones, laid out."""

import ast
from collections.abc import Callable
from typing import Any, Final

from dslc.emit.print_build import BARE, INSIDE
from dslc.emit.print_expressions import Expressions
from dslc.emit.print_layout import SOFT, Choice, Doc, Expanded, Group, Indent, layout
from dslc.emit.print_operators import binary_symbol


def statement(node: ast.stmt, indent: int, *, chained: bool = False) -> list[str]:
    """The lines of a simple statement, or of the header of a compound one.

    Args:
        node: The statement.
        indent: Columns of indentation.
        chained: An `if` is an `elif`.

    Raises:
        ValueError: The printer has no form for this statement.
    """
    form = _FORMS.get(type(node))
    if form is None:
        raise ValueError(f"the printer has no form for {type(node).__name__}")
    document = form(Expressions(node, _bare_tuples(node)), node)
    return layout(["el", document] if chained else document, indent).split("\n")


def _bare_tuples(node: ast.stmt) -> list[ast.expr]:
    """Tuples without parentheses: targets, returned ones, and values unpacked into targets."""
    if isinstance(node, ast.Assign):
        unpacked = all(isinstance(target, ast.Tuple) for target in node.targets)
        return [*node.targets, node.value] if unpacked else list(node.targets)
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return [node.target]
    return [node.value] if isinstance(node, ast.Return) and node.value else []


def _assign(build: Expressions, node: ast.Assign) -> Doc:
    *heads, last = node.targets
    parts: list[Doc] = []
    for position, target in enumerate(heads):
        plain = position == 0 or not _may_parenthesize(build, target)
        content = build.naked(target, BARE if plain else INSIDE)
        parts.extend([content if plain else build.if_expands(content), " = "])
    if heads or isinstance(last, ast.Tuple) or build.has_own_brackets(last):
        return [parts, _right_to_left(build, last, "=", node.value)]
    return [parts, build.naked(last, BARE), " = ", build.value(node.value)]


def _may_parenthesize(build: Expressions, target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple) or build.has_own_brackets(target):
        return False
    while isinstance(target, ast.Attribute):
        if build.has_brackets(target.value):
            return False
        target = target.value
    return True


def _right_to_left(build: Expressions, left: ast.expr, sign: str, value: ast.expr) -> Doc:
    """Breaks the value before the target: a target in brackets keeps its line if it can."""
    target = build.naked(left, BARE)
    if _may_parenthesize(build, left):
        omit = build.can_omit(left)
        target = build.optional(left) if omit else build.if_expands(build.naked(left, INSIDE))
    atoms = (ast.Name, ast.Constant, ast.JoinedStr)
    chains = (ast.Attribute, ast.Call, ast.Subscript)
    start: list[Doc] = [target, f" {sign} "]
    if not isinstance(value, (*atoms, *chains)) or build.needs(value) != "best":
        return [start, build.value(value)]
    plain = build.naked(value, BARE)
    parenthesized: Doc = ["(", Expanded([Indent([SOFT, plain]), SOFT]), ")"]
    variants: list[Doc] = [[start, plain], [start, parenthesized]]
    if isinstance(value, chains):
        variants.insert(1, [start, Expanded(plain)])
    return Choice([*variants, [Expanded(target), f" {sign} ", plain]])


def _annotated(build: Expressions, node: ast.AnnAssign) -> Doc:
    target: Doc = [build.expression(node.target, BARE), ": "]
    if node.value is None:
        return [target, build.value(node.annotation)]
    if build.is_splittable(node.annotation):
        return [target, _right_to_left(build, node.annotation, "=", node.value)]
    return [target, build.naked(node.annotation, BARE), " = ", build.value(node.value)]


def _augmented(build: Expressions, node: ast.AugAssign) -> Doc:
    sign = f"{binary_symbol(node.op)}="
    if build.has_own_brackets(node.target):
        return _right_to_left(build, node.target, sign, node.value)
    return [build.expression(node.target, BARE), f" {sign} ", build.value(node.value)]


def _return(build: Expressions, node: ast.Return) -> Doc:
    value = node.value
    if value is None:
        return "return"
    if isinstance(value, ast.Tuple) and len(value.elts) == 2:
        elements = value.elts
        return ["return ", build.around_optional(lambda level: build.sequence(elements, level))]
    if isinstance(value, ast.Tuple):
        return ["return ", build.naked(value, BARE)]
    return ["return ", build.value(value)]


def _expression(build: Expressions, node: ast.Expr) -> Doc:
    early = (ast.BitOr, ast.BitXor, ast.LShift, ast.RShift, ast.Add, ast.Sub)
    if isinstance(node.value, ast.BinOp) and isinstance(node.value.op, early):
        return build.standing(node.value, kind="optional")
    return build.expression(node.value, BARE)


def _raise(build: Expressions, node: ast.Raise) -> Doc:
    parts: list[Doc] = ["raise"]
    if node.exc is not None:
        parts.extend([" ", build.standing(node.exc, kind="optional")])
    if node.cause is not None:
        parts.extend([" from ", build.standing(node.cause, kind="optional")])
    return parts


def _assert(build: Expressions, node: ast.Assert) -> Doc:
    parts: list[Doc] = ["assert ", build.standing(node.test)]
    if node.msg is not None:
        parts.extend([", ", build.standing(node.msg, kind="parenthesized")])
    return parts


def _delete(build: Expressions, node: ast.Delete) -> Doc:
    if len(node.targets) == 1:
        return ["del ", build.standing(node.targets[0])]
    return ["del ", build.if_expands(build.sequence(node.targets, INSIDE))]


def _import(build: Expressions, node: ast.Import) -> Doc:
    del build
    return "import " + ", ".join(_alias(name) for name in node.names)


def _import_from(build: Expressions, node: ast.ImportFrom) -> Doc:
    start = f"from {'.' * node.level}{node.module or ''} import "
    names: list[Doc] = [_alias(name) for name in node.names]
    if names == ["*"]:
        return f"{start}*"
    return [start, build.if_expands(build.separated(names, always=True))]


def _alias(node: ast.alias) -> str:
    return f"{node.name} as {node.asname}" if node.asname else node.name


def _names(build: Expressions, node: ast.Global | ast.Nonlocal) -> Doc:
    del build
    return f"{type(node).__name__.lower()} {', '.join(node.names)}"


def _word(build: Expressions, node: ast.stmt) -> Doc:
    del build
    return type(node).__name__.lower()


def _test(build: Expressions, node: ast.If | ast.While) -> Doc:
    word = "if " if isinstance(node, ast.If) else "while "
    if isinstance(node.test, ast.NamedExpr):
        omit = build.can_omit(node.test)
        inside = build.if_expands(build.naked(node.test, INSIDE)) if not omit else None
        return [word, inside or build.optional(node.test), ":"]
    return [word, build.standing(node.test), ":"]


def _for(build: Expressions, node: ast.For | ast.AsyncFor) -> Doc:
    target = node.target
    if isinstance(target, ast.Tuple) and len(target.elts) > 1:
        elements = target.elts
        names = build.around_optional(lambda level: build.sequence(elements, level))
    else:
        names = build.standing(target)
    word = "async for " if isinstance(node, ast.AsyncFor) else "for "
    return [word, names, " in ", build.standing(node.iter), ":"]


def _with(build: Expressions, node: ast.With | ast.AsyncWith) -> Doc:
    word = "async with " if isinstance(node, ast.AsyncWith) else "with "
    first = node.items[0]
    if len(node.items) > 1:
        items: list[Doc] = [_item(build, item, INSIDE) for item in node.items]
        content = build.if_expands(build.separated(items))
    elif first.optional_vars is None:
        content = build.standing(first.context_expr)
    elif build.can_omit(first.context_expr):
        content = build.around_optional(lambda level: _item(build, first, level))
    else:
        content = build.if_expands(_item(build, first, INSIDE))
    return [word, content, ":"]


def _item(build: Expressions, node: ast.withitem, level: int) -> Doc:
    content = build.naked(node.context_expr, level)
    if node.optional_vars is None:
        return content
    return [content, " as ", build.expression(node.optional_vars, level)]


def _class(build: Expressions, node: ast.ClassDef) -> Doc:
    start: list[Doc] = ["class ", node.name]
    if node.bases or node.keywords:
        start.append(build.arguments(node.bases, node.keywords, BARE))
    return [start, ":"]


def _function(build: Expressions, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Doc:
    word = "async def " if isinstance(node, ast.AsyncFunctionDef) else "def "
    header = [_parameters(build, node.args), _returns(build, node)]
    return [word, node.name, Group(header), ":"]


def _parameters(build: Expressions, node: ast.arguments) -> Doc:
    from dslc.emit.print_forms import parameters

    items = parameters(build, node)
    if not items:
        return "()"
    content = build.separated(items, always=True)
    plain = len(items) == 1 and not node.posonlyargs
    return ["(", Indent([SOFT, content if plain else Group(content)]), SOFT, ")"]


def _returns(build: Expressions, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Doc:
    returns = node.returns
    if returns is None:
        return ""
    if isinstance(returns, ast.Subscript) and build.needs(returns) == "best":
        has_parameters = bool(build and _parameters(build, node.args) != "()")
        if has_parameters:
            return [" -> ", build.naked(returns, BARE)]
        omit = build.can_omit(returns)
        inside = build.if_expands(build.naked(returns, INSIDE))
        return [" -> ", build.optional(returns) if omit else inside]
    return [" -> ", build.standing(returns)]


_FORMS: Final[dict[type[ast.stmt], Callable[[Expressions, Any], Doc]]] = {
    ast.AnnAssign: _annotated,
    ast.Assert: _assert,
    ast.Assign: _assign,
    ast.AsyncFor: _for,
    ast.AsyncFunctionDef: _function,
    ast.AsyncWith: _with,
    ast.AugAssign: _augmented,
    ast.Break: _word,
    ast.ClassDef: _class,
    ast.Continue: _word,
    ast.Delete: _delete,
    ast.Expr: _expression,
    ast.For: _for,
    ast.FunctionDef: _function,
    ast.Global: _names,
    ast.If: _test,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Nonlocal: _names,
    ast.Pass: _word,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.While: _test,
    ast.With: _with,
}
