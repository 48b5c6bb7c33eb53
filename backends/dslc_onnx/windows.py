"""The attributes of sliding windows that convolutions and pools share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.windows import beyond, pads

if TYPE_CHECKING:
    from dslc_onnx.lowering import Lowering


def window_attributes(at: Lowering[Any]) -> dict[str, Any]:
    """Kernel, strides, dilations and padding; what is ONNX's default is left out.

    Padding is written as numbers wherever they are the same for every size; `same` with a stride
    over symbolic sizes is left to the runtime, whose `SAME_UPPER` means the same.
    """
    op, sizes = at.op, at.operand().type.shape[2:]
    rank = len(sizes)
    kernel = [at.known(size, "kernel") for size in op.kernel]
    strides = [at.known(size, "stride") for size in op.stride]
    dilations = [at.known(size, "dilation") for size in op.values.get("dilation") or (1,) * rank]
    found: dict[str, Any] = {"kernel_shape": kernel}
    if any(stride != 1 for stride in strides):
        found["strides"] = strides
    if any(dilation != 1 for dilation in dilations):
        found["dilations"] = dilations
    sides = [
        pads(size, kernel[k], strides[k], dilations[k], op.padding, k)
        for k, size in enumerate(sizes)
    ]
    if op.values.get("ceil"):
        sides = [
            (before, beyond(kernel[k], strides[k], before)) for k, (before, _) in enumerate(sides)
        ]
    ends = [*(before for before, _ in sides), *(after for _, after in sides)]
    if op.padding == "same" and not all(isinstance(end, int) for end in ends):
        found["auto_pad"] = "SAME_UPPER"
    elif any(end != 0 for end in ends):
        found["pads"] = [at.known(end, "padding") for end in ends]
    return found
