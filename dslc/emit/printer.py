"""Prints the model of a module as source that the formatter leaves as it is."""

import ast
from collections.abc import Sequence
from functools import lru_cache

from dslc.emit import python as model
from dslc.emit.print_expressions import Expressions
from dslc.emit.print_layout import STEP, WIDTH, layout, text_width
from dslc.emit.print_statements import statement
from dslc.emit.print_text import comment_lines, comment_text, docstring


def print_module(module: model.Module) -> str:
    """The source of a module, with its docstring and imports; it ends in a newline."""
    lines = docstring(module.doc, 0)
    imports, body = module.imports.lines(), _block(module.body, 0)
    lines.extend(["", *imports] if lines and imports else imports)
    if lines and body:
        lines.extend([""] * (2 if _opens_definition(module.body) else 1))
    lines.extend(body)
    return "\n".join(lines) + "\n" if lines else ""


def _block(body: Sequence[model.Statement], indent: int) -> list[str]:
    """The lines of statements, with the empty lines that belong between them."""
    lines: list[str] = []
    previous: model.Statement | None = None
    blank = False
    for position, item in enumerate(body):
        if isinstance(item, model.Blank):
            blank = True
            continue
        if previous is not None:
            gap = _gap(previous, body[position:], indent)
            lines.extend([""] * max(gap, int(blank and not _leads(previous, body[position:]))))
        lines.extend(_print(item, indent))
        previous, blank = item, False
    return lines


def _leads(previous: model.Statement, rest: Sequence[model.Statement]) -> bool:
    """Whether a comment stands directly above a definition."""
    return isinstance(previous, model.Comment) and _opens_definition(rest)


def _gap(previous: model.Statement, rest: Sequence[model.Statement], indent: int) -> int:
    """How many empty lines must stand between a statement and those that follow."""
    if _leads(previous, rest):
        return 0
    if _is_definition(previous) or _opens_definition(rest):
        return 1 if indent else 2
    return 0


def _opens_definition(rest: Sequence[model.Statement]) -> bool:
    """Whether the first statement is a definition, perhaps below comments of its own."""
    for item in rest:
        if not isinstance(item, (model.Comment, model.Blank)):
            return _is_definition(item)
    return False


def _is_definition(item: model.Statement) -> bool:
    if isinstance(item, model.Raw):
        return item.source.lstrip().startswith(("def ", "class ", "@", "async def "))
    return isinstance(item, (model.Function, model.Class))


def _print(item: model.Statement, indent: int) -> Sequence[str]:
    if isinstance(item, model.Comment):
        return comment_lines(item.text, indent)
    if isinstance(item, model.Raw):
        rows = item.source.strip("\n").split("\n")
        return [" " * indent + row if row else "" for row in rows]
    if isinstance(item, model.Line):
        return _line(item, indent)
    if isinstance(item, (model.Function, model.Class)):
        return _definition(item, indent)
    if isinstance(item, model.If):
        return _if(item, indent)
    if isinstance(item, model.Blank):
        return []
    return [*statement(item.node, indent), *_suite(item.body, indent + STEP)]


@lru_cache(maxsize=8192)
def _line(item: model.Line, indent: int) -> Sequence[str]:
    lines = statement(item.node, indent)
    if item.comment is None:
        return lines
    whole = f"{lines[0]}  # {comment_text(item.comment)}".rstrip()
    if len(lines) == 1 and text_width(whole) <= WIDTH:
        return (whole,)
    return [*comment_lines(item.comment, indent), *lines]


def _if(item: model.If, indent: int, *, chained: bool = False) -> list[str]:
    header = statement(item.node, indent, chained=chained)
    lines = [*header, *_suite(item.body, indent + STEP)]
    if not item.orelse:
        return lines
    only = item.orelse[0]
    if len(item.orelse) == 1 and isinstance(only, model.If):
        return [*lines, *_if(only, indent, chained=True)]
    return [*lines, " " * indent + "else:", *_suite(item.orelse, indent + STEP)]


def _definition(item: model.Function | model.Class, indent: int) -> list[str]:
    node = item.node
    lines: list[str] = []
    for decorator in _decorators(node):
        build = Expressions(decorator)
        document = ["@", build.standing(decorator, kind="optional")]
        lines.extend(layout(document, indent).split("\n"))
    lines.extend(statement(node, indent))
    doc = docstring(item.doc, indent + STEP)
    lines.extend(doc)
    body = _block(item.body, indent + STEP) if doc else _suite(item.body, indent + STEP)
    if doc and body and (isinstance(item, model.Class) or _opens_definition(item.body)):
        lines.append("")
    return [*lines, *body]


def _decorators(node: ast.stmt) -> list[ast.expr]:
    return node.decorator_list if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else []


def _is_statement(item: model.Statement) -> bool:
    return not isinstance(item, (model.Comment, model.Blank))


def _suite(body: Sequence[model.Statement], indent: int) -> list[str]:
    """The body of a compound statement; `pass` where nothing is in it."""
    lines = _block(body, indent)
    if any(_is_statement(item) for item in body):
        return lines
    return [*lines, " " * indent + "pass"]
