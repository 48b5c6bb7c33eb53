"""Parses expressions by precedence climbing.

The grammar is a small part of Python's, with Python's precedences, so that what a spec says and
what the generated code says read alike. Nothing is ever handed to Python's own parser.
"""

from __future__ import annotations

from dslc.diagnostics import nearest, quote
from dslc.source import Span
from dslc.syntax.expression_nodes import (
    Binary,
    Boolean,
    Call,
    Compare,
    Conditional,
    Expr,
    ExpressionError,
    Index,
    ListOf,
    Literal,
    Name,
    Slice,
    Unary,
)
from dslc.syntax.expression_tokens import tokenize
from dslc.syntax.tree import looks_like_number, parse_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dslc.syntax.expression_tokens import Token

DEEPEST = 64
"""The most levels of one expression."""

FUNCTIONS: dict[str, tuple[int, int]] = {
    "len": (1, 1),
    "min": (1, 64),
    "max": (1, 64),
    "sum": (1, 1),
    "ceil": (1, 1),
    "floor": (1, 1),
    "round": (1, 1),
    "sqrt": (1, 1),
    "log2": (1, 1),
}
"""Each function with the fewest and the most arguments."""

_BINDING = {"+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6}
_POWER = 8
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True"), True),
    **dict.fromkeys(("false", "False"), False),
    **dict.fromkeys(("null", "None")),
}
_SURE_DIGITS = 19
"""An integer of fewer digits lies within 64 bits."""

_KEYWORDS = frozenset(("and", "or", "not", "in", "if", "else"))


def parse_expression(text: str, span: Span) -> Expr:
    """Reads an expression.

    Args:
        text: what the scalar holds.
        span: where the scalar stands; spans within are exact where `Span.part` can be.

    Raises:
        ExpressionError: E0201 (not an expression), E0203 (function), E0206 (number out of range),
            E0208 (too long or deep), E0212 (not a number).
    """
    if text.isascii():
        if text.isdigit() and len(text) < _SURE_DIGITS:
            return Literal(int(text), span.part(text, 0, len(text)))
        if text in _CONSTANTS:
            return Literal(_CONSTANTS[text], span.part(text, 0, len(text)))
        if text.isidentifier() and text not in _KEYWORDS:
            return Name(text, span.part(text, 0, len(text)))
    parser = Parser(text, span)
    expr = parser.expression()
    parser.expect_end()
    return expr


