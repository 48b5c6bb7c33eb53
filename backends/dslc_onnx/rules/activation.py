"""Activations."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING, Any

from dslc.ops.activation import (
    Celu,
    Elu,
    Gelu,
    Hardsigmoid,
    Hardswish,
    LeakyRelu,
    LogSoftmax,
    Mish,
    Prelu,
    QuickGelu,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Softsign,
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


def with_alpha(op_type: str) -> Rule:
    """A function of each element with the attribute `alpha`."""

    def rule(at: Lowering[Any]) -> Result:
        at.keep_form()
        return at.emit(op_type, at.input(), alpha=at.op.alpha)

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


@RULES.add(QuickGelu)
def quick_gelu(at: Lowering[QuickGelu]) -> Result:
    """`x * Sigmoid(1.702 * x)`."""
    at.keep_form()
    scaled = at.emit("Mul", at.input(), at.number(1.702), label="scaled")
    return at.emit("Mul", at.input(), at.emit("Sigmoid", scaled, label="gate"))


@RULES.add(Relu6)
def relu6(at: Lowering[Relu6]) -> Result:
    """`Clip` to 0 … 6."""
    at.keep_form()
    return at.emit("Clip", at.input(), at.number(0.0), at.number(6.0))


@RULES.add(Prelu)
def prelu(at: Lowering[Prelu]) -> Result:
    """`PRelu`, the slopes along axis 1."""
    rank = at.type.rank
    if at.op.shared or rank == 2:
        at.keep_form()
        return at.emit("PRelu", at.input(), at.weight("weight"))
    shape = [-1, *[1] * (rank - 2)]
    slopes = at.prepared(f"slopes_{rank}", ["weight"], lambda: at.array("weight").reshape(shape))
    return at.emit("PRelu", at.input(), slopes)


@RULES.add(Mish)
def mish(at: Lowering[Mish]) -> Result:
    """`Mish` from opset 18 on, before that its formula."""
    at.keep_form()
    if at.graph.opset >= 18:
        return at.emit("Mish", at.input())
    bent = at.emit("Softplus", at.input(), label="softplus")
    return at.emit("Mul", at.input(), at.emit("Tanh", bent, label="tanh"))


@RULES.add(Hardsigmoid)
def hardsigmoid(at: Lowering[Hardsigmoid]) -> Result:
    """`HardSigmoid`, the slope written out."""
    at.keep_form()
    return at.emit("HardSigmoid", at.input(), alpha=1 / 6, beta=0.5)


@RULES.add(Gelu)
def gelu(at: Lowering[Gelu]) -> Result:
    """`Gelu` from opset 20 on, before that its formula."""
    at.keep_form()
    return gelu_of(at, at.input(), at.op.approximate)


def gelu_of(at: Lowering[Any], x: ir.Value, approximate: str, label: str = "") -> ir.Value:
    """GELU of a value as large as the step's; the step's own value under no label."""
    if at.graph.opset >= 20:
        return at.emit("Gelu", x, approximate=approximate, label=label)
    if approximate == "tanh":
        cube = at.emit("Mul", at.emit("Mul", x, x, label="square"), x, label="cube")
        bent = at.emit(
            "Add", x, at.emit("Mul", cube, at.number(0.044715), label="bend"), label="bent"
        )
        scaled = at.emit("Mul", bent, at.number(sqrt(2 / pi)), label="scaled")
        curve = at.emit("Tanh", scaled, label="tanh")
    else:
        scaled = at.emit("Div", x, at.number(sqrt(2)), label="scaled")
        curve = at.emit("Erf", scaled, label="erf")
    gate = at.emit("Add", curve, at.number(1.0), label="half_gate")
    return at.emit("Mul", at.emit("Mul", x, gate, label="twice"), at.number(0.5), label=label)


@RULES.add(Celu)
def celu(at: Lowering[Celu]) -> Result:
    """`Celu`, which ONNX has of f32 alone; of others its formula."""
    at.keep_form()
    x, alpha = at.input(), at.op.alpha
    if at.type.dtype == "f32":
        return at.emit("Celu", x, alpha=alpha)
    below = at.emit("Min", x, at.number(0.0), label="below")
    share = at.emit("Div", below, at.number(alpha), label="share")
    grown = at.emit("Exp", share, label="grown")
    lost = at.emit("Sub", grown, at.number(1.0), label="lost")
    curve = at.emit("Mul", lost, at.number(alpha), label="curve")
    return at.emit("Add", at.emit("Max", x, at.number(0.0), label="above"), curve)


RULES.add(Relu)(unary("Relu"))
RULES.add(Sigmoid)(unary("Sigmoid"))
RULES.add(Tanh)(unary("Tanh"))
RULES.add(Softmax)(over_axis("Softmax"))
RULES.add(LogSoftmax)(over_axis("LogSoftmax"))
RULES.add(Selu)(unary("Selu"))
RULES.add(Hardswish)(unary("HardSwish"))
RULES.add(Softplus)(unary("Softplus"))
RULES.add(Softsign)(unary("Softsign"))
RULES.add(Elu)(with_alpha("Elu"))
