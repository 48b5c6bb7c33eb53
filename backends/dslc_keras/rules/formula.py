"""`expr` in Keras: operators and functions of a symbolic graph.

A formula that computes with sizes which only a run knows becomes a layer of its own: in a graph that
is made once there are no such numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.context import OpContext
from dslc.emit.flow import Value
from dslc.emit.formulas import FormulaText, formula_text
from dslc.emit.functions_context import FunctionContext
from dslc.emit.functions_runtime import RuntimeLayer, unknown_names
from dslc.ir.arithmetic import Arithmetic
from dslc.ops.activation import Tanh
from dslc.ops.arithmetic import Add, Div, Mul, Sub
from dslc.ops.base import Check
from dslc.ops.unary import Abs, Ceil, Floor, Neg, Round, Sign, Sin, Sqrt
from dslc.syntax.expressions import free_names, to_python
from dslc_keras.dtypes import DTYPES
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext
    from dslc.ir.arithmetic import Part


KEEP_ZERO = (Neg, Abs, Ceil, Floor, Round, Sign, Sin, Sqrt, Tanh)
"""The functions of a sparse tensor that are sparse to Keras."""


@RULES.add(Arithmetic)
def formula(c: OpContext) -> str:
    if not isinstance(c, FunctionContext) or not unknown_names(c.function, c.found):
        text = formula_text(c, RULES)
        assert isinstance(c.op, Arithmetic)
        is_sparse = looks_sparse(c.op.root(Check(None), c.types))
        return f"ops.convert_to_tensor({text}, sparse=False)" if is_sparse else text
    layer = RuntimeLayer(c)
    values: list[Value | None] = []
    for position, value in enumerate(c.values):
        assert value is not None
        values.append(value.renamed(layer.operand(position)))
    inner = FunctionContext(c.function, c.found, values)
    assert isinstance(c.op, Arithmetic)
    text = _LayerText(inner, layer).value(c.op.root(Check(None), c.types)).text

    def code(*_: object) -> str:
        return text

    return layer.call(code, "Arithmetic with sizes of its inputs.")


def looks_sparse(part: Part) -> bool:
    """Whether Keras takes a value for a sparse tensor, which many layers then refuse.

    A product with a number is one to it, and so is what functions that keep zero, and sums of such
    values alone, make of it.
    """
    if part.op is None:
        return any(map(looks_sparse, part.parts))
    if isinstance(part.op, Mul):
        return any(item.is_constant or looks_sparse(item) for item in part.parts)
    if isinstance(part.op, Add | Sub):
        return all(map(looks_sparse, part.parts))
    if isinstance(part.op, Div):
        return looks_sparse(part.parts[0])
    return isinstance(part.op, KEEP_ZERO) and looks_sparse(part.parts[0])


class _LayerText(FormulaText):
    """Writes a formula inside a layer, where sizes are tensors."""

    def __init__(self, context: FunctionContext, layer: RuntimeLayer) -> None:
        super().__init__(context, RULES)
        self.layer = layer
        self.function = context.function

    def is_number(self, part: Part) -> bool:
        names = () if not super().is_number(part) else free_names(part.node)
        known = all(self.function.is_static(name) for name in names)
        return super().is_number(part) and (known or part.is_constant)

    def number(self, part: Part) -> str:
        self.function.require_math(part.node)
        text = to_python(part.node, self.layer.name)
        if all(self.function.is_static(name) for name in free_names(part.node)):
            return text
        return f'ops.cast({text}, "{DTYPES[part.type.dtype]}")'
