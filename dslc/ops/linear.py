"""Linear maps: dense, convolutions, embedding, matrix product."""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Padding, Size, Sizes
from dslc.ops.base import Check, Input, Op, OpError, Weight
from dslc.ops.normed import fan_in, made_of, normalize
from dslc.ops.shapes import broadcast, need_rank, product
from dslc.ops.windows import FORMS, spatial_sizes
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class Linear(Op):
    """An affine map of the last axis: `x @ weight.T + bias`.

    With `normalize: weight_norm` the weight is `scale * v / |v|` for each output, with
    `spectral_norm` it is divided by an estimate of its largest singular value, moved in training.
    Shape: `[…, in]` → `[…, out]`. Source: ONNX Gemm and MatMul; `torch.nn.Linear`.
    """

    takes_empty = True
    family = "linear"
    primary = "out"
    out = Size(minimum=1, doc="the size of the last axis after the map")
    bias = Boolean(True, doc="whether a learned vector is added")
    normalize = normalize()

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        if x.rank == 0:
            raise OpError("E0303", "`linear` needs at least one axis, not a scalar", input=0)
        return x.with_shape(*x.shape[:-1], self.out)

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        weights = made_of(self.normalize, (self.out, types[0].shape[-1]))
        bias = Weight("bias", (self.out,), fan_in(self.normalize))
        return (*weights, bias) if self.bias else weights

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        bias = outputs[0].elements if self.bias else 0
        return 2 * outputs[0].elements * types[0].shape[-1] + bias


