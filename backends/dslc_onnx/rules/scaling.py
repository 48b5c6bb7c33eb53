"""Normalisations without statistics, and by groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.ops.norm import GroupNorm, L2Normalize, LayerScale, LocalResponseNorm
from dslc.ops.shapes import resolve_axis
from dslc_onnx.lowering import form_type
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced
from dslc_onnx.types import numpy_dtype, product

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(GroupNorm)
def group_norm(at: Lowering[GroupNorm]) -> Result:
    """`GroupNormalization` from opset 21 on, before that its parts."""
    type, groups = at.type, at.known(at.op.groups, "groups")
    channels = at.known(type.shape[1], "channels")
    if at.graph.opset >= 21:
        names = ("weight", "bias")
        learned = [at.weight(n) if at.op.affine else filled(at, n, channels) for n in names]
        options: dict[str, Any] = {"num_groups": groups, "epsilon": at.op.eps}
        return at.emit("GroupNormalization", at.input(), *learned, **options)
    return group_norm_before_21(at, groups)


def group_norm_before_21(at: Lowering[GroupNorm], groups: int) -> Result:
    """`InstanceNormalization` of `[N, groups, -1]`, then scale and shift."""
    type = at.type
    size = product((*type.shape[1:],))
    rows = type.with_shape(type.shape[0], groups, size // groups)
    joined = at.emit(
        "Reshape", at.input(), at.graph.integers(0, groups, -1), type=rows, label="by_group"
    )
    one, zero = (filled(at, name, groups) for name in ("weight", "bias"))
    flat = at.emit(
        "InstanceNormalization", joined, one, zero, type=rows, label="normal", epsilon=at.op.eps
    )
    if not at.op.affine:
        return at.sizes.reshape(flat, rows, type, at.path)
    whole = at.sizes.reshape(flat, rows, type, f"{at.path}/whole")
    scaled = at.emit("Mul", whole, along(at, "weight", 1), label="scaled")
    return at.emit("Add", scaled, along(at, "bias", 1))


def filled(at: Lowering[Any], name: str, count: int) -> ir.Value:
    """Ones for a scale or zeros for a shift, where nothing is learned."""
    dtype = numpy_dtype(at.type.dtype)
    array = np.full(count, float(name == "weight"), dtype)
    key = ("filled", name, count, at.type.dtype)
    return at.graph.initializer(key, f"constant/{name}[{count}]", lambda: array)


def along(at: Lowering[Any], name: str, axis: int) -> ir.Value:
    """A weight of one axis as it meets an axis of the step's value."""
    after = at.type.rank - 1 - axis
    if not after:
        return at.weight(name)
    shape = [-1, *[1] * after]
    return at.prepared(f"{name}_{after}", [name], lambda: at.array(name).reshape(shape))


@RULES.add(LayerScale)
def layer_scale(at: Lowering[LayerScale]) -> Result:
    """`Mul`."""
    axis = resolve_axis(at.op.axis, at.type.rank)
    if axis == at.type.rank - 1:
        at.keep_form()
    return at.emit("Mul", at.input(), along(at, "weight", axis))


@RULES.add(LocalResponseNorm)
def local_response_norm(at: Lowering[LocalResponseNorm]) -> Result:
    """`LRN`."""
    op = at.op
    return at.emit("LRN", at.input(), size=op.size, alpha=op.alpha, beta=op.beta, bias=op.k)


@RULES.add(L2Normalize)
def l2_normalize(at: Lowering[L2Normalize]) -> Result:
    """`x / Max(ReduceL2(x), eps)`."""
    axis = resolve_axis(at.op.axis, at.type.rank)
    if axis == at.type.rank - 1:
        at.keep_form()
        axis = -1
    full = form_type(at.type, at.form)
    place = axis % full.rank
    one = full.with_shape(*full.shape[:place], 1, *full.shape[place + 1 :])
    norm = reduced(at, "ReduceL2", at.input(), [axis], one, "norm")
    least = at.emit("Max", norm, at.number(at.op.eps), type=one, label="least")
    return at.emit("Div", at.input(), least)
