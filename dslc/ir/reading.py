"""What every part of elaboration uses: expressions, words and mappings out of the tree, errors."""

from __future__ import annotations

from math import isfinite

from dslc.diagnostics import meant, mend, nearest
from dslc.ops import find
from dslc.syntax.expressions import (
    Expr,
    ExpressionError,
    ListOf,
    Literal,
    Name,
    free_names,
    names_in,
    parse_expression,
)
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.syntax.types import TypeExpr, parse_type
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.diagnostics import Report
    from dslc.ir.imported_names import Units
    from dslc.ir.scope import Scope
    from dslc.source import Span
    from dslc.syntax.tree import Node


def is_snake(text: str) -> bool:
    """Whether a text is a name in snake_case."""
    return text.isascii() and text.isidentifier() and text[0].islower() and text == text.lower()


def camel(text: str) -> str | None:
    """A name in CamelCase made from another; None where there is none."""
    words = [word for word in "".join(c if c.isalnum() else " " for c in text).split() if word]
    found = "".join(word[:1].upper() + word[1:] for word in words)
    return found if is_camel(found) else None


def is_camel(text: str) -> bool:
    """Whether a text is a name in CamelCase."""
    return text.isascii() and text.isidentifier() and text[0].isupper() and "_" not in text


def home_of(name: str) -> str:
    """A model's name in snake_case: `ResNet50` is `res_net50`, `VAE` is `vae`."""
    parts: list[str] = []
    for position, letter in enumerate(name):
        before, after = name[position - 1 : position], name[position + 1 : position + 2]
        starts = letter.isupper() and bool(before)
        if starts and (before.islower() or (after.islower() and not before.isdigit())):
            parts.append("_")
        parts.append(letter.lower())
    return "".join(parts)


def is_nothing(node: Node | None) -> bool:
    """Whether there is no node, or one that says nothing: `inputs:` and no more, `inputs: {}`."""
    if isinstance(node, Mapping):
        return not node.entries
    return node is None or (isinstance(node, Scalar) and node.plain and node.value is None)


RESERVED = ("name", "from", "repeat", "when", "type", "init", "tie", "freeze", "doc")
"""The keys that stand beside a step's op."""

TRUTHS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
"""What other languages and older YAML call true and false."""


STEPS_ELSEWHERE = ("layers", "network", "model", "architecture")
"""What others call the steps."""


def has_dot(expression: Expr) -> bool:
    """Whether an expression reads a param of an imported spec."""
    return any("." in name for name in free_names(expression))


def misspelt_imports(root: Mapping, known: Iterable[str]) -> dict[str, None]:
    """The names under a key that was meant to be `imports`: that has been told at the key."""
    return {
        name.text: None
        for key, value in root.entries
        if key.text not in known and nearest(key.text, known) == "imports"
        for name, _ in (value.entries if isinstance(value, Mapping) else ())
    }