class Parser:
    """A position in the tokens of one expression; the types' parser stands on it too."""

    def __init__(self, text: str, span: Span) -> None:
        self.text = text
        self.span = span
        self.tokens: list[Token] = self.scan(text, span)
        self.position = 0
        self.depth = 0

    def scan(self, text: str, span: Span) -> list[Token]:
        """The tokens of the text."""
        return tokenize(text, span)

    def is_name(self, text: str) -> bool:
        """Whether a word is a name, and no constant or operator."""
        return text not in _KEYWORDS and text not in _CONSTANTS

    def expression(self) -> Expr:
        """A whole expression: a conditional, or anything that binds tighter."""
        self.enter()
        start = self.position
        then = self.disjunction()
        if self.take("if"):
            test = self.disjunction()
            if not self.take("else"):
                raise self.unexpected("`else`: an `if` in an expression has both sides")
            otherwise = self.expression()
            then = Conditional(test, then, otherwise, self.since(start))
        self.depth -= 1
        return then

    def disjunction(self) -> Expr:
        """Operands joined by `or`."""
        return self.joined("or", self.conjunction)

    def conjunction(self) -> Expr:
        """Operands joined by `and`."""
        return self.joined("and", self.negation)

    def joined(self, word: Any, operand: Any) -> Expr:
        """Operands joined by one word."""
        start = self.position
        first: Expr = operand()
        if not self.at(word):
            return first
        operands = [first]
        while self.take(word):
            operands.append(operand())
        return Boolean(word, tuple(operands), self.since(start))

    def negation(self) -> Expr:
        """`not a`, or a comparison."""
        start = self.position
        if not self.take("not"):
            return self.comparison()
        self.enter()
        operand = self.negation()
        self.depth -= 1
        return Unary("not", operand, self.since(start))

    def comparison(self) -> Expr:
        """Arithmetic, or a chain of comparisons of it."""
        start = self.position
        left = self.arithmetic(5)
        ops: list[Any] = []
        rights: list[Expr] = []
        while (op := self.comparison_operator()) is not None:
            ops.append(op)
            rights.append(self.arithmetic(5))
        if not ops:
            return left
        return Compare(left, tuple(ops), tuple(rights), self.since(start))

    def comparison_operator(self) -> str | None:
        """Takes a comparison operator, if one is next."""
        kind, text, _, _ = self.peek()
        if kind == "operator" and text in _COMPARISONS:
            self.position += 1
            return text
        if self.take("in"):
            return "in"
        if self.at("not") and self.tokens[self.position + 1][:2] == ("name", "in"):
            self.position += 2
            return "not in"
        return None

    def arithmetic(self, least: int) -> Expr:
        """Operands joined by operators that bind at least as tight as `least`."""
        start, entered = self.position, 1
        self.enter()
        left = self.unary()
        while True:
            kind, op, _, _ = self.peek()
            binding = _BINDING.get(op, 0) if kind == "operator" else 0
            if binding < least:
                break
            self.position += 1
            right = self.arithmetic(binding + 1)
            left = Binary(op, left, right, self.since(start))  # pyright: ignore[reportArgumentType]
            self.enter()
            entered += 1
        self.depth -= entered
        return left

    def unary(self) -> Expr:
        """A sign before a power, or a power."""
        start, token = self.position, self.peek()
        if token[0] != "operator" or token[1] not in "+-":
            return self.power()
        self.position += 1
        self.enter()
        operand = self.unary()
        self.depth -= 1
        return Unary(token[1], operand, self.since(start))  # pyright: ignore[reportArgumentType]

    def power(self) -> Expr:
        """`a ** b`, which binds tighter than a sign on its left and groups to the right."""
        start = self.position
        base = self.postfix()
        if not self.take("**"):
            return base
        self.enter()
        exponent = self.unary()
        self.depth -= 1
        return Binary("**", base, exponent, self.since(start))

    def postfix(self) -> Expr:
        """An atom with any number of `[…]` after it."""
        start, entered = self.position, 0
        base = self.atom()
        while self.take("["):
            self.enter()
            entered += 1
            base = self.subscript(base, start)
        self.depth -= entered
        return base

    def subscript(self, base: Expr, begin: int) -> Expr:
        """What stands after `base[`; `begin` is the position of the base's first token."""
        start = None if self.at(":") else self.expression()
        if start is not None and not self.at(":"):
            self.expect("]")
            return Index(base, start, self.since(begin))
        self.expect(":")
        stop = None if self.at("]") else self.expression()
        self.expect("]")
        return Slice(base, start, stop, self.since(begin))

    def atom(self) -> Expr:
        """A number, a name, a call, a string, a list or a parenthesis."""
        start, token = self.position, self.peek()
        kind, text, _, _ = token
        self.position += 1
        if kind == "name" and text not in _KEYWORDS:
            return self.name_or_call(token)
        if kind == "number":
            return self.number(token)
        if kind == "string":
            return Literal(text, self.token_span(token))
        if text == "(" and kind == "operator":
            inner = self.expression()
            self.expect(")")
            return inner
        if text == "[" and kind == "operator":
            items = self.arguments("]")
            return ListOf(items, self.since(start))
        self.position -= 1
        raise self.unexpected("a number, a name or `(`")

    def name_or_call(self, token: Token) -> Expr:
        """A constant, a name, or a call of a function."""
        text = token[1]
        span = self.token_span(token)
        if text in _CONSTANTS:
            return Literal(_CONSTANTS[text], span)
        if not self.at("("):
            return Name(text, span)
        if text not in FUNCTIONS:
            near = nearest(text, FUNCTIONS)
            help = f"did you mean `{near}`?" if near else f"there are {', '.join(FUNCTIONS)}"
            raise ExpressionError("E0203", f"no function is called {quote(text)}", span, help)
        self.position += 1
        args = self.arguments(")")
        span = span.to(self.token_span(self.tokens[self.position - 1]))
        fewest, most = FUNCTIONS[text]
        if not fewest <= len(args) <= most:
            expected = "one argument" if most == 1 else f"{fewest} to {most} arguments"
            message = f"`{text}` takes {expected}, not {len(args)}"
            raise ExpressionError("E0203", message, span)
        return Call(text, args, span)

    def arguments(self, close: str) -> tuple[Expr, ...]:
        """Expressions with commas between them, up to and with `close`."""
        items: list[Expr] = []
        while not self.at(close):
            items.append(self.expression())
            if not self.take(","):
                break
        self.expect(close)
        return tuple(items)

    def number(self, token: Token) -> Expr:
        """A literal number."""
        text = token[1]
        span = self.token_span(token)
        value = parse_number(text)
        if value is not None:
            return Literal(value, span)
        if looks_like_number(text):
            help = "integers lie within 64 bits, floats within double precision"
            message = f"the number {quote(text, 40)} is out of range"
            raise ExpressionError("E0206", message, span, help)
        plain = text.replace("_", "")
        help = f"write `{plain}`" if "_" in text and looks_like_number(plain) else None
        raise ExpressionError("E0212", f"{quote(text, 40)} is not a number", span, help)

    def enter(self) -> None:
        """Counts a level of nesting."""
        self.depth += 1
        if self.depth > DEEPEST:
            message = f"the expression has more than {DEEPEST} levels"
            raise ExpressionError("E0208", message, self.span, "build it up from params")

    def peek(self) -> Token:
        """The next token."""
        return self.tokens[self.position]

    def since(self, position: int) -> Span:
        """The span of the tokens from a position up to the next one."""
        first, last = self.tokens[position], self.tokens[self.position - 1]
        return self.span.part(self.text, first[2], last[3])

    def at(self, text: str) -> bool:
        """Whether the next token is this operator or word."""
        token = self.tokens[self.position]
        return token[1] == text and token[0] != "string"

    def take(self, text: str) -> bool:
        """Takes the next token, if it is this operator or word."""
        if not self.at(text):
            return False
        self.position += 1
        return True

    def expect(self, text: str) -> None:
        """Takes the next token, which must be this operator."""
        if not self.take(text):
            raise self.unexpected(f"`{text}`")

    def expect_end(self) -> None:
        """Checks that nothing follows."""
        if self.peek()[0] != "end":
            raise self.unexpected("an operator or the end")

    def token_span(self, token: Token) -> Span:
        """Where a token stands."""
        return self.span.part(self.text, token[2], token[3])

    def unexpected(self, expected: str) -> ExpressionError:
        """The error that something else was expected where the next token stands."""
        kind, _, start, stop = self.peek()
        if kind == "end":
            message = "the expression is empty" if not self.text.strip() else "the expression stops"
            return ExpressionError("E0201", f"{message}: expected {expected}", self.span)
        found = quote(self.text[start:stop], 40)
        part = self.span.part(self.text, start, stop)
        return ExpressionError("E0201", f"expected {expected}, found {found}", part)
