"""Formulas as one expression: each part by the rule of its op, numbers as the spec writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.emit.flow import Value
from dslc.emit.formal_types import FormalStep
from dslc.emit.formal_when import of_runs
from dslc.ir.arithmetic import ARITHMETIC, COMPARISONS, Arithmetic, Part
from dslc.ir.graph import ApplyOp
from dslc.ops.arithmetic import Add, Mul, Pow
from dslc.ops.base import Check
from dslc.ops.tensor import Cast
from dslc.syntax.expressions import Binary, Call, Conditional, Literal, Option, to_python
from dslc.syntax.formulas import reads_values

if TYPE_CHECKING:
    from dslc.emit.backend import Rules
    from dslc.emit.context import OpContext
    from dslc.ops.base import Op
    from dslc.syntax.expressions import Expr

MIXING = (*ARITHMETIC.values(), *COMPARISONS.values())
"""Ops that every framework applies to values of several dtypes, as the language means it."""


def formula_text(c: OpContext, rules: Rules) -> str:
    """The expression of an `expr` step."""
    assert isinstance(c.op, Arithmetic)
    return FormulaText(c, rules).value(c.op.root(Check(None), c.types)).text


class FormulaText:
    """Writes the parts of one formula; a subclass may write numbers otherwise."""

    def __init__(self, context: OpContext, rules: Rules) -> None:
        self.context = context
        self.rules = rules

    def value(self, part: Part) -> Value:
        """A part as a value with its expression."""
        if part.position is not None:
            value = self.context.values[part.position]
            assert value is not None
            return value
        if self.is_number(part):
            return self.made(part, self.number(part))
        if part.op is None:
            return self.made(part, self.choice(part))
        return self.made(part, self.applied(part.op, part))

    def made(self, part: Part, text: str) -> Value:
        """An expression as a value in the layout that the step works in."""
        return Value(text, frozenset(), part.type, layout=self.context.first.layout)

    def is_number(self, part: Part) -> bool:
        """Whether a part is written as the spec writes it, with Python's own arithmetic."""
        return not reads_values(part.node)

    def number(self, part: Part) -> str:
        """A number that is known when the model is made, or once its inputs are there."""
        node = part.node
        if any(map(of_runs(node), self.context.found.samples)):
            node = as_powers(node)
        self.context.writer.require_math(node)
        return to_python(node, self.context.writer.call_name)

    def choice(self, part: Part) -> str:
        """A choice by a condition on params."""
        assert isinstance(part.node, Conditional)
        then, otherwise = (self.value(side).operand for side in part.parts)
        test = to_python(part.node.test, self.context.writer.call_name)
        return f"{then} if {test} else {otherwise}"

    def applied(self, op: Op, part: Part) -> str:
        """What the rule of a part's op says."""
        parts = [self.bare(op, inner, part.parts) for inner in part.parts]
        found = FormalStep(self.step(op, part), [], sometimes=False)
        found.op = op
        found.inputs = tuple(inner.type for inner in parts)
        found.outputs = {"": part.type}
        kind: Any = type(self.context)
        inner = kind(self.context.writer, found, [self.value(item) for item in parts])
        inner.is_symbolic = False
        inner.numbers = frozenset(k for k, item in enumerate(parts) if not reads_values(item.node))
        text = self.rules.find(type(op))(inner)
        assert isinstance(text, str)
        return text

    def bare(self, op: Op, part: Part, beside: tuple[Part, ...]) -> Part:
        """A part without the conversion that the framework makes by itself beside a value."""
        if not isinstance(part.op, Cast) or not isinstance(op, MIXING):
            return part
        inner = part.parts[0]
        firm = any(not isinstance(other.op, Cast) and other.type.shape for other in beside)
        if inner.level == 1:
            return inner if firm or (part.type.dtype == "f32" and not isinstance(op, Pow)) else part
        return inner if firm and isinstance(op, Add | Mul) else part

    def step(self, op: Op, part: Part) -> Any:
        """The step as if it applied one op of the formula."""
        node = part.node
        args = node.args if isinstance(node, Call) and not isinstance(op, Cast) else ()
        given = {arg.name: arg.value for arg in args if isinstance(arg, Option)}
        action = ApplyOp(type(op), given)
        return self.context.step.replace(action=action, inputs=(), repeat=None, when=None)


def as_powers(expression: Expr) -> Expr:
    """`sqrt(T)` as `T ** 0.5`: a size may be a symbol when a framework traces the code."""
    if isinstance(expression, Binary):
        left, right = as_powers(expression.left), as_powers(expression.right)
        return Binary(expression.op, left, right, expression.span)
    if isinstance(expression, Call) and expression.function == "sqrt":
        return Binary("**", expression.args[0], Literal(0.5, expression.span), expression.span)
    return expression
