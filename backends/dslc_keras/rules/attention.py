"""Attention in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ir.dims import Dim
from dslc.ops.attention import MultiHeadAttention
from dslc_keras.layers import is_grouped, named, option, plain
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(MultiHeadAttention)
def multi_head_attention(c: FunctionContext) -> str:
    refs = c.step.inputs
    query = c.variable(0)
    key = query if refs[1] == refs[0] else c.variable(1)
    value = key if refs[2] == refs[1] else c.variable(2)
    assert isinstance(c.op, MultiHeadAttention)
    if is_grouped(c.found, seeded=c.is_seeded):
        return grouped(c, c.op, [query, *([key] if key != query else [])], value)
    given = [query, value] if value == key else [query, value, f"key={key}"]
    options = [
        c.attribute("heads"),
        head_size(c),
        option(c, "dropout", 0.0),
        "" if c.op.projection_bias else "use_bias=False",
    ]
    text = mask(c, query, key)
    if text:
        given.append(f"attention_mask={text}")
    elif c.op.values["causal"]:
        given.append("use_causal_mask=True")
    layer = c.helper("MaskedAttention") if c.arg(3) else "layers.MultiHeadAttention"
    return named(c, layer, *options, call=", ".join(given))


def grouped(c: FunctionContext, op: MultiHeadAttention, given: list[str], value: str) -> str:
    """Attention with what Keras's own layer does not have."""
    if value != given[-1]:
        given.append(f"value={value}" if len(given) == 1 else value)
    mask, bias = c.arg(3), c.arg(4)
    if mask:
        rank = c.types[3].rank
        given.append(f"seen=ops.expand_dims({mask}, (1, 2))" if rank == 2 else f"seen={mask}")
    given += [f"bias={bias}"] if bias else []
    names = ("kv_heads", "head_dim", "scale", "window")
    options = [f"{name}={c.attribute(name)}" for name in names if op.values[name] is not None]
    options += ["causal=True"] if op.causal else []
    options += [f"qk_norm={c.attribute('qk_norm.eps')}"] if op.qk_norm else []
    if op.rotary:
        options.append(f"rotary_base={c.attribute('rotary.base')}")
        options.append(option(c, "rotary.dim", None, "rotary_dim"))
        options += ["interleaved=True"] if op.values["rotary.interleaved"] else []
    options.append(option(c, "dropout", 0.0))
    options += [] if len(op.projection_bias) == 4 else [f"use_bias={op.projection_bias}"]
    layer, width = c.helper("GroupedAttention"), c.width(c.types[0].shape[2])
    return named(c, layer, width, c.attribute("heads"), *options, call=", ".join(given))


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
    if c.op.values["causal"] and (text or not is_square(c)):
        parts.append(plain(c, c.helper("CausalMask"), call=f"{query}, {key}"))
    return f"ops.logical_and({', '.join(parts)})" if len(parts) > 1 else "".join(parts)