class _Convolution(Op):
    """What convolutions share; `groups` and `out` are attributes, or follow from the channels."""

    layout = "channels"
    rank: ClassVar[int]

    bias = Boolean(True, doc="whether a learned vector is added to every channel")

    def groups_of(self, channels: DimLike) -> DimLike:
        """The number of groups."""
        del channels
        return self.values["groups"]

    def out_of(self, channels: DimLike) -> DimLike:
        """The number of output channels."""
        del channels
        return self.values["out"]

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        need_rank(self.name, x, self.rank + 2, FORMS[self.rank])
        channels, groups = x.shape[1], self.groups_of(x.shape[1])
        out = self.out_of(channels)
        if groups != 1:
            self._check_groups(check, channels, "input", groups)
            self._check_groups(check, out, "output", groups)
        return x.with_shape(x.shape[0], out, *spatial_sizes(check, x.shape, self))

    def _check_groups(self, check: Check, channels: DimLike, which: str, groups: DimLike) -> None:
        """Raises unless the groups divide the channels."""
        message = f"`groups` must divide the {channels} {which} channels, and {groups} does not"
        help = _divisors(channels)
        check.require("==", channels % groups, 0, message, attribute="groups", help=help)

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        channels = types[0].shape[1]
        out = self.out_of(channels)
        shape = (out, channels // self.groups_of(channels), *self.values["kernel"])
        kind = self.values.get("normalize", "none")
        weights = made_of(kind, shape)
        return (*weights, Weight("bias", (out,), fan_in(kind))) if self.bias else weights

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        channels = types[0].shape[1]
        taps = (channels // self.groups_of(channels)) * product(self.values["kernel"])
        return outputs[0].elements * (2 * taps + (1 if self.bias else 0))


def _divisors(channels: DimLike) -> str | None:
    """What would divide a number of channels, where that is a short list."""
    if not isinstance(channels, int) or channels > 4096:
        return None
    found = [str(n) for n in range(1, channels + 1) if channels % n == 0]
    return f"{channels} is divisible by {', '.join(found)}" if len(found) <= 12 else None


class Conv1d(_Convolution):
    """A convolution over one axis (cross-correlation, as every framework has it).

    Shape: `[N, C, L]` → `[N, out, (L + pads - dilation * (kernel - 1) - 1) // stride + 1]`.
    Source: ONNX Conv; `torch.nn.Conv1d`.
    """

    family = "linear"
    primary = "out"
    rank = 1
    out = Size(minimum=1, doc="the number of output channels")
    kernel = Sizes(1, minimum=1, doc="the window's length")
    stride = Sizes(1, 1, minimum=1, doc="the step of the window")
    padding = Padding(1, doc="zeros on both sides, or `same` or `valid`")
    dilation = Sizes(1, 1, minimum=1, doc="the distance between the window's elements")
    groups = Size(1, minimum=1, doc="channel groups that do not see each other")
    normalize = normalize()


class Conv2d(_Convolution):
    """A convolution over two axes (cross-correlation, as every framework has it).

    Shape: `[N, C, H, W]` → `[N, out, (H + pads - dilation * (kernel - 1) - 1) // stride + 1, …]`.
    `same` gives `ceil(H / stride)`, the odd element of padding after. Source: ONNX Conv;
    `torch.nn.Conv2d`.
    """

    family = "linear"
    primary = "out"
    rank = 2
    out = Size(minimum=1, doc="the number of output channels")
    kernel = Sizes(2, minimum=1, doc="the window's height and width")
    stride = Sizes(2, 1, minimum=1, doc="the steps of the window")
    padding = Padding(2, doc="zeros on both sides, or `same` or `valid`")
    dilation = Sizes(2, 1, minimum=1, doc="the distance between the window's elements")
    groups = Size(1, minimum=1, doc="channel groups that do not see each other")
    normalize = normalize()


class Conv3d(_Convolution):
    """A convolution over three axes (cross-correlation, as every framework has it).

    Shape: `[N, C, D, H, W]` → `[N, out, …]`, each size as in `conv2d`. Source: ONNX Conv;
    `torch.nn.Conv3d`.
    """

    family = "linear"
    primary = "out"
    rank = 3
    out = Size(minimum=1, doc="the number of output channels")
    kernel = Sizes(3, minimum=1, doc="the window's depth, height and width")
    stride = Sizes(3, 1, minimum=1, doc="the steps of the window")
    padding = Padding(3, doc="zeros on both sides, or `same` or `valid`")
    dilation = Sizes(3, 1, minimum=1, doc="the distance between the window's elements")
    groups = Size(1, minimum=1, doc="channel groups that do not see each other")
    normalize = normalize()


class DepthwiseConv2d(_Convolution):
    """A convolution of each channel by itself, `multiplier` filters for each.

    Shape: `[N, C, H, W]` → `[N, C * multiplier, …]` as `conv2d` with `groups = C`. Source: ONNX Conv
    with `group = C`; Howard et al. 2017.
    """

    family = "linear"
    primary = "kernel"
    rank = 2
    kernel = Sizes(2, minimum=1, doc="the window's height and width")
    stride = Sizes(2, 1, minimum=1, doc="the steps of the window")
    padding = Padding(2, doc="zeros on both sides, or `same` or `valid`")
    dilation = Sizes(2, 1, minimum=1, doc="the distance between the window's elements")
    multiplier = Size(1, minimum=1, doc="filters for each channel")

    def groups_of(self, channels: DimLike) -> DimLike:
        return channels

    def out_of(self, channels: DimLike) -> DimLike:
        return channels * self.multiplier


class Embedding(Op):
    """A learned row for each integer id: `weight[ids]`.

    Shape: `[…]` of integers → `[…, dim]`. Ids must lie in `0 … vocab - 1`. Source: ONNX Gather;
    `torch.nn.Embedding`.
    """

    takes_empty = True
    family = "linear"
    inputs = (Input("ids", "integer"),)
    vocab = Size(minimum=1, doc="the number of rows")
    dim = Size(minimum=1, doc="the length of a row")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (ids,) = types
        return ids.with_dtype("f32").with_shape(*ids.shape, self.dim)

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        del types
        return (Weight("weight", (self.vocab, self.dim), ("normal", ("std", 1.0))),)

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        del types
        return (self.vocab,)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 0


class Matmul(Op):
    """The matrix product of the last two axes, the axes before them broadcast.

    Shape: `[…, n, k]`, `[…, k, m]` → `[…, n, m]`. Source: ONNX MatMul; `torch.matmul`.
    """

    takes_empty = True
    family = "linear"
    inputs = (Input("x"), Input("y"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, y = types
        for position, value in enumerate(types):
            if value.rank < 2:
                raise OpError(
                    "E0303", f"`matmul` needs at least two axes, not {value}", input=position
                )
        check.require(
            "==",
            x.shape[-1],
            y.shape[-2],
            f"`matmul` needs the last axis of the first input, {x.shape[-1]}, to equal the last but "
            f"one of the second, {y.shape[-2]}",
            code="E0304",
            input=1,
            axis=y.rank - 2,
        )
        lead = broadcast(check, "matmul", [x.shape[:-2], y.shape[:-2]])
        return x.with_shape(*lead, x.shape[-2], y.shape[-1])

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 2 * outputs[0].elements * types[0].shape[-1]
