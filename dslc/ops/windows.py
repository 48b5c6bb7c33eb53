"""The arithmetic of sliding windows, shared by convolutions and pools.

Output size for explicit pads: `(size + before + after - dilation * (kernel - 1) - 1) // stride + 1`
(ONNX operators Conv and MaxPool). `same` pads so that the output is `ceil(size / stride)`, with the
odd element after (ONNX `SAME_UPPER`, TensorFlow's `same`). A pool that rounds up (`ceil`) has more
padding after: as much as lets one more window begin inside, which is the same for every size.
"""

from __future__ import annotations

from dslc.ir.dims import ceil_div, dim_max, dim_min
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from dslc.ir.dims import DimLike
    from dslc.ops.base import Check


FORMS = {1: "[N, C, L]", 2: "[N, C, H, W]", 3: "[N, C, D, H, W]"}
"""What an op over windows of some axes takes."""


def pads(
    size: DimLike, kernel: DimLike, stride: DimLike, dilation: DimLike, padding: Any, axis: int
) -> tuple[DimLike, DimLike]:
    """The elements added before and after one axis; `padding` is "same" or sizes by axis."""
    if padding != "same":
        return padding[axis], padding[axis]
    reach = dilation * (kernel - 1)
    if stride == 1:
        return reach // 2, reach - reach // 2
    total = dim_max((ceil_div(size, stride) - 1) * stride + reach + 1 - size, 0)
    return total // 2, total - total // 2


def beyond(kernel: DimLike, stride: DimLike, padding: DimLike) -> DimLike:
    """The padding after an axis with which a pool rounds its size up.

    Its last window begins on the input or on the padding before it, never on that behind (PyTorch's
    and ONNX's `ceil_mode`).
    """
    return dim_min(padding + stride - 1, kernel - 1)


def output_size(
    check: Check,
    size: DimLike,
    kernel: DimLike,
    stride: DimLike,
    dilation: DimLike,
    padding: Any,
    axis: int,
    *,
    ceil: bool = False,
) -> DimLike:
    """The size of spatial axis `axis` after the window, shown to be at least 1."""
    if padding == "same":
        return ceil_div(size, stride)
    before, after = pads(size, kernel, stride, dilation, padding, axis)
    if ceil:
        after = beyond(kernel, stride, before)
    span = dilation * (kernel - 1) + 1
    check.require(
        ">=",
        size + before + after,
        span,
        f"a window of {span} does not fit into {size + before + after} (padding included)",
        code="E0319",
        input=0,
        axis=2 + axis,
        help="make the kernel smaller, or pad more",
    )
    return (size + before + after - span) // stride + 1


def spatial_sizes(check: Check, shape: tuple[DimLike, ...], op: Any) -> tuple[DimLike, ...]:
    """The spatial sizes after an op with kernel, stride, padding and perhaps dilation."""
    dilation = op.values.get("dilation") or (1,) * len(op.kernel)
    ceil = op.values.get("ceil", False)
    return tuple(
        output_size(check, size, op.kernel[k], op.stride[k], dilation[k], op.padding, k, ceil=ceil)
        for k, size in enumerate(shape[2:])
    )
