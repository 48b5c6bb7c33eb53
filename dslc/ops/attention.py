"""Attention."""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Maybe, Number, Size
from dslc.ops.base import Check, Input, Op, OpError, Weight
from dslc.ops.linear import FAN_IN, KAIMING
from dslc.ops.shapes import need_rank
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class MultiHeadAttention(Op):
    """Scaled dot-product attention of several heads between learned projections.

    `softmax(q k^T / sqrt(head_dim)) v` for each head. `mask` is boolean, true where attended,
    `[N, S]` or broadcastable to `[N, heads, T, S]`; `causal` lets query t see keys up to
    `t + S - T`, so there are at least as many keys as queries. `dropout` acts on the attention
    weights. Weights: `query`, `key`, `value` and `out`, each a linear map.
    Shape: `[N, T, D]`, `[N, S, E]` → `[N, T, D]`.
    Source: ONNX Attention; Vaswani et al. 2017.
    """

    takes_empty = True
    family = "attention"
    primary = "heads"
    chance = ("dropout",)
    inputs = (
        Input("query"),
        Input("key", default="query"),
        Input("value", default="key"),
        Input("mask", "bool", default="none"),
    )
    heads = Size(minimum=1, doc="the number of heads")
    head_dim = Maybe(Size(minimum=1, doc="the size of a head; by default D // heads"))
    causal = Boolean(False, doc="whether a query sees only keys up to its own place")
    dropout = Number(0.0, minimum=0, below=1, doc="dropout of the attention weights")
    projection_bias = Boolean(True, doc="whether the four projections have a bias")

    def size_of_head(self, check: Check, width: DimLike) -> DimLike:
        """The size of one head, for queries of a width."""
        if self.head_dim is not None:
            return self.head_dim
        message = f"`heads` must divide the width {width}, and {self.heads} does not"
        help = "choose another number of heads or give `head_dim`"
        check.require("==", width % self.heads, 0, message, attribute="heads", help=help)
        return width // self.heads

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        for position, value in enumerate(types[:3]):
            need_rank(self.name, value, 3, "[N, T, D]", input=position)
        query, key, value = types[:3]
        self.size_of_head(check, query.shape[2])
        for axis, other, position in ((0, key, 1), (0, value, 2)):
            message = f"`query` has {query.shape[0]} rows and input {position} {other.shape[0]}"
            check.require(
                "==",
                query.shape[0],
                other.shape[0],
                message,
                code="E0304",
                input=position,
                axis=axis,
            )
        message = f"`key` has {key.shape[1]} places and `value` {value.shape[1]}"
        check.require("==", key.shape[1], value.shape[1], message, code="E0304", input=2, axis=1)
        check.require_some(self, key, (1,), 1)
        if self.causal:
            message = f"`causal` needs at least as many keys as queries, {key.shape[1]} and {query.shape[1]}"
            check.require(">=", key.shape[1], query.shape[1], message, attribute="causal")
        if len(types) > 3:
            self._check_mask(check, query, key, types[3])
        return query

    def _check_mask(
        self, check: Check, query: TensorType, key: TensorType, mask: TensorType
    ) -> None:
        full = (query.shape[0], self.heads, query.shape[1], key.shape[1])
        expected = (full[0], full[3]) if mask.rank == 2 else full[4 - min(mask.rank, 4) :]
        if mask.rank > 4 or mask.rank == 0:
            raise OpError("E0303", f"`mask` is [N, S] or [N, heads, T, S], not {mask}", input=3)
        for axis, (dim, wanted) in enumerate(zip(mask.shape, expected, strict=True)):
            if dim != 1:
                message = f"axis {axis} of `mask` is {dim}, not {wanted} or 1"
                check.require("==", dim, wanted, message, code="E0304", input=3, axis=axis)

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        query, key, value = types[:3]
        inner = self.heads * self.size_of_head(Check(None), query.shape[2])
        shapes = (
            ("query", inner, query.shape[2]),
            ("key", inner, key.shape[2]),
            ("value", inner, value.shape[2]),
            ("out", query.shape[2], inner),
        )
        found: list[Weight] = []
        for name, out, width in shapes:
            found.append(Weight(f"{name}.weight", (out, width), KAIMING))
            if self.projection_bias:
                found.append(Weight(f"{name}.bias", (out,), FAN_IN))
        return tuple(found)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        query, key, value = types[:3]
        head = self.size_of_head(Check(None), query.shape[2])
        inner = self.heads * head
        batch, time, width = query.shape
        places = key.shape[1]
        maps = time * width * inner * 2 + places * (key.shape[2] + value.shape[2]) * inner
        scores = 2 * time * places * inner
        return 2 * batch * (maps + scores)
