"""Attention in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ir.dims import Dim
from dslc.ops.attention import MultiHeadAttention
from dslc_keras.layers import flag, named, option
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(MultiHeadAttention)
def multi_head_attention(c: FunctionContext) -> str:
    refs = c.step.inputs
    query = c.variable(0)
    key = query if refs[1] == refs[0] else c.variable(1)
    value = key if refs[2] == refs[1] else c.variable(2)
    given = [query, value] if value == key else [query, value, f"key={key}"]
    options = [
        c.attribute("heads"),
        head_size(c),
        option(c, "dropout", 0.0),
        flag(c, "projection_bias", "use_bias"),
    ]
    text = mask(c, query, key)
    if text:
        given.append(f"attention_mask={text}")
    if c.op.values["causal"] and is_square(c):
        given.append("use_causal_mask=True")
    return named(c, "layers.MultiHeadAttention", *options, call=", ".join(given))


def is_square(c: FunctionContext) -> bool:
    """Whether there are as many keys as queries, for which Keras's own causal mask is right."""
    return c.types[0].shape[1] == c.types[1].shape[1]


def head_size(c: FunctionContext) -> str:
    """The size of one head."""
    if c.op.values["head_dim"] is not None:
        return c.attribute("head_dim")
    width, heads = c.types[0].shape[2], c.op.values["heads"]
    if not isinstance(width, Dim) and not isinstance(heads, Dim):
        return str(width // heads)
    return f"({c.width(width)}) // ({c.attribute('heads')})"


def mask(c: FunctionContext, query: str, key: str) -> str:
    """The mask as Keras takes it, [N or 1, heads or 1, T or 1, S], causal for other lengths."""
    text, parts = c.arg(3), list[str]()
    if text:
        rank = c.types[3].rank
        added = {1: "(0, 1, 2)", 2: "(1, 2)", 3: "0"}.get(rank)
        parts.append(text if added is None else f"ops.expand_dims({text}, {added})")
    if c.op.values["causal"] and not is_square(c):
        parts.append(f"{c.helper('CausalMask')}()({query}, {key})")
    return f"ops.logical_and({', '.join(parts)})" if len(parts) > 1 else "".join(parts)
