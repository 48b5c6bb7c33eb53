"""The forms of expressions: operators, collections, comprehensions, lambdas, f-strings.

Each function makes the document of one kind of expression, without parentheses around it.
"""

import ast
from typing import cast

from dslc.emit import print_text as text
from dslc.emit.print_build import BARE, INSIDE, Build
from dslc.emit.print_layout import (
    HARD,
    SOFT,
    SPACE,
    Choice,
    Doc,
    Expanded,
    Group,
    IfBroken,
    Indent,
    MayExpand,
    one_line,
)
from dslc.emit.print_operators import (
    SPLIT_BOOLEAN,
    SPLIT_COMPARISON,
    TEST,
    binary_symbol,
    binding,
    comparison_symbol,
    split_rank,
    unary_symbol,
)

_Chain = list["ast.expr | tuple[str, int]"]


def atom(build: Build, node: ast.Name | ast.Constant, level: int) -> Doc:
    """A name or a constant."""
    del level
    if isinstance(node, ast.Name):
        return node.id
    value = node.value
    if isinstance(value, (str, bytes)):
        return text.string(value, build.quote)
    if isinstance(value, (int, float, complex)) and not isinstance(value, bool):
        return text.number(value)
    return "..." if value is Ellipsis else repr(value)


def fstring(build: Build, node: ast.JoinedStr, level: int) -> Doc:
    """An f-string; strings in its fields have the other quote."""
    del level
    literal = "".join(_literal(part) for part in node.values if isinstance(part, ast.Constant))
    quote = build.quote or ("'" if literal.count('"') > literal.count("'") else '"')
    return f"f{quote}{_fstring_parts(build, node, quote)}{quote}"


def _literal(node: ast.expr) -> str:
    return str(cast(ast.Constant, node).value)


def _fstring_parts(build: Build, node: ast.JoinedStr, quote: str) -> str:
    return "".join(
        _field(build, part, quote)
        if isinstance(part, ast.FormattedValue)
        else text.fstring_text(_literal(part), quote)
        for part in node.values
    )


def _field(build: Build, part: ast.FormattedValue, quote: str) -> str:
    inner = type(build)(part.value, quote="'" if quote == '"' else '"')
    source = one_line(inner.naked(part.value, BARE))
    if quote in source or "\\" in source:
        raise ValueError("an f-string's field can hold neither its own quote nor a backslash")
    if isinstance(part.value, ast.Lambda) or binding(part.value) < TEST:
        source = f"({source})"
    conversion = f"!{chr(part.conversion)}" if part.conversion > 0 else ""
    spec = ""
    if isinstance(part.format_spec, ast.JoinedStr):
        spec = ":" + _fstring_parts(build, part.format_spec, quote)
    if source.startswith("{"):
        source = f" {source}" if conversion or spec else f" {source} "
    return f"{{{source}{conversion}{spec}}}"


def _chain(build: Build, node: ast.expr) -> _Chain:
    """A tree of operators as one list: operand, operator, operand, and so on."""
    if isinstance(node, ast.BinOp):
        operator = (binary_symbol(node.op), split_rank(node.op))
        return [*_link(build, node.left), operator, *_link(build, node.right)]
    parts: _Chain = []
    if isinstance(node, ast.BoolOp):
        word = "and" if isinstance(node.op, ast.And) else "or"
        for position, value in enumerate(node.values):
            parts.extend([(word, SPLIT_BOOLEAN)] if position else [])
            parts.extend(_link(build, value))
    elif isinstance(node, ast.Compare):
        parts.extend(_link(build, node.left))
        for operator, value in zip(node.ops, node.comparators, strict=True):
            parts.append((comparison_symbol(operator), SPLIT_COMPARISON))
            parts.extend(_link(build, value))
    return parts


def _link(build: Build, node: ast.expr) -> _Chain:
    chained = isinstance(node, (ast.BinOp, ast.BoolOp, ast.Compare))
    return _chain(build, node) if chained and id(node) not in build.wrapped else [node]


def operators(build: Build, node: ast.expr, level: int) -> Doc:
    """A chain of binary operators, comparisons, or `and` and `or`."""
    return build.group(_split(build, _chain(build, node), level), level)


def _split(build: Build, chain: _Chain, level: int) -> Doc:
    """Breaks a chain at its loosest operators; what stands between them is a group of its own."""
    if len(chain) == 1:
        return build.expression(cast(ast.expr, chain[0]), level)
    rank = max(part[1] for part in chain if isinstance(part, tuple))
    parts: list[Doc] = []
    start = 0
    for position, part in enumerate(chain):
        if isinstance(part, tuple) and part[1] == rank:
            parts.append(_side(build, chain[start:position], level))
            parts.extend(_operator(build, chain, position, level))
            start = position + 1
    parts.append(_side(build, chain[start:], level))
    return parts