class Reader:
    """Turns pieces of the tree into typed pieces, reporting what does not fit."""

    def __init__(self, report: Report, imported: Units | None = None) -> None:
        self.report = report
        self.imported: Units = {} if imported is None else imported

    def expression(self, node: Node, scope: Scope | None = None) -> Expr | None:
        """The expression that a slot holds; None after an error."""
        if isinstance(node, Sequence):
            items = [self.expression(item, scope) for item in node.items]
            if any(item is None for item in items):
                return None
            return ListOf(tuple(item for item in items if item is not None), node.span)
        if isinstance(node, Mapping):
            message = "an expression or a list is expected here, not a mapping"
            self.report.error("E0619", node.span, message)
            return None
        if node.style == "plain" and node.value is None:
            return Literal(None, node.span)
        if isinstance(node.value, float) and not isfinite(node.value):
            message = f"`{node.text}` is no number to compute with"
            self.report.error("E0212", node.span, message, help="write a finite number")
            return None
        return self.parsed(node.text, node.span, scope)

    def parsed(self, text: str, span: Span, scope: Scope | None) -> Expr | None:
        """The expression in a text; its names are looked up where a scope is given."""
        try:
            found = parse_expression(text, span)
        except ExpressionError as error:
            if not self.report.has("E0117", error.span):  # the number that it is
                self.report.error(error.code, error.span, error.message, help=error.help)
            return None
        if "." in text:
            return self.resolved(found, span, scope)
        if scope is not None:
            self.look_up(found, span, scope)
        return found

    def resolved(self, expression: Expr, span: Span, scope: Scope | None) -> Expr | None:
        """An expression with the values of imported params (`res.width`); None after an error."""
        if has_dot(expression):
            from dslc.ir.defaults import folded
            from dslc.ir.imported_names import imported_params

            known = imported_params(self.report, self.imported, expression, span)
            values = {name: value for name, value in known.items() if value is not None}
            if len(values) < len(known):
                return None
            expression = folded(expression, values)
        if scope is not None:
            self.look_up(expression, span, scope)
        return expression

    def look_up(self, expression: Expr, span: Span, scope: Scope) -> None:
        """Reports a lower-case name that nothing defines; capitals are dims, bound by types.

        Each such name once, where it first stands; its mend renames it everywhere in the slot.
        """
        places: dict[str, list[Span]] = {}
        for name in names_in(expression):
            if not scope.knows(name.id) and name.id[:1].islower():
                places.setdefault(name.id, []).append(name.span)
        for name, (first, *others) in places.items():
            known = (*scope.all_names(), *TRUTHS.values())
            close = TRUTHS.get(name.lower()) or nearest(name, known)
            help = f"did you mean `{close}`?" if close else "declare it under `params`"
            if close is None and find(name) is not None:
                help = f"in an expression a word has quotes of its own: \"'{name}'\""
            is_alone = isinstance(expression, Name) or first != span
            fix = [edit for place in (first, *others) for edit in mend(place, name, close)]
            message = f"no param, index or dim is called `{name}`"
            self.report.error("E0401", first, message, help=help, fix=fix if is_alone else ())

    def block(self, key: Scalar, value: Node) -> Mapping | None:
        """What a block holds; None, and an error, where it holds nothing or has a wrong name."""
        if not is_camel(key.text):
            message = "a block's name is in CamelCase, as the class that it becomes"
            good = camel(key.text)
            help = f"call it `{good}`, here and where it is a step" if good else None
            self.report.error("E0613", key.span, message, help=help)
            return None
        if is_nothing(value):
            help = "list the ops under `steps:`, each behind `- `"
            self.report.error("E0614", key.span, f"the block `{key.text}` has no steps", help=help)
            return None
        return self.mapping(value, f"the block `{key.text}`")

    def word(self, node: Node, scope: Scope | None = None) -> Expr | None:
        """A word as text, or the param behind `$name`."""
        if not isinstance(node, Scalar):
            self.report.error(
                "E0620", node.span, "a word is expected here, not a list or a mapping"
            )
            return None
        if node.style == "plain" and node.text.startswith("$"):
            name = Name(node.text[1:], node.span.part(node.text, 1, len(node.text)))
            if "." in node.text:
                return self.resolved(name, node.span, scope)
            if scope is not None:
                self.look_up(name, node.span, scope)
            return name
        if node.style == "plain" and node.value is None:
            return Literal(None, node.span)
        return Literal(node.text, node.span)

    def step_name(self, node: Node | None) -> Scalar | None:
        """The name of a step or another value, where it has a good one."""
        if node is None:
            return None
        if isinstance(node, Scalar) and is_snake(node.text):
            return node
        self.report.error("E0402", node.span, "a step's name is in snake_case, such as `conv_1`")
        return None

    def truth(self, node: Node | None, what: str) -> bool:
        """`true` or `false`; nothing at all is false."""
        value = node.value if isinstance(node, Scalar) else node
        if value is not None and not isinstance(value, bool):
            assert node is not None
            word = str(value)
            close = TRUTHS.get(word.lower()) or nearest(word, TRUTHS.values())
            help, fix = f"did you mean `{close}`?" if close else None, mend(node.span, word, close)
            message = f"{what} is `true` or `false`"
            self.report.error("E0623", node.span, message, help=help, fix=fix)
        return value is True

    def text(self, node: Node, what: str) -> str | None:
        """A plain text; `what` names the slot."""
        if isinstance(node, Scalar) and (node.style != "plain" or node.value is not None):
            return node.text
        self.report.error("E0601", node.span, f"{what} is a text")
        return None

    def type(self, node: Node) -> TypeExpr | None:
        """A type such as `f32[N, 3]`."""
        if not isinstance(node, Scalar):
            help = 'in `{…}` and `[…]` a type is quoted: `{x: "f32[N, C]"}`'
            self.report.error("E0618", node.span, "a type is expected here", help=help)
            return None
        try:
            found = parse_type(node.text, node.span)
        except ExpressionError as error:
            fix = mend(error.span, "", error.near) if node.plain else ()
            self.report.error(error.code, error.span, error.message, help=error.help, fix=fix)
            return None
        if found.dims is None or not any(
            isinstance(dim, Expr) and has_dot(dim) for dim in found.dims
        ):
            return found
        dims = [self.resolved(d, node.span, None) if isinstance(d, Expr) else d for d in found.dims]
        known = tuple(dim for dim in dims if dim is not None)
        return TypeExpr(found.dtype, known, found.span) if len(known) == len(dims) else None

    def mapping(self, node: Node | None, what: str, help: str | None = None) -> Mapping | None:
        """A mapping; nothing at all counts as an empty one and gives None."""
        if node is None or (
            isinstance(node, Scalar) and node.style == "plain" and node.value is None
        ):
            return None
        if isinstance(node, Mapping):
            return node
        message = f"{what} is a mapping (`key: value` lines)"
        self.report.error("E0603", node.span, message, help=help)
        return None

    def items(self, node: Node | None, what: str) -> list[Node]:
        """The items of a list; nothing at all counts as an empty one."""
        if node is None or (
            isinstance(node, Scalar) and node.style == "plain" and node.value is None
        ):
            return []
        if isinstance(node, Sequence):
            return node.items
        help = "put `- ` before each item, or write `[a, b]`"
        self.report.error("E0604", node.span, f"{what} is a list (lines with `- `)", help=help)
        return []

    def only_keys(self, fields: Mapping, known: Iterable[str], where: str) -> None:
        """Reports the keys of a mapping that are none of those known."""
        for key, _ in fields.entries:
            if key.text not in known:
                self.unknown_key(key, known, where)

    def unknown_key(
        self, key: Scalar, known: Iterable[str], where: str, free: Iterable[str] | None = None
    ) -> None:
        """Reports a key that nothing reads; of one that is no ASCII that has been said.

        Args:
            key: The key.
            known: The keys that are read.
            where: What holds them.
            free: Those of them that it may have been meant to be, by default all.
        """
        if not key.text.isascii():
            return
        known = sorted(known)
        free = known if free is None else sorted(free)
        close = meant(key.text, free)
        if key.text in STEPS_ELSEWHERE and "steps" in free:
            close = "steps"
        help = f"did you mean `{close}`?" if close else f"{where} takes {', '.join(known)}"
        message, fix = f"{where} has no key `{key.text}`", mend(key.span, key.text, close)
        self.report.error("E0602", key.span, message, help=help, fix=fix)
