"""Attention without projections, and what may see what."""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Maybe, Number, Size
from dslc.ops.base import Check, Input, Op, OpError
from dslc.ops.shapes import need_rank
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType

NAMES = ("query", "key", "value")


class ScaledDotProductAttention(Op):
    """`softmax(q k^T * scale + bias) v` for each head.

    Head h of the queries reads head `h // (heads / kv_heads)` of the keys and values. `mask` is
    boolean, true where attended, `[N, S]` or broadcastable to `[N, heads, T, S]`; `bias`, of such a
    shape, is added to the scores; `causal` lets query t see keys up to `t + S - T`, so there are at
    least as many keys as queries, and `window` those less than so many places away from it. A query
    that sees no key gets zeros. `dropout` acts on the attention weights.
    Shape: `[N, heads, T, D]`, `[N, kv_heads, S, D]`, `[N, kv_heads, S, E]` → `[N, heads, T, E]`.
    Source: ONNX Attention; `torch.nn.functional.scaled_dot_product_attention`.
    """

    family = "attention"
    chance = ("dropout",)
    inputs = (
        Input("query"),
        Input("key", default="query"),
        Input("value", default="key"),
        Input("mask", "bool", default="none"),
        Input("bias", default="none"),
    )
    scale = Maybe(Number(doc="the factor of the scores; by default 1 / sqrt(D)"))
    causal = Boolean(False, doc="whether a query sees only keys up to its own place")
    window = Maybe(Size(minimum=1, doc="how many places a key is away at most, plus one"))
    dropout = Number(0.0, minimum=0, below=1, doc="dropout of the attention weights")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        query, key, value = types[:3]
        for position, part in enumerate((query, key, value)):
            form = "[N, heads, T, D]"
            need_rank(self.name, part, 4, form, input=position)
        pairs = [(0, query, key, 1), (3, query, key, 1)]
        pairs += [(axis, key, value, 2) for axis in (0, 1, 2)]
        for axis, left, right, position in pairs:
            names = f"`{NAMES[position - 1]}` and `{NAMES[position]}`"
            message = f"axis {axis} of {names} is {left.shape[axis]} and {right.shape[axis]}"
            check.require(
                *("==", left.shape[axis], right.shape[axis], message),
                code="E0304",
                input=position,
                axis=axis,
            )
        message = f"{query.shape[1]} heads of queries cannot share {key.shape[1]} of keys"
        check.require("==", query.shape[1] % key.shape[1], 0, message, input=1, axis=1)
        self._check_places(check, query, key, types)
        return query.with_shape(*query.shape[:3], value.shape[3])

    def _check_places(
        self, check: Check, query: TensorType, key: TensorType, types: Sequence[TensorType]
    ) -> None:
        time, places = query.shape[2], key.shape[2]
        if self.causal or self.window is not None:
            word = "causal" if self.causal else "window"
            message = f"`{word}` needs at least as many keys as queries, {places} and {time}"
            check.require(">=", places, time, message, attribute=word)
        full = (query.shape[0], query.shape[1], time, places)
        for position, part in enumerate(types[3:], 3):
            check_scores(check, full, part, position)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        batch, heads, time, width = types[0].shape
        places, out = types[2].shape[2:]
        return 2 * batch * heads * time * places * (width + out)


def check_scores(check: Check, full: tuple[DimLike, ...], part: TensorType, position: int) -> None:
    """Raises unless a mask or bias is `[N, S]` (a mask) or broadcasts to `[N, heads, T, S]`."""
    is_mask = part.dtype == "bool"
    word = "mask" if is_mask else "bias"
    if part.rank > 4 or part.rank == 0:
        form = "[N, S] or [N, heads, T, S]" if is_mask else "[N, heads, T, S]"
        raise OpError("E0303", f"`{word}` is {form}, not {part}", input=position)
    expected = (full[0], full[3]) if part.rank == 2 and is_mask else full[4 - part.rank :]
    for axis, (dim, wanted) in enumerate(zip(part.shape, expected, strict=True)):
        if dim != 1:
            message = f"axis {axis} of `{word}` is {dim}, not {wanted} or 1"
            check.require("==", dim, wanted, message, code="E0304", input=position, axis=axis)