def _side(build: Build, chain: _Chain, level: int) -> Doc:
    document = _split(build, chain, level)
    return document if len(chain) == 1 else build.group(document, level)


def _operator(build: Build, chain: _Chain, position: int, level: int) -> list[Doc]:
    symbol = cast("tuple[str, int]", chain[position])[0]
    sides = cast("list[ast.expr]", [chain[position - 1], chain[position + 1]])
    hugs = symbol == "**" and all(
        _is_simple(side) and id(side) not in build.wrapped for side in sides
    )
    if not hugs:
        return [build.space(level), symbol, " "]
    if level == BARE:
        return [symbol]
    return [SOFT if level == INSIDE else IfBroken(SOFT, level), symbol, IfBroken(" ", level)]


def _is_simple(node: ast.expr) -> bool:
    """Whether `**` hugs this operand: a name, a number, an attribute of one, perhaps negative."""
    if isinstance(node, ast.UnaryOp):
        return not isinstance(node.op, ast.Not) and _is_simple(node.operand)
    if isinstance(node, ast.Attribute):
        return _is_simple(node.value)
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, (str, bytes)) and node.value is not Ellipsis
    return isinstance(node, ast.Name)


def unary(build: Build, node: ast.UnaryOp, level: int) -> Doc:
    """A unary operator."""
    return [unary_symbol(node.op), build.expression(node.operand, level)]


def conditional(build: Build, node: ast.IfExp, level: int) -> Doc:
    """A conditional expression; a chain of them breaks as one."""
    return build.group(_conditional_parts(build, node, level), level)


def _conditional_parts(build: Build, node: ast.IfExp, level: int) -> Doc:
    if isinstance(node.orelse, ast.IfExp) and id(node.orelse) not in build.wrapped:
        orelse = _conditional_parts(build, node.orelse, level)
    else:
        orelse = build.group(build.expression(node.orelse, level), level)
    body, test = build.expression(node.body, level), build.expression(node.test, level)
    return [body, build.space(level), "if ", test, build.space(level), "else ", orelse]


def lambda_(build: Build, node: ast.Lambda, level: int) -> Doc:
    """A lambda; its parameters stay on one line."""
    return [_lambda_head(build, node), _lambda_body(build, node.body, level)]


def lambda_value(build: Build, node: ast.Lambda) -> Doc:
    """A lambda that is the whole value of a statement: its body may expand."""
    return [_lambda_head(build, node), MayExpand(_lambda_body(build, node.body, INSIDE))]


def _lambda_head(build: Build, node: ast.Lambda) -> str:
    inner = one_line([", ".join(one_line(item) for item in parameters(build, node.args))])
    return f"lambda {inner}: " if inner else "lambda: "


def _lambda_body(build: Build, node: ast.expr, level: int) -> Doc:
    needs = "multiline" if id(node) in build.wrapped else build.needs(node)
    if needs != "multiline" and isinstance(node, (ast.Call, ast.Subscript)):
        plain = build.naked(node, level)
        return Choice([plain, Expanded(plain), ["(", Indent([HARD, plain]), HARD, ")"]])
    if needs != "multiline" and build.has_own_brackets(node):
        return build.naked(node, level)
    if needs == "always" or id(node) in build.wrapped:
        return build.brackets("(", build.naked(node, INSIDE), ")", level)
    return build.if_expands(build.naked(node, INSIDE))


def list_or_set(build: Build, node: ast.List | ast.Set, level: int) -> Doc:
    """A list or a set."""
    left, right = ("[", "]") if isinstance(node, ast.List) else ("{", "}")
    if not node.elts:
        return left + right
    return build.brackets(left, build.sequence(node.elts, INSIDE), right, level)


def tuple_(build: Build, node: ast.Tuple, level: int) -> Doc:
    """A tuple, in parentheses unless it is marked as bare."""
    if not node.elts:
        return "()"
    if len(node.elts) == 1:
        return build.brackets("(", [build.expression(node.elts[0], INSIDE), ","], ")", level)
    items = build.sequence(node.elts, INSIDE)
    if id(node) in build.bare:
        return build.if_expands(items)
    return build.brackets("(", items, ")", level)


def dict_(build: Build, node: ast.Dict, level: int) -> Doc:
    """A dictionary."""
    if not node.keys:
        return "{}"
    items: list[Doc] = []
    for key, value in zip(node.keys, node.values, strict=True):
        lead: Doc = "**" if key is None else [build.expression(key, INSIDE), ": "]
        items.append(Group([lead, build.expression(value, INSIDE)]))
    return build.brackets("{", build.separated(items), "}", level)


