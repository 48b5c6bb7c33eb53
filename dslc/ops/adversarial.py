"""Losses of two networks against each other."""

from __future__ import annotations

from dslc.ops.attributes import Word
from dslc.ops.base import Check, Input, Op
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class GanLoss(Op):
    """The mean loss of a discriminator's scores: of real data, of made ones, or for what made them.

    | kind | real | fake | generator |
    | --- | --- | --- | --- |
    | logistic | `softplus(-s)` | `softplus(s)` | `softplus(-s)` |
    | hinge | `max(0, 1 - s)` | `max(0, 1 + s)` | `-s` |
    | least_squares | `(s - 1) ** 2` | `s ** 2` | `(s - 1) ** 2` |
    | wasserstein | `-s` | `s` | `-s` |

    Shape: scores of any shape → scalar. Source: ONNX Softplus, Relu and ReduceMean; Goodfellow et al.
    2014; Lim and Ye 2017; Mao et al. 2017; Arjovsky et al. 2017.
    """

    family = "loss"
    primary = "of"
    layout = "elementwise"
    inputs = (Input("scores"),)
    of = Word(words=("real", "fake", "generator"), doc="whose loss it is")
    kind = Word(
        "logistic",
        words=("logistic", "hinge", "least_squares", "wasserstein"),
        doc="how scores count",
    )

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return types[0].with_shape()

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 3 * types[0].elements
