"""The attributes of sliding windows that convolutions and pools share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.windows import beyond, pads

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.types import TensorType
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


def windowed(at: Lowering[Any], fill: float = 0.0) -> tuple[ir.Value, dict[str, Any]]:
    """What an op over windows reads, and its window: padding that a runtime refuses is a `Pad`."""
    attributes = window_attributes(at)
    if not refused(attributes):
        return at.input(), attributes
    del attributes["auto_pad"]
    return padded_same(at, at.input(), at.operand().type, fill), attributes


def refused(attributes: dict[str, Any]) -> bool:
    """Whether onnxruntime refuses `auto_pad`: beside dilations, and where windows leave gaps."""
    kernel = attributes["kernel_shape"]
    strides = attributes.get("strides", (1,) * len(kernel))
    gaps = any(stride > size for stride, size in zip(strides, kernel, strict=True))
    return "auto_pad" in attributes and ("dilations" in attributes or gaps)


def padded_same(at: Lowering[Any], x: ir.Value, type: TensorType, fill: float = 0.0) -> ir.Value:
    """A value with the padding of `same` around it, as much as its size asks for at run time."""
    op, rank = at.op, type.rank - 2
    dilations = op.values.get("dilation") or (1,) * rank
    sides = [
        pads(size, op.kernel[k], op.stride[k], dilations[k], op.padding, k)
        for k, size in enumerate(type.shape[2:])
    ]
    sizes = [
        size + before + after for size, (before, after) in zip(type.shape[2:], sides, strict=True)
    ]
    before, after = zip(*sides, strict=True)
    widths = at.sizes.shape((0, 0, *before, 0, 0, *after))
    full = type.with_shape(*type.shape[:2], *sizes)
    filling = [at.number(fill)] if fill else []
    return at.emit("Pad", x, widths, *filling, type=full, label="padded")