def _generators(build: Build, nodes: list[ast.comprehension]) -> Doc:
    parts: list[Doc] = []
    for node in nodes:
        target: Doc = build.expression(node.target, INSIDE)
        if isinstance(node.target, ast.Tuple) and len(node.target.elts) > 1:
            items = [build.expression(item, INSIDE) for item in node.target.elts]
            target = [items[0], *([", ", item] for item in items[1:])]
        lead = "async for " if node.is_async else "for "
        parts.extend([SPACE, lead, target, " in ", build.expression(node.iter, INSIDE)])
        for test in node.ifs:
            parts.extend([SPACE, "if ", build.expression(test, INSIDE)])
    return parts


def comprehension(build: Build, node: ast.GeneratorExp | ast.ListComp | ast.SetComp) -> Doc:
    """A comprehension without its brackets."""
    element = Group(build.expression(node.elt, INSIDE))
    return Group([element, _generators(build, node.generators)])


def bracketed_comprehension(
    build: Build, node: ast.GeneratorExp | ast.ListComp | ast.SetComp, level: int
) -> Doc:
    """A list or set comprehension, or a generator in parentheses."""
    left, right = {"GeneratorExp": "()", "ListComp": "[]", "SetComp": "{}"}[type(node).__name__]
    return build.brackets(left, comprehension(build, node), right, level)


def dict_comprehension(build: Build, node: ast.DictComp, level: int) -> Doc:
    """A dictionary comprehension."""
    key = Group(build.expression(node.key, INSIDE))
    value = build.expression(node.value, INSIDE)
    content = Group([key, ": ", value, _generators(build, node.generators)])
    return build.brackets("{", content, "}", level)


def starred(build: Build, node: ast.Starred, level: int) -> Doc:
    """A starred expression."""
    return ["*", build.expression(node.value, level)]


def named(build: Build, node: ast.NamedExpr, level: int) -> Doc:
    """An assignment expression."""
    return [
        Group([build.expression(node.target, level), build.space(level)]),
        ":= ",
        build.expression(node.value, level),
    ]


def await_(build: Build, node: ast.Await, level: int) -> Doc:
    """An `await`."""
    return ["await ", build.expression(node.value, level)]


def yield_(build: Build, node: ast.Yield | ast.YieldFrom, level: int) -> Doc:
    """A `yield` or `yield from`."""
    word = "yield from " if isinstance(node, ast.YieldFrom) else "yield "
    return "yield" if node.value is None else [word, build.expression(node.value, level)]


def slice_(build: Build, node: ast.Slice, level: int) -> Doc:
    """A slice, with spaces around its colons where a part is more than a name or a number."""
    bounds = [part for part in (node.lower, node.upper, node.step) if part is not None]
    gap = "" if all(_is_slice_atom(part) for part in bounds) else " "
    parts: list[Doc] = []
    if node.lower is not None:
        parts.extend([build.expression(node.lower, level), gap])
    parts.append(":")
    if node.upper is not None:
        parts.extend([gap, build.expression(node.upper, level)])
    if node.step is not None:
        lead = gap if node.upper is not None else ""
        parts.extend([lead, ":", gap, build.expression(node.step, level)])
    return parts


def _is_slice_atom(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
        return _is_slice_atom(node.operand)
    return isinstance(node, (ast.Name, ast.Constant))


def parameters(build: Build, node: ast.arguments) -> list[Doc]:
    """The parameters of a function, with the markers between their kinds."""
    items: list[Doc] = []
    positional = [*node.posonlyargs, *node.args]
    first_default = len(positional) - len(node.defaults)
    for position, argument in enumerate(positional):
        default = node.defaults[position - first_default] if position >= first_default else None
        items.append(_parameter(build, argument, default))
        if position == len(node.posonlyargs) - 1:
            items.append("/")
    if node.vararg is not None:
        items.append(["*", _parameter(build, node.vararg, None)])
    elif node.kwonlyargs:
        items.append("*")
    for argument, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        items.append(_parameter(build, argument, default))
    if node.kwarg is not None:
        items.append(["**", _parameter(build, node.kwarg, None)])
    return items


def _parameter(build: Build, node: ast.arg, default: ast.expr | None) -> Doc:
    parts: list[Doc] = [node.arg]
    if node.annotation is not None:
        parts.extend([": ", build.expression(node.annotation, INSIDE)])
    if default is not None:
        parts.append("=" if node.annotation is None else " = ")
        parts.append(build.expression(default, INSIDE))
    return parts
