"""Attention in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.attention import MultiHeadAttention
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(MultiHeadAttention)
def multi_head_attention(c: OpContext) -> str:
    assert isinstance(c.op, MultiHeadAttention)
    query, key, value = (c.types[k] for k in range(3))
    drops = c.is_seeded and bool(c.op.values["dropout"])
    plain = c.op.is_plain and c.arg(4) is None and not drops
    options = f", head_dim={c.attribute('head_dim')}" if c.op.head_dim is not None else ""
    if key.shape[2] != query.shape[2]:
        options += f", key_dim={c.size(key.shape[2])}"
    if value.shape[2] != key.shape[2]:
        options += f", value_dim={c.size(value.shape[2])}"
    options += "" if plain else features(c, c.op)
    options += ", causal=True" if c.op.causal else ""
    if drops:
        options += f", dropout={c.helper('SeededDropout')}({c.attribute('dropout')})"
    else:
        options += c.option("dropout", 0.0)
    if len(c.op.projection_bias) < 4:
        options += ", bias=False" if plain else f", bias={c.op.projection_bias}"
    ours = "DroppingAttention" if drops else "GroupedAttention"
    name = c.helper("MultiHeadAttention" if plain else ours)
    width = c.size(query.shape[2])
    layer = c.layer(f"{name}({width}, {c.attribute('heads')}{options})")
    args = c.step.inputs
    given = [c.x]
    if args[1] != args[0] or args[2] != args[1]:
        given.append(c.arg(1) or "")
    if args[2] != args[1]:
        given.append(c.arg(2) or "")
    for position, word in ((3, "mask"), (4, "bias")):
        given += [f"{word}={c.arg(position)}"] if c.arg(position) else []
    return f"{layer}({', '.join(given)})"


def features(c: OpContext, op: MultiHeadAttention) -> str:
    """What goes beyond plain heads: shared ones, a scale, a window, a norm, a rotation."""
    names = [name for name in ("kv_heads", "scale", "window") if op.values[name] is not None]
    options = "".join(f", {name}={c.attribute(name)}" for name in names)
    options += f", qk_norm={c.attribute('qk_norm.eps')}" if op.qk_norm else ""
    if op.rotary:
        options += f", rotary_base={c.attribute('rotary.base')}"
        given = op.values["rotary.dim"] is not None
        options += f", rotary_dim={c.attribute('rotary.dim')}" if given else ""
        options += ", interleaved=True" if op.values["rotary.interleaved"] else ""
    return options
