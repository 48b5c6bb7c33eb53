"""Normalisations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.ops.norm import BatchNorm, InstanceNorm, LayerNorm, RmsNorm
from dslc_onnx.lowering import form_type
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced
from dslc_onnx.rules.scaling import filled

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.types import TensorType
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(BatchNorm)
def batch_norm(at: Lowering[BatchNorm]) -> Result:
    """`BatchNormalization` with the running statistics."""
    mean, variance = at.weight("running_mean"), at.weight("running_var")
    if at.op.affine:
        scale, shift = at.weight("weight"), at.weight("bias")
    else:
        scale, shift = constant_like(at, "ones", 1.0), constant_like(at, "zeros", 0.0)
    parameters = (scale, shift, mean, variance)
    return at.emit("BatchNormalization", at.input(), *parameters, epsilon=at.op.eps)


def constant_like(at: Lowering[BatchNorm], name: str, number: float) -> ir.Value:
    """A number for each channel, where nothing is learned."""

    def make() -> Any:
        return np.full_like(at.array("running_mean"), number)

    return at.prepared(name, ["running_mean"], make)


@RULES.add(InstanceNorm)
def instance_norm(at: Lowering[InstanceNorm]) -> Result:
    """`InstanceNormalization`; its formula where nothing is learned and only a run counts channels."""
    if not at.op.affine and not isinstance(at.type.shape[1], int):
        return standardised(at)
    channels = at.known(at.type.shape[1], "channels")
    names = ("weight", "bias")
    learned = [at.weight(n) if at.op.affine else filled(at, n, channels) for n in names]
    return at.emit("InstanceNormalization", at.input(), *learned, epsilon=at.op.eps)


def standardised(at: Lowering[InstanceNorm]) -> ir.Value:
    """Each channel of each row at mean 0 and variance 1."""
    type, axes = at.type, list(range(2, at.type.rank))
    one = type.with_shape(*type.shape[:2], *(1 for _ in axes))
    mean = reduced(at, "ReduceMean", at.input(), axes, one, "mean")
    centred = at.emit("Sub", at.input(), mean, type=type, label="centred")
    square = at.emit("Mul", centred, centred, type=type, label="square")
    variance = reduced(at, "ReduceMean", square, axes, one, "variance")
    safe = at.emit("Add", variance, at.number(at.op.eps), type=one, label="safe")
    return at.emit("Div", centred, at.emit("Sqrt", safe, type=one, label="root"))


@RULES.add(LayerNorm)
def layer_norm(at: Lowering[LayerNorm]) -> Result:
    """`LayerNormalization` over the last axis."""
    at.keep_form()
    bias = [at.weight("bias")] if at.op.bias else []
    return at.emit(
        "LayerNormalization", at.input(), at.weight("weight"), *bias, axis=-1, epsilon=at.op.eps
    )


@RULES.add(RmsNorm)
def rms_norm(at: Lowering[RmsNorm]) -> Result:
    """`RMSNormalization` from opset 23 on, before that its formula."""
    at.keep_form()
    type = form_type(at.type, at.form)
    return rms_normalised(at, at.input(), at.weight("weight"), type, at.op.eps)


def rms_normalised(
    at: Lowering[Any],
    x: ir.Value,
    weight: ir.Value,
    type: TensorType,
    eps: float,
    label: str = "",
) -> ir.Value:
    """Numbers divided by the root mean square of their last axis, and scaled.

    Of f64 by the formula, its square a product: onnxruntime rounds what its own kernel computes, and
    takes a power for the beginning of one.
    """
    if at.graph.opset >= 23 and type.dtype != "f64":
        options = {"axis": -1, "epsilon": eps}
        return at.emit("RMSNormalization", x, weight, type=type, label=label, **options)
    one = type.with_shape(*type.shape[:-1], 1)
    if type.dtype == "f64":
        square = at.emit("Mul", x, x, type=type, label="square")
    else:
        square = at.emit("Pow", x, at.number(2.0), type=type, label="square")
    if at.graph.opset >= 18:
        mean = at.emit("ReduceMean", square, at.graph.integers(-1), type=one, label="mean")
    else:
        mean = at.emit("ReduceMean", square, type=one, label="mean", axes=[-1])
    safe = at.emit("Add", mean, at.number(eps), type=one, label="safe")
    root = at.emit("Sqrt", safe, type=one, label="root")
    unit = at.emit("Div", x, root, type=type, label="unit")
    return at.emit("Mul", unit, weight, type=type, label=label)
