"""Losses place by place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.distance import (
    Bce,
    BceWithLogits,
    CosineEmbedding,
    Hinge,
    Huber,
    KlDiv,
    Mae,
    Nll,
)
from dslc.ops.shapes import resolve_axis
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced
from dslc_onnx.rules.loss import scores_and_target

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.types import TensorType
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


class Places:
    """Nodes of one type for the step at hand: the values before the mean."""

    def __init__(self, at: Lowering[Any], type: TensorType | None = None) -> None:
        self.at = at
        self.type = at.operand().type if type is None else type

    def __call__(self, op_type: str, *inputs: ir.Value, label: str) -> ir.Value:
        """One node."""
        return self.at.emit(op_type, *inputs, type=self.type, label=label)

    def mean(self, value: ir.Value) -> ir.Value:
        """The mean over all places, the step's value."""
        return self.at.emit("ReduceMean", value, keepdims=0)


@RULES.add(Mae)
def mae(at: Lowering[Mae]) -> Result:
    """`Abs` of the differences."""
    n = Places(at)
    return n.mean(n("Abs", n("Sub", at.input(0), at.input(1), label="error"), label="size"))


@RULES.add(Huber)
def huber(at: Lowering[Huber]) -> Result:
    """`small * (size - small / 2)` with `small` the size up to `delta`."""
    n = Places(at)
    size = n("Abs", n("Sub", at.input(0), at.input(1), label="error"), label="size")
    small = n("Min", size, at.number(at.op.delta), label="small")
    rest = n("Sub", size, n("Mul", small, at.number(0.5), label="half"), label="rest")
    return n.mean(n("Mul", small, rest, label="places"))


@RULES.add(Bce)
def bce(at: Lowering[Bce]) -> Result:
    """Both logarithms, -100 at least."""
    n, p, target, one = Places(at), at.input(0), at.input(1), at.number(1.0)
    terms: list[ir.Value] = []
    for label, value, share in (
        ("yes", p, target),
        ("no", n("Sub", one, p, label="other"), n("Sub", one, target, label="rest")),
    ):
        log = n("Log", value, label=f"{label}_log")
        least = n("Max", log, at.number(-100.0), label=f"{label}_least")
        terms.append(n("Mul", share, least, label=label))
    return n.mean(n("Neg", n("Add", *terms, label="sum"), label="places"))


@RULES.add(BceWithLogits)
def bce_with_logits(at: Lowering[BceWithLogits]) -> Result:
    """`Softplus(x) - t * x`."""
    n = Places(at)
    bent = n("Softplus", at.input(0), label="softplus")
    known = n("Mul", at.input(0), at.input(1), label="known")
    return n.mean(n("Sub", bent, known, label="places"))


@RULES.add(Hinge)
def hinge(at: Lowering[Hinge]) -> Result:
    """`Relu(1 - t * x)`."""
    n = Places(at)
    product = n("Mul", at.input(0), at.input(1), label="product")
    short = n("Sub", at.number(1.0), product, label="short")
    return n.mean(n("Relu", short, label="places"))


@RULES.add(KlDiv)
def kl_div(at: Lowering[KlDiv]) -> Result:
    """`t * (Log(t) - x)`; the logarithm's argument is never 0."""
    n, target = Places(at), at.input(1)
    axis = resolve_axis(at.op.axis, n.type.rank)
    own = n("Log", n("Max", target, at.number(1e-37), label="least"), label="log")
    places = n("Mul", target, n("Sub", own, at.input(0), label="apart"), label="classes")
    rest = n.type.with_shape(*n.type.shape[:axis], *n.type.shape[axis + 1 :])
    total = at.emit(
        "ReduceSum", places, at.graph.integers(axis), type=rest, label="places", keepdims=0
    )
    return n.mean(total)


@RULES.add(Nll)
def nll(at: Lowering[Any]) -> Result:
    """`NegativeLogLikelihoodLoss`."""
    scores, _, target = scores_and_target(at)
    return at.emit("NegativeLogLikelihoodLoss", scores, target, type=at.type)


@RULES.add(CosineEmbedding)
def cosine_embedding(at: Lowering[CosineEmbedding]) -> Result:
    """The cosine of unit rows, then `Where` the target is 1."""
    full, rows = at.operand().type, at.operand(2).type
    n, one = Places(at, full), full.with_shape(full.shape[0], 1)
    units: list[ir.Value] = []
    for position, label in enumerate(("x", "y")):
        norm = reduced(at, "ReduceL2", at.input(position), [-1], one, f"{label}_norm")
        least = at.emit("Max", norm, at.number(1e-8), type=one, label=f"{label}_least")
        units.append(n("Div", at.input(position), least, label=f"{label}_unit"))
    line = Places(at, full.with_shape(full.shape[0]))
    product = n("Mul", *units, label="product")
    cosine = at.emit(
        "ReduceSum", product, at.graph.integers(-1), type=line.type, label="cosine", keepdims=0
    )
    truth = line.type.with_dtype("bool")
    wanted = at.number(1, rows.dtype)
    alike = at.emit("Equal", at.input(2), wanted, type=truth, label="alike")
    near = line("Sub", at.number(1.0), cosine, label="near")
    above = line("Sub", cosine, at.number(at.op.margin), label="above")
    far = line("Relu", above, label="far")
    return line.mean(line("Where", alike, near, far, label="places"))
