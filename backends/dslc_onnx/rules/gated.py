"""Activations that gate one half of a value by the other, and the largest of several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.gated import Geglu, Glu, Maxout, Swiglu
from dslc.ops.shapes import resolve_axis
from dslc_onnx.lowering import form_name, form_type
from dslc_onnx.rules import RULES
from dslc_onnx.rules.activation import gelu_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir

    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result

END = (1 << 63) - 1


def halves(at: Lowering[Any]) -> Sequence[ir.Value]:
    """The two halves of the last axis, which is the last in every form."""
    at.keep_form()
    half = form_type(at.type, at.form)
    outputs = [(form_name(at.path, name), half) for name in ("a", "b")]
    attributes = {"axis": -1, **({"num_outputs": 2} if at.graph.opset >= 18 else {})}
    return at.graph.node("Split", [at.input()], outputs, attributes)


@RULES.add(Glu)
def glu(at: Lowering[Glu]) -> Result:
    """`a * Sigmoid(b)`."""
    a, b = halves(at)
    return at.emit("Mul", a, at.emit("Sigmoid", b, label="gate"))


@RULES.add(Swiglu)
def swiglu(at: Lowering[Swiglu]) -> Result:
    """`a * Sigmoid(a) * b`."""
    a, b = halves(at)
    gate = at.emit("Mul", a, at.emit("Sigmoid", a, label="sigmoid"), label="gate")
    return at.emit("Mul", gate, b)


@RULES.add(Geglu)
def geglu(at: Lowering[Geglu]) -> Result:
    """`Gelu(a) * b`."""
    a, b = halves(at)
    return at.emit("Mul", gelu_of(at, a, at.op.approximate, "gate"), b)


@RULES.add(Maxout)
def maxout(at: Lowering[Maxout]) -> Result:
    """`Max` of every `pieces`-th element from each start."""
    axis, step = resolve_axis(at.op.axis, at.type.rank), at.op.pieces
    integers = at.graph.integers
    places = [(integers(k), integers(END), integers(axis), integers(step)) for k in range(step)]
    parts = [at.emit("Slice", at.input(), *place, label=f"{k}") for k, place in enumerate(places)]
    return at.emit("Max", *parts)
