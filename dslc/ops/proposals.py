"""From places to objects and back: anchors, what they match, and a balanced choice of them."""

from __future__ import annotations

from dslc.ir.types import TensorType
from dslc.ops.attributes import Boolean, Integer, Maybe, Number, Numbers, Size
from dslc.ops.base import Check, Input, Op, OpError
from dslc.ops.boxes import check_corners
from dslc.ops.shapes import need_rank, same_dtype
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import ClassVar

    from dslc.ir.dims import DimLike


class Anchors(Op):
    """Boxes of every size and ratio around each place of an image, in pixels of what it came from.

    A box is `size * sqrt(ratio)` high and `size / sqrt(ratio)` wide, around `(place + offset) *
    stride`. Rows come first, then places, ratios, sizes. Shape: `[N, C, H, W]` →
    `[H * W * ratios * sizes, 4]`. Source: ONNX Range and Concat; `torchvision`'s `AnchorGenerator`
    (`rounded: true`); Ren et al. 2015.
    """

    family = "detection"
    layout = "channels"
    primary = "sizes"
    passes_gradient = False
    sizes = Numbers(minimum=1e-6, doc="the roots of the areas")
    ratios = Numbers((0.5, 1.0, 2.0), minimum=1e-6, doc="heights by widths")
    stride = Size(minimum=1, doc="the pixels from place to place")
    offset = Number(
        0.0, minimum=0, maximum=1, doc="where a place is in its pixels; 0.5 is the middle"
    )
    rounded = Boolean(False, doc="whether corners are whole pixels from the centre")

    @property
    def count(self) -> int:
        """How many boxes a place has."""
        return len(self.sizes) * len(self.ratios)

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        need_rank(self.name, x, 4, "[N, C, H, W]")
        return x.with_shape(x.shape[2] * x.shape[3] * self.count, 4)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return outputs[0].elements


class MatchBoxes(Op):
    """Which box each anchor overlaps most, and whether it is taken for it or for none.

    Overlap is `box_iou`. Anchors from `high` on are `positive`, those below `low` are `negative`, and
    what is between is neither; with `best` the anchor that overlaps a box most is positive anyhow.
    Boxes that are not `valid` match nothing. Among equals the first counts.
    Outputs: `ids` `i64[N, R]`, the box of each anchor; `positive` and `negative`, `bool[N, R]`.
    Shape: anchors `[R, 4]` or `[N, R, 4]`, boxes `[N, S, 4]`, valid `[N, S]`.
    Source: ONNX ArgMax and ReduceMax; `torchvision`'s `Matcher`; Ren et al. 2015.
    """

    family = "detection"
    primary = "high"
    passes_gradient = False
    inputs = (Input("anchors"), Input("boxes"), Input("valid", "bool", default="none"))
    outputs = ("ids", "positive", "negative")
    high = Number(0.5, minimum=0, maximum=1, doc="the overlap from which on an anchor is positive")
    low = Maybe(
        Number(
            minimum=0, maximum=1, doc="the overlap below which it is negative; `high` by default"
        )
    )
    best = Boolean(False, doc="whether each box has a positive anchor, if any overlaps it")

    def infer(self, check: Check, *types: TensorType) -> tuple[TensorType, ...]:
        anchors, boxes = types[:2]
        same_dtype(self.name, types[:2])
        need_rank(self.name, boxes, 3, "boxes [N, S, 4]", input=1)
        if anchors.rank not in (2, 3):
            message = f"`match_boxes` takes anchors [R, 4] or [N, R, 4], not {anchors}"
            raise OpError("E0303", message, input=0)
        for position, value in enumerate((anchors, boxes)):
            check_corners(check, value, position)
        if self.low is not None and self.low > self.high:
            message = f"`low` is at most `high`, and {self.low:g} is above {self.high:g}"
            raise OpError("E0504", message, attribute="low")
        if anchors.rank == 3:
            same_images(check, anchors, boxes, 1)
        if len(types) > 2:
            need_rank(self.name, types[2], 2, "`valid` [N, S]", input=2)
            for axis in (0, 1):
                sizes = (boxes.shape[axis], types[2].shape[axis])
                message = f"axis {axis} of `valid` is {sizes[1]} for {sizes[0]} boxes"
                check.require("==", *sizes, message, code="E0304", input=2, axis=axis)
        ids = TensorType("i64", (boxes.shape[0], anchors.shape[-2]))
        return ids, ids.with_dtype("bool"), ids.with_dtype("bool")

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 14 * outputs[0].elements * types[1].shape[1]


class SampleBalanced(Op):
    """At most `max` places of each row, of which at most a `share` is positive.

    First come positive places, as many as there are up to `max * share` rounded down, then negative
    ones, up to `max`; drawn anew in each run, or in order without `shuffle`. Behind the last one ids
    are 0 and `valid` is false.
    Outputs: `ids` `i64[N, max]`, `positive` and `valid` `bool[N, max]`.
    Shape: two flags `[N, R]` each. Source: ONNX TopK and RandomUniform; `torchvision`'s
    `BalancedPositiveNegativeSampler`; Ren et al. 2015.
    """

    family = "detection"
    primary = "max"
    passes_gradient = False
    chance = ("shuffle",)
    always_draws = True
    settled: ClassVar[Mapping[str, int | bool]] = {"shuffle": False}
    inputs = (Input("positive", "bool"), Input("negative", "bool"))
    outputs = ("ids", "positive", "valid")
    max = Integer(minimum=1, doc="how many places are taken")
    share = Number(0.5, minimum=0, maximum=1, doc="how much of them may be positive")
    shuffle = Boolean(True, doc="whether places are drawn, or else taken in order")

    @property
    def most(self) -> int:
        """How many positive places are taken at most."""
        return int(self.max * self.share)

    def infer(self, check: Check, *types: TensorType) -> tuple[TensorType, ...]:
        positive, negative = types
        need_rank(self.name, positive, 2, "flags [N, R]")
        need_rank(self.name, negative, 2, "flags [N, R]", input=1)
        for axis in (0, 1):
            sizes = (positive.shape[axis], negative.shape[axis])
            message = f"axis {axis} of both is {sizes[0]} and {sizes[1]}"
            check.require("==", *sizes, message, code="E0304", input=1, axis=axis)
        if not self.most:
            message = f"a share of {self.share:g} of {self.max} leaves no positive place"
            raise OpError("E0504", message, attribute="share")
        ids = TensorType("i64", (positive.shape[0], self.max))
        return ids, ids.with_dtype("bool"), ids.with_dtype("bool")

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 4 * types[0].elements


def same_images(check: Check, left: TensorType, right: TensorType, input: int) -> None:
    """Raises unless two values are of as many images."""
    sizes = (left.shape[0], right.shape[0])
    message = f"there are {sizes[0]} images in one and {sizes[1]} in the other"
    check.require("==", *sizes, message, code="E0304", input=input, axis=0)
