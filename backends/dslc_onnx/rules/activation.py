"""Activations."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING, Any

from dslc.ops.activation import (
    Gelu,
    LeakyRelu,
    LogSoftmax,
    Relu,
    Sigmoid,
    Silu,
    Softmax,
    Tanh,
)
from dslc.ops.shapes import resolve_axis
from dslc_onnx.rules import RULES

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result, Rule


def unary(op_type: str) -> Rule:
    """A function of each element that ONNX has."""

    def rule(at: Lowering[Any]) -> Result:
        at.keep_form()
        return at.emit(op_type, at.input())

    return rule


def over_axis(op_type: str) -> Rule:
    """A function over one axis; the last one is the last in every form."""

    def rule(at: Lowering[Any]) -> Result:
        axis = resolve_axis(at.op.axis, at.type.rank)
        if axis == at.type.rank - 1:
            at.keep_form()
            axis = -1
        return at.emit(op_type, at.input(), axis=axis)

    return rule


@RULES.add(LeakyRelu)
def leaky_relu(at: Lowering[LeakyRelu]) -> Result:
    """`LeakyRelu`, the slope written out."""
    at.keep_form()
    return at.emit("LeakyRelu", at.input(), alpha=at.op.slope)


@RULES.add(Silu)
def silu(at: Lowering[Silu]) -> Result:
    """`x * Sigmoid(x)`: no operator of its own before opset 24."""
    at.keep_form()
    gate = at.emit("Sigmoid", at.input(), label="gate")
    return at.emit("Mul", at.input(), gate)


@RULES.add(Gelu)
def gelu(at: Lowering[Gelu]) -> Result:
    """`Gelu` from opset 20 on, before that its formula."""
    at.keep_form()
    x = at.input()
    if at.graph.opset >= 20:
        return at.emit("Gelu", x, approximate=at.op.approximate)
    if at.op.approximate == "tanh":
        cube = at.emit("Mul", at.emit("Mul", x, x, label="square"), x, label="cube")
        bent = at.emit(
            "Add", x, at.emit("Mul", cube, at.number(0.044715), label="bend"), label="bent"
        )
        scaled = at.emit("Mul", bent, at.number(sqrt(2 / pi)), label="scaled")
        return _gated(at, x, at.emit("Tanh", scaled, label="tanh"))
    scaled = at.emit("Div", x, at.number(sqrt(2)), label="scaled")
    return _gated(at, x, at.emit("Erf", scaled, label="erf"))


def _gated(at: Lowering[Gelu], x: ir.Value, curve: ir.Value) -> ir.Value:
    gate = at.emit("Add", curve, at.number(1.0), label="gate")
    return at.emit("Mul", at.emit("Mul", x, gate, label="twice"), at.number(0.5))


RULES.add(Relu)(unary("Relu"))
RULES.add(Sigmoid)(unary("Sigmoid"))
RULES.add(Tanh)(unary("Tanh"))
RULES.add(Softmax)(over_axis("Softmax"))
RULES.add(LogSoftmax)(over_axis("LogSoftmax"))
