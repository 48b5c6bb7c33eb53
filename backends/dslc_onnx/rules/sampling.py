"""Images sampled at places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.ops.sampling import AffineGrid, GridSample
from dslc_onnx.rules import RULES
from dslc_onnx.types import numpy_dtype

if TYPE_CHECKING:
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(AffineGrid)
def affine_grid(at: Lowering[AffineGrid]) -> Result:
    """The places of all pixels, a tensor of the file, through the map."""
    high, wide = (at.known(size, "size") for size in at.op.size)
    theta, dtype = at.operand().type, numpy_dtype(at.type.dtype)

    def make() -> Any:
        y, x = np.meshgrid(*((2 * np.arange(n) + 1) / n - 1 for n in (high, wide)), indexing="ij")
        return np.stack((x, y, np.ones_like(x)), -1).reshape(high * wide, 3).astype(dtype)

    key = ("pixels", high, wide, at.type.dtype)
    pixels = at.graph.initializer(key, f"constant/pixels[{high},{wide}]", make)
    turned = theta.with_shape(theta.shape[0], 3, 2)
    matrix = at.emit("Transpose", at.input(), type=turned, label="turned", perm=[0, 2, 1])
    flat = theta.with_shape(theta.shape[0], high * wide, 2)
    found = at.emit("MatMul", pixels, matrix, type=flat, label="places")
    return at.sizes.reshape(found, flat, at.type, at.path)


@RULES.add(GridSample)
def grid_sample(at: Lowering[GridSample]) -> Result:
    """`GridSample`."""
    mode = "linear" if at.op.mode == "bilinear" and at.graph.opset >= 20 else at.op.mode
    corners = int(at.op.align_corners)
    options = {"mode": mode, "padding_mode": at.op.padding, "align_corners": corners}
    return at.graph.node("GridSample", [at.input(0), at.input(1)], [(at.path, at.type)], options)[0]
