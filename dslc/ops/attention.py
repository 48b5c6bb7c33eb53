"""Attention between learned projections."""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Fields, Maybe, Number, Size, Which
from dslc.ops.base import Check, Input, Op, Weight
from dslc.ops.normed import FAN_IN, KAIMING
from dslc.ops.scaled_attention import check_scores
from dslc.ops.shapes import need_rank
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType

PROJECTIONS = ("query", "key", "value", "out")


class MultiHeadAttention(Op):
    """Scaled dot-product attention of several heads between learned projections.

    `softmax(q k^T * scale + bias) v` for each head; head h of the queries reads head
    `h // (heads / kv_heads)` of the keys and values. `mask` is boolean, true where attended, `[N, S]`
    or broadcastable to `[N, heads, T, S]`; `bias`, of the latter shape, is added to the scores. Where
    a query sees no key, the heads give zeros.
    Query t stands at place `t + S - T`: `causal` lets it see keys up to there, so there are at least
    as many keys as queries, and `window` those less than so many places away from it. `qk_norm`
    divides each head's queries and keys by their root mean square and scales them; then `rotary`
    turns pairs of their numbers as `rotary_embedding` does. `dropout` acts on the attention weights.
    Weights: `query`, `key`, `value` and `out`, each a linear map; `query_norm` and `key_norm`.
    Shape: `[N, T, D]`, `[N, S, E]` → `[N, T, D]`.
    Source: ONNX Attention; Vaswani et al. 2017; Ainslie et al. 2023; Su et al. 2021; Henry et al. 2020.
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
        Input("bias", default="none"),
    )
    heads = Size(minimum=1, doc="the number of heads")
    kv_heads = Maybe(
        Size(minimum=1, doc="the number of heads of keys and values; by default heads")
    )
    head_dim = Maybe(Size(minimum=1, doc="the size of a head; by default D // heads"))
    scale = Maybe(Number(doc="the factor of the scores; by default 1 / sqrt(head_dim)"))
    causal = Boolean(False, doc="whether a query sees only keys up to its own place")
    window = Maybe(Size(minimum=1, doc="how many places a key is away at most, plus one"))
    qk_norm = Fields(
        doc="whether each head's queries and keys are normalised",
        eps=Number(1e-6, above=0, doc="added to the mean square"),
    )
    rotary = Fields(
        doc="whether queries and keys are turned by their place",
        base=Number(10000.0, minimum=1, doc="the base of the angles"),
        dim=Maybe(Size(minimum=2, doc="how many numbers are turned; by default head_dim")),
        interleaved=Boolean(False, doc="whether neighbours are pairs"),
    )
    dropout = Number(0.0, minimum=0, below=1, doc="dropout of the attention weights")
    projection_bias = Which(
        True, words=PROJECTIONS, doc="which of the four projections have a bias"
    )

    @property
    def is_plain(self) -> bool:
        """Whether it does without all but heads, masks, dropout, and biases everywhere or nowhere."""
        others = (self.kv_heads, self.scale, self.window)
        features = self.qk_norm or self.rotary
        return others == (None, None, None) and not features and len(self.projection_bias) in (0, 4)

    def size_of_head(self, check: Check, width: DimLike) -> DimLike:
        """The size of one head, for queries of a width."""
        if self.head_dim is not None:
            return self.head_dim
        message = f"`heads` must divide the width {width}, and {self.heads} does not"
        help = "choose another number of heads or give `head_dim`"
        check.require("==", width % self.heads, 0, message, attribute="heads", help=help)
        return width // self.heads

    def shared_heads(self) -> DimLike:
        """The number of heads of the keys and values."""
        return self.heads if self.kv_heads is None else self.kv_heads

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        for position, value in enumerate(types[:3]):
            need_rank(self.name, value, 3, "[N, T, D]", input=position)
        query, key, value = types[:3]
        self._check_heads(check, self.size_of_head(check, query.shape[2]))
        for position, other in enumerate((key, value), 1):
            rows = (query.shape[0], other.shape[0])
            message = f"`query` has {rows[0]} rows and input {position} {rows[1]}"
            check.require("==", *rows, message, code="E0304", input=position, axis=0)
        message = f"`key` has {key.shape[1]} places and `value` {value.shape[1]}"
        check.require("==", key.shape[1], value.shape[1], message, code="E0304", input=2, axis=1)
        check.require_some(self, key, (1,), 1)
        time, places = query.shape[1], key.shape[1]
        if self.causal or self.window is not None:
            word = "causal" if self.causal else "window"
            message = f"`{word}` needs at least as many keys as queries, {places} and {time}"
            check.require(">=", places, time, message, attribute=word)
        for position, part in enumerate(types[3:], 3):
            check_scores(check, (query.shape[0], self.heads, time, places), part, position)
        return query

    def _check_heads(self, check: Check, head: DimLike) -> None:
        """Raises unless heads can share keys, and a rotation fits into a head."""
        shared = self.shared_heads()
        message = f"{self.heads} heads of queries cannot share {shared} of keys"
        check.require("==", self.heads % shared, 0, message, attribute="kv_heads")
        if not self.rotary:
            return
        given = self.values["rotary.dim"]
        dim = head if given is None else given
        place = "rotary" if given is None else "rotary.dim"
        message = f"`rotary` turns an even number, not {dim}"
        check.require("==", dim % 2, 0, message, attribute=place)
        message = f"`rotary` turns at most the numbers of a head, {head}, not {dim}"
        check.require("<=", dim, head, message, attribute=place)

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        query, key, value = types[:3]
        head = self.size_of_head(Check(None), query.shape[2])
        inner, shared = self.heads * head, self.shared_heads() * head
        shapes = (
            ("query", inner, query.shape[2]),
            ("key", shared, key.shape[2]),
            ("value", shared, value.shape[2]),
            ("out", query.shape[2], inner),
        )
        found: list[Weight] = []
        for name, out, width in shapes:
            found.append(Weight(f"{name}.weight", (out, width), KAIMING))
            if name in self.projection_bias:
                found.append(Weight(f"{name}.bias", (out,), FAN_IN))
        norms = ("query_norm.weight", "key_norm.weight") if self.qk_norm else ()
        return (*found, *(Weight(name, (head,), ("ones",)) for name in norms))

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        query, key, value = types[:3]
        head = self.size_of_head(Check(None), query.shape[2])
        inner, shared = self.heads * head, self.shared_heads() * head
        batch, time, width = query.shape
        places = key.shape[1]
        maps = time * width * inner * 2 + places * (key.shape[2] + value.shape[2]) * shared
        scores = 2 * time * places * inner
        turned = time * inner + places * shared
        others = (5 if self.qk_norm else 0) + (3 if self.rotary else 0)
        return 2 * batch * (maps + scores) + others * batch * turned
