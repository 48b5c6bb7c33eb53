"""Losses for imbalance, overlap, latent variables and pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.objectives import Contrastive, Dice, Focal, GaussianKl, Triplet
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced
from dslc_onnx.rules.distance import Places
from dslc_onnx.rules.regions import numbers

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(Focal)
def focal(at: Lowering[Focal]) -> Result:
    """`share * missed ** gamma * (Softplus(x) - x t)`."""
    n, x, target = Places(at), at.input(0), at.input(1)
    known = n("Mul", x, target, label="known")
    entropy = n("Sub", n("Softplus", x, label="softplus"), known, label="entropy")
    p = n("Sigmoid", x, label="probability")
    both = n("Mul", n("Mul", p, target, label="hit"), at.number(2.0), label="both")
    missed = n("Sub", n("Add", p, target, label="either"), both, label="missed")
    weight = n("Pow", missed, at.number(at.op.gamma), label="weight")
    places = n("Mul", weight, entropy, label="weighted")
    if at.op.alpha is None:
        return n.mean(places)
    slope = n("Mul", target, at.number(2 * at.op.alpha - 1), label="slope")
    share = n("Add", slope, at.number(1 - at.op.alpha), label="share")
    return n.mean(n("Mul", share, places, label="places"))


def by_row(at: Lowering[Any], value: ir.Value, label: str) -> ir.Value:
    """The sum over all axes but the first."""
    full = at.operand().type
    axes, rows = list(range(1, full.rank)), full.with_shape(full.shape[0])
    return at.emit("ReduceSum", value, at.graph.integers(*axes), type=rows, label=label, keepdims=0)


@RULES.add(Dice)
def dice(at: Lowering[Dice]) -> Result:
    """Sums of each row."""
    n, smooth = Places(at), at.number(at.op.smooth)
    rows = Places(at, n.type.with_shape(n.type.shape[0]))
    common = by_row(at, n("Mul", at.input(0), at.input(1), label="common"), "overlap")
    parts = [by_row(at, at.input(k), f"sum_{k}") for k in (0, 1)]
    whole = rows("Add", rows("Add", *parts, label="both"), smooth, label="whole")
    twice = rows("Mul", common, at.number(2.0), label="twice")
    share = rows("Div", rows("Add", twice, smooth, label="covered"), whole, label="share")
    return rows.mean(rows("Sub", at.number(1.0), share, label="places"))


@RULES.add(GaussianKl)
def gaussian_kl(at: Lowering[GaussianKl]) -> Result:
    """Half the mean over rows of the sum of `m * m + Exp(v) - 1 - v`."""
    n, mean, log = Places(at), at.input(0), at.input(1)
    square, spread = n("Mul", mean, mean, label="square"), n("Exp", log, label="variance")
    more = n("Add", square, spread, label="more")
    less = n("Sub", n("Sub", more, at.number(1.0), label="rest"), log, label="places")
    rows = Places(at, n.type.with_shape(n.type.shape[0]))
    return rows.mean(rows("Mul", by_row(at, less, "sum"), at.number(0.5), label="half"))


@RULES.add(Triplet)
def triplet(at: Lowering[Triplet]) -> Result:
    """`Relu(near - far + margin)`."""
    n = Places(at)
    rows = Places(at, n.type.with_shape(n.type.shape[0]))
    far_apart: list[ir.Value] = []
    for position, label in ((1, "near"), (2, "far")):
        error = n("Sub", at.input(0), at.input(position), label=f"{label}_error")
        square = n("Mul", error, error, label=f"{label}_square")
        safe = rows("Add", by_row(at, square, f"{label}_sum"), at.number(1e-12), label=f"{label}_s")
        far_apart.append(rows("Sqrt", safe, label=label))
    apart = rows("Sub", *far_apart, label="apart")
    above = rows("Add", apart, at.number(at.op.margin), label="above")
    return rows.mean(rows("Relu", above, label="places"))


@RULES.add(Contrastive)
def contrastive(at: Lowering[Contrastive]) -> Result:
    """`SoftmaxCrossEntropyLoss` of the cosines, each row's own place being its class."""
    n = Places(at)
    count = n.type.shape[0]
    one = n.type.with_shape(count, 1)
    units: list[ir.Value] = []
    for position, label in enumerate(("x", "y")):
        norm = reduced(at, "ReduceL2", at.input(position), [-1], one, f"{label}_norm")
        least = at.emit("Max", norm, at.number(1e-8), type=one, label=f"{label}_least")
        units.append(n("Div", at.input(position), least, label=f"{label}_unit"))
    temperature, square = at.number(at.op.temperature), Places(at, n.type.with_shape(count, count))
    turned = at.emit(
        "Transpose", units[1], type=n.type.with_shape(n.type.shape[1], count), label="turned"
    )
    cosines = square("MatMul", units[0], turned, label="cosines")
    logits = square("Div", cosines, temperature, label="logits")
    return at.emit("SoftmaxCrossEntropyLoss", logits, numbers(at, count, "own"))
