"""Mixtures of experts: which experts a row goes to, and what they make of it."""

from __future__ import annotations

from dslc.ops.attributes import Maybe, Number, Size, Word
from dslc.ops.base import Check, Input, Op, OpError, Weight
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType

START = ("normal", ("std", 0.02))


class TopKRouter(Op):
    """The softmax over the `k` largest numbers of each row, 0 at all others.

    Those that equal the k-th are all taken. Shape: `[…, E]` unchanged.
    Source: ONNX TopK and Softmax; Shazeer et al. 2017; Jiang et al. 2024.
    """

    family = "mixture"
    primary = "k"
    inputs = (Input("logits"),)
    k = Size(2, minimum=1, doc="how many experts a row goes to")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (logits,) = types
        if not logits.rank:
            raise OpError("E0303", f"`top_k_router` takes [..., E], not {logits}", input=0)
        message = f"there are {logits.shape[-1]} experts, fewer than `k`, {self.k}"
        check.require("<=", self.k, logits.shape[-1], message, code="E0308", attribute="k")
        return logits

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 6 * types[0].elements


class MixtureOfExperts(Op):
    """Small networks side by side, of which each row is given to the `k` that a router picks.

    `sum over e of gate[e] * outer[e] activation(inner[e] x)`, the gates being `top_k_router` of
    `router x`. `balance` is 1 where rows are spread evenly, and grows with the imbalance; added to a
    loss it keeps all experts in use. Every expert computes every row, and gates of 0 take out what does
    not count. With `capacity` c, of R rows in all an expert takes the first
    `ceil(c * R * k / experts)` that it is given, in order, and passes over the others; c counts in
    thousandths.
    Weights: `router` `[experts, D]`, `inner` `[experts, hidden, D]`, `outer` `[experts, D, hidden]`.
    Shape: `[N, D]` or `[N, T, D]` → the same, and `balance`, a scalar.
    Source: ONNX Einsum; Shazeer et al. 2017; Fedus et al. 2022.
    """

    family = "mixture"
    outputs = ("value", "balance")
    experts = Size(minimum=1, doc="the number of experts")
    hidden = Size(minimum=1, doc="the width inside an expert")
    k = Size(2, minimum=1, doc="how many experts a row goes to")
    capacity = Maybe(Number(minimum=0.001, doc="how many even shares of the rows an expert takes"))
    activation = Word("gelu", words=("gelu", "silu", "relu"), doc="the function inside an expert")

    def infer(self, check: Check, *types: TensorType) -> tuple[TensorType, ...]:
        (x,) = types
        if x.rank not in (2, 3):
            message = f"`mixture_of_experts` takes [N, D] or [N, T, D], not {x}"
            raise OpError("E0303", message, input=0)
        message = f"there are {self.experts} experts, fewer than `k`, {self.k}"
        check.require("<=", self.k, self.experts, message, code="E0308", attribute="k")
        return x, x.with_shape()

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        width = types[0].shape[-1]
        return (
            Weight("router", (self.experts, width), START),
            Weight("inner", (self.experts, self.hidden, width), START),
            Weight("outer", (self.experts, width, self.hidden), START),
        )

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 2 * types[0].elements * self.experts * (2 * self.hidden + 1)
