"""Normalisations."""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Number
from dslc.ops.base import Check, Op, OpError, Weight
from dslc.ops.shapes import count_axes
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class BatchNorm(Op):
    """Normalises each channel (axis 1) over the batch and all other axes, then scales and shifts.

    In training it uses the batch's statistics and updates the running ones: `momentum` is the weight
    of the new value, the running variance is the unbiased one. Otherwise it uses the running ones.
    Shape: `[N, C, …]` unchanged. Source: ONNX BatchNormalization; `torch.nn.BatchNorm2d`;
    Ioffe and Szegedy 2015.
    """

    family = "norm"
    layout = "channels"
    eps = Number(1e-5, minimum=0, doc="added to the variance")
    momentum = Number(0.1, minimum=0, maximum=1, doc="the weight of the new running statistic")
    affine = Boolean(True, doc="whether a learned scale and shift follow")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        if types[0].rank < 2:
            raise OpError(
                "E0303", f"`batch_norm` takes [N, C, …], and {types[0]} has no axis 1", input=0
            )
        return types[0]

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        channels = (types[0].shape[1],)
        learned = (Weight("weight", channels, ("ones",)), Weight("bias", channels, ("zeros",)))
        return (
            *(learned if self.affine else ()),
            Weight("running_mean", channels, ("zeros",), "buffer"),
            Weight("running_var", channels, ("ones",), "buffer"),
        )

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 2 * outputs[0].elements


class LayerNorm(Op):
    """Normalises over the last axis, then scales and shifts.

    Shape: `[…, D]` unchanged. Source: ONNX LayerNormalization; `torch.nn.LayerNorm`; Ba et al. 2016.
    """

    family = "norm"
    eps = Number(1e-5, minimum=0, doc="added to the variance")
    bias = Boolean(True, doc="whether a learned shift is added")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return _need_axis(self.name, types[0])

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        width = (types[0].shape[-1],)
        weight = Weight("weight", width, ("ones",))
        return (weight, Weight("bias", width, ("zeros",))) if self.bias else (weight,)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 8 * outputs[0].elements


class RmsNorm(Op):
    """Divides by the root mean square of the last axis, then scales.

    Shape: `[…, D]` unchanged. Source: ONNX RMSNormalization; `torch.nn.RMSNorm`; Zhang and
    Sennrich 2019.
    """

    family = "norm"
    eps = Number(1e-6, minimum=0, doc="added to the mean square")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return _need_axis(self.name, types[0])

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        return (Weight("weight", (types[0].shape[-1],), ("ones",)),)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 5 * outputs[0].elements


def _need_axis(op: str, value: TensorType) -> TensorType:
    if value.rank == 0:
        raise OpError("E0303", f"`{op}` needs an axis, and {value} has {count_axes(0)}", input=0)
    return value
