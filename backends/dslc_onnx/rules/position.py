"""Positions for attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dslc.ops.position import RelativePositionBias, SinusoidalPosition
from dslc_onnx.rules import RULES

if TYPE_CHECKING:
    from typing import Any

    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(SinusoidalPosition)
def sinusoidal_position(at: Lowering[SinusoidalPosition]) -> Result:
    """`Where(is_sine, Sin, Cos)` of positions times frequencies."""
    op, type = at.op, at.type
    dim = at.known(op.dim, "dim")
    place = np.arange(dim)
    interleaved = op.order == "interleaved"
    pair = place // 2 if interleaved else place % (dim // 2)
    is_sine = place % 2 == 0 if interleaved else place < dim // 2
    frequencies = (op.base ** (-2 * pair / dim)).astype(np.float32)
    given = at.operand().type.with_dtype("f32")
    column = given.with_shape(*given.shape, 1)
    floats = at.emit("Cast", at.input(), type=given, label="positions", to=1)
    last = at.graph.integers(-1)
    columns = at.emit("Unsqueeze", floats, last, type=column, label="column")
    key = (dim, op.base, op.order)
    scale = at.graph.initializer(("waves", *key), "constant/frequencies", lambda: frequencies)
    choice = at.graph.initializer(("sines", *key), "constant/is_sine", lambda: is_sine)
    angles = at.emit("Mul", columns, scale, type=type, label="angles")
    sines = at.emit("Sin", angles, type=type, label="sines")
    cosines = at.emit("Cos", angles, type=type, label="cosines")
    return at.emit("Where", choice, sines, cosines)


@RULES.add(RelativePositionBias)
def relative_position_bias(at: Lowering[RelativePositionBias]) -> Result:
    """`Gather` of the rows, then heads to the front."""
    window = tuple(at.known(size, "window") for size in at.op.window)
    heads, places, _ = at.type.shape
    key, name = ("ways", window), f"constant/ways{list(window)}".replace(" ", "")
    index = at.graph.initializer(key, name, lambda: ways(window))
    rows = at.type.with_shape(places, places, heads)
    picked = at.emit("Gather", at.weight("weight"), index, type=rows, label="picked", axis=0)
    return at.emit("Transpose", picked, perm=[2, 0, 1])


def ways(window: tuple[int, ...]) -> Any:
    """The row of each way from one place of a window to another."""
    index = np.zeros(1, np.int64)
    for axis, size in zip(np.indices(window), window, strict=True):
        place = axis.ravel()
        index = index * (2 * size - 1) + place[:, None] - place + size - 1
    return index
