"""Formulas: the expressions of `expr`, which compute with values beside numbers.

A formula has the grammar of expressions and, beyond it, references to values (`lstm.state`,
`down[i].skip`), calls of ops with options (`clip(x, min=0)`) and `$name` for a word.
"""

from __future__ import annotations

import re

from dslc.syntax.expression_nodes import (
    Call,
    Compare,
    ExpressionError,
    Formula,
    Literal,
    Name,
    Operand,
    Option,
    children,
    free_names,
)
from dslc.syntax.expression_parser import Parser
from dslc.syntax.expression_tokens import tokenize
from dslc.syntax.expression_values import is_dim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dslc.source import Span
    from dslc.syntax.expression_functions import Evaluator
    from dslc.syntax.expression_nodes import Expr
    from dslc.syntax.expression_tokens import Token

    Refer = Callable[[str, str, Span], Operand | None]

_PATH = re.compile(r"[A-Za-z_]\w*(?:\.(?:[A-Za-z_]\w*|\d+))+|\$[A-Za-z_]\w*", re.ASCII)
_REST = re.compile(r"(?:\.(?:[A-Za-z_]\w*|\d+))+", re.ASCII)


def parse_formula(text: str, span: Span, refer: Refer) -> Formula:
    """Reads a formula.

    Args:
        text: What the scalar holds.
        span: Where the scalar stands.
        refer: Gives the operand behind a reference, from its first name, its whole text and where
            it stands; None where the name is no value's.

    Raises:
        ExpressionError: As for any expression.
    """
    parser = _FormulaParser(text, span, refer)
    body = parser.expression()
    parser.expect_end()
    return Formula(body, span)


class _FormulaParser(Parser):
    def __init__(self, text: str, span: Span, refer: Refer) -> None:
        super().__init__(text, span)
        self.refer = refer

    def scan(self, text: str, span: Span) -> list[Token]:
        """The tokens, paths among them."""
        return tokenize(text, span, formula_token)

    def postfix(self) -> Expr:
        """A value by its reference, or what any expression has."""
        kind, text, start, _ = self.peek()
        is_call = self.tokens[self.position + 1][1] == "(" if kind == "name" else True
        if not is_call and self.is_name(text):
            end = self.reference_end()
            whole = self.text[start : self.tokens[end - 1][3]]
            found = self.refer(
                text.split(".")[0], whole, self.span.part(self.text, start, start + len(whole))
            )
            if found is not None:
                self.position = end
                return found
        return super().postfix()

    def reference_end(self) -> int:
        """The position behind a reference: its name, any `[index]` and what is behind that."""
        position = self.position + 1
        while self.tokens[position][:2] == ("operator", "["):
            depth = 0
            while self.tokens[position][0] != "end":
                depth += {"[": 1, "]": -1}.get(self.tokens[position][1], 0)
                position += 1
                if not depth:
                    break
            position += self.tokens[position][0] == "path"
        return position

    def name_or_call(self, token: Token) -> Expr:
        """As anywhere, but any function may be called: which there are is said by the ops."""
        if not self.at("(") or not self.is_name(token[1]):
            return super().name_or_call(token)
        self.position += 1
        args = self.arguments(")")
        span = self.token_span(token).to(self.token_span(self.tokens[self.position - 1]))
        return Call(token[1], args, span)

    def arguments(self, close: str) -> tuple[Expr, ...]:
        """Arguments, `name=value` among them."""
        items: list[Expr] = []
        while not self.at(close):
            items.append(self.argument())
            if not self.take(","):
                break
        self.expect(close)
        return tuple(items)

    def argument(self) -> Expr:
        """One argument."""
        start, token = self.position, self.peek()
        if token[0] == "name" and self.tokens[start + 1][:2] == ("operator", "="):
            self.position += 2
            return Option(token[1], self.expression(), self.since(start))
        return self.expression()


def formula_token(text: str, start: int) -> Token | None:
    """A token that only formulas have: a path to a value, what follows an index, `$name`, `=`."""
    found = _PATH.match(text, start)
    if found is not None:
        return ("name", found.group(), start, found.end())
    found = _REST.match(text, start) if text[start - 1 : start] == "]" else None
    if found is not None:
        return ("path", found.group(), start, found.end())
    if text[start] == "=" and text[start : start + 2] != "==":
        return ("operator", "=", start, start + 1)
    return None


class Bound:
    """A formula with the values of its parts that are known without running it.

    `constants` has a value for every greatest such part, by the part's identity: a number, a
    boolean, a word, or a size.
    """

    __slots__ = ("constants", "formula")

    def __init__(self, formula: Formula, constants: Mapping[int, object]) -> None:
        self.formula = formula
        self.constants = constants


def reads_values(expr: Expr) -> bool:
    """Whether an expression holds an operand."""
    return isinstance(expr, Operand) or any(reads_values(part) for part in children(expr))


def bind(evaluator: Evaluator, formula: Formula, env: Mapping[str, object]) -> Bound:
    """Evaluates what a formula says about numbers alone.

    What depends on a size that only a run knows, and is no size itself (`sqrt(D)`), is left to the
    run; the size in it is a constant of the formula.
    """
    constants: dict[int, object] = {}

    def visit(part: Expr) -> None:
        if isinstance(part, Option):
            constants[id(part.value)] = evaluator.value(part.value)
        elif reads_values(part):
            for inner in children(part):
                visit(inner)
        else:
            constant(part)

    def constant(part: Expr) -> None:
        try:
            constants[id(part)] = evaluator.value(part)
        except ExpressionError as error:
            inner = children(part)
            if (
                error.code == "E0309"
                or not inner
                or not any(is_dim(env.get(name, 0)) for name in free_names(part))
            ):
                raise
            for item in inner:
                constant(item)

    visit(formula.body)
    return Bound(formula, constants)


def operand_counts(formula: Formula) -> dict[int, int]:
    """How often a formula computes with each operand; the middle of `a < b < c` counts twice."""
    counts: dict[int, int] = {}

    def visit(part: Expr, times: int) -> None:
        if isinstance(part, Operand):
            counts[part.position] = counts.get(part.position, 0) + times
        elif isinstance(part, Compare):
            visit(part.left, times)
            for position, right in enumerate(part.rights, 1):
                visit(right, times * (1 + (position < len(part.rights))))
        else:
            for inner in children(part):
                visit(inner, times)

    visit(formula.body, 1)
    return counts


def word_of(value: Expr) -> Expr:
    """What a word's slot means by an expression: a bare name is the word itself."""
    if not isinstance(value, Name):
        return value
    if value.id.startswith("$"):
        return Name(value.id[1:], value.span)
    return Literal(value.id, value.span)
