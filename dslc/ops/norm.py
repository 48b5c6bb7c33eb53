"""Normalisations."""

from __future__ import annotations

from dslc.ops.attributes import Axis, Boolean, Integer, Number, Size
from dslc.ops.base import Check, Op, OpError, Weight
from dslc.ops.shapes import count_axes, need_rank, product, resolve_axis
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
    eps = Number(1e-5, above=0, doc="added to the variance")
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


def require_several(check: Check, op: Op, count: DimLike) -> None:
    """Raises `OpError` unless a norm is taken over two elements or more; of one it is zero."""
    message = f"`{op.name}` normalises {count} elements at a time, and of one nothing is left"
    check.require(">=", count, 2, message, code="E0327", input=0)


class InstanceNorm(Op):
    """Normalises each channel of each row over all axes after the channels, then scales and shifts.

    The same in training and after it: no running statistics. Shape: `[N, C, …]` unchanged.
    Source: ONNX InstanceNormalization; `torch.nn.InstanceNorm2d`; Ulyanov et al. 2016.
    """

    family = "norm"
    layout = "channels"
    eps = Number(1e-5, above=0, doc="added to the variance")
    affine = Boolean(True, doc="whether a learned scale and shift follow")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        if x.rank < 3:
            message = f"`instance_norm` takes [N, C, …], and {x} has no axis 2"
            raise OpError("E0303", message, input=0)
        require_several(check, self, product(x.shape[2:]))
        return x

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        channels = (types[0].shape[1],)
        learned = (Weight("weight", channels, ("ones",)), Weight("bias", channels, ("zeros",)))
        return learned if self.affine else ()

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 8 * outputs[0].elements


class LayerNorm(Op):
    """Normalises over the last axis, then scales and shifts.

    Shape: `[…, D]` unchanged. Source: ONNX LayerNormalization; `torch.nn.LayerNorm`; Ba et al. 2016.
    """

    takes_empty = True
    family = "norm"
    eps = Number(1e-5, above=0, doc="added to the variance")
    bias = Boolean(True, doc="whether a learned shift is added")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        found = _need_axis(self.name, types[0])
        if found.shape[-1] == 1:
            require_several(check, self, 1)
        return found

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

    takes_empty = True
    family = "norm"
    eps = Number(1e-6, above=0, doc="added to the mean square")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return _need_axis(self.name, types[0])

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        return (Weight("weight", (types[0].shape[-1],), ("ones",)),)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 5 * outputs[0].elements


class GroupNorm(Op):
    """Normalises each row over the channels of a group and all other axes, then scales and shifts.

    Shape: `[N, C, …]` unchanged. Source: ONNX GroupNormalization (opset 21); `torch.nn.GroupNorm`;
    Wu and He 2018.
    """

    family = "norm"
    layout = "channels"
    primary = "groups"
    groups = Size(minimum=1, doc="the number of groups; they divide the channels")
    eps = Number(1e-5, above=0, doc="added to the variance")
    affine = Boolean(True, doc="whether a learned scale and shift for each channel follow")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        if x.rank < 2:
            raise OpError("E0303", f"`group_norm` takes [N, C, …], and {x} has no axis 1", input=0)
        message = f"`groups` must divide the {x.shape[1]} channels, and {self.groups} does not"
        check.require("==", x.shape[1] % self.groups, 0, message, attribute="groups")
        require_several(check, self, (x.shape[1] // self.groups) * product(x.shape[2:]))
        return x

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        channels = (types[0].shape[1],)
        learned = (Weight("weight", channels, ("ones",)), Weight("bias", channels, ("zeros",)))
        return learned if self.affine else ()

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 8 * outputs[0].elements


class LayerScale(Op):
    """Multiplies by a learned vector along an axis, small at first.

    Weights: `weight`, one number for each place of the axis. Shape: unchanged. Source: Touvron et
    al. 2021; ONNX Mul.
    """

    takes_empty = True
    family = "norm"
    layout = "axes"
    primary = "value"
    value = Number(1e-5, doc="the first value of every scale")
    axis = Axis(-1, doc="the axis along which scales differ")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        resolve_axis(self.axis, types[0].rank)
        return types[0]

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        size = types[0].shape[resolve_axis(self.axis, types[0].rank)]
        return (Weight("weight", (size,), ("constant", ("value", self.value))),)


class LocalResponseNorm(Op):
    """`x / (k + alpha / size * sum of squares) ** beta` over `size` channels around each one.

    `size` is odd, since frameworks place an even window differently; beyond the channels there are
    zeros. Shape: `[N, C, H, W]` unchanged. Source: ONNX LRN; Krizhevsky et al. 2012.
    """

    family = "norm"
    layout = "channels"
    primary = "size"
    size = Integer(minimum=1, doc="how many channels are summed, an odd number")
    alpha = Number(1e-4, minimum=1e-9, doc="the factor of the mean square")
    beta = Number(0.75, minimum=1e-9, doc="the exponent")
    k = Number(1.0, above=0, doc="what is added to the mean square")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        need_rank(self.name, types[0], 4, "[N, C, H, W]")
        if self.size % 2 == 0:
            message = f"`size` takes an odd number, not `{self.size}`"
            raise OpError("E0504", message, attribute="size")
        return types[0]

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return (self.size + 6) * outputs[0].elements


class L2Normalize(Op):
    """`x / max(norm, eps)` with Euclid's norm over an axis.

    Shape: unchanged. Source: `torch.nn.functional.normalize`; ONNX ReduceL2 and Div.
    """

    takes_empty = True
    name = "l2_normalize"
    family = "norm"
    layout = "axes"
    primary = "axis"
    axis = Axis(-1, doc="the axis whose norm becomes 1")
    eps = Number(1e-12, above=0, doc="the least norm that is divided by")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        resolve_axis(self.axis, types[0].rank)
        return types[0]

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 3 * outputs[0].elements


def _need_axis(op: str, value: TensorType) -> TensorType:
    if value.rank == 0:
        raise OpError("E0303", f"`{op}` needs an axis, and {value} has {count_axes(0)}", input=0)
    return value
