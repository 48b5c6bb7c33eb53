"""Losses for imbalance, overlap, latent variables and pairs."""

from __future__ import annotations

from dslc.ops.attributes import Maybe, Number
from dslc.ops.base import Check, Input, Op, OpError
from dslc.ops.distance import equal_shapes
from dslc.ops.shapes import need_rank
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class Focal(Op):
    """Binary cross-entropy of logits that counts easy places less: `a (1 - p)^gamma * bce`.

    p is the probability that is given to the target t, `sigmoid(x) t + (1 - sigmoid(x)) (1 - t)`;
    a is `alpha t + (1 - alpha) (1 - t)`, or 1 without `alpha`. The mean over all places is taken.
    Shape: two equal shapes → scalar. Source: `torchvision.ops.sigmoid_focal_loss`; Lin et al. 2017.
    """

    family = "loss"
    layout = "elementwise"
    log_odds = True
    inputs = (Input("x"), Input("target"))
    gamma = Number(2.0, minimum=1, doc="how much less easy places count")
    alpha = Maybe(Number(minimum=0, maximum=1, doc="the weight of targets of 1; by default none"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        equal_shapes(self.name, check, *types)
        return types[0].with_shape()

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 20 * types[0].elements


class Dice(Op):
    """`1 - (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth)` for each row, the mean over rows.

    p are probabilities, the sums go over all axes but the first. Shape: two equal shapes
    `[N, …]` → scalar. Source: Milletari et al. 2016; Sudre et al. 2017.
    """

    family = "loss"
    layout = "elementwise"
    inputs = (Input("x"), Input("target"))
    smooth = Number(1.0, minimum=0, doc="what is added above and below")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        equal_shapes(self.name, check, *types)
        if types[0].rank < 2:
            raise OpError("E0303", f"`dice` takes [N, …], not {types[0]}", input=0)
        return types[0].with_shape()

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 4 * types[0].elements


class GaussianKl(Op):
    """The divergence of normal distributions from the standard one, the mean over rows.

    For each row `sum(mean^2 + exp(log_variance) - 1 - log_variance) / 2` over all other axes.
    Shape: two equal shapes `[N, …]` → scalar. Source: Kingma and Welling 2014.
    """

    family = "loss"
    layout = "elementwise"
    inputs = (Input("mean"), Input("log_variance"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        equal_shapes(self.name, check, *types)
        if types[0].rank < 2:
            raise OpError("E0303", f"`gaussian_kl` takes [N, …], not {types[0]}", input=0)
        return types[0].with_shape()

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 9 * types[0].elements


class Triplet(Op):
    """The mean of `max(|a - p| - |a - n| + margin, 0)` over rows, with Euclid's distances.

    1e-12 is added to a squared distance before its root. Shape: `[N, D]` three times → scalar.
    Source: `torch.nn.functional.triplet_margin_loss`; Schroff et al. 2015.
    """

    family = "loss"
    primary = "margin"
    inputs = (Input("anchor"), Input("positive"), Input("negative"))
    margin = Number(1.0, minimum=0, doc="how much farther the negative is to be")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        anchor, positive, negative = types
        need_rank(self.name, anchor, 2, "[N, D]")
        equal_shapes(self.name, check, anchor, positive)
        equal_shapes(self.name, check, anchor, negative)
        return anchor.with_shape()

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 6 * types[0].elements


class Contrastive(Op):
    """InfoNCE: the cross-entropy of each row of `x` finding its own among all rows of `y`.

    The logits are the cosines of the rows divided by `temperature`; a norm counts as 1e-8 at least.
    Shape: `[N, D]` twice → scalar. Source: van den Oord et al. 2018; Radford et al. 2021.
    """

    family = "loss"
    primary = "temperature"
    inputs = (Input("x"), Input("y"))
    temperature = Number(0.07, minimum=1e-4, doc="what the cosines are divided by")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, y = types
        need_rank(self.name, x, 2, "[N, D]")
        equal_shapes(self.name, check, x, y)
        return x.with_shape()

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        rows, width = types[0].shape
        return 2 * rows * rows * width + 5 * rows * rows
