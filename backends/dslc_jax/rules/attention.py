"""Attention in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.attention import MultiHeadAttention
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(MultiHeadAttention)
def multi_head_attention(c: OpContext) -> str:
    values = c.op.values
    query, key, value = (c.types[k] for k in range(3))
    options = f", head_dim={c.attribute('head_dim')}" if values["head_dim"] is not None else ""
    if key.shape[2] != query.shape[2]:
        options += f", key_dim={c.size(key.shape[2])}"
    if value.shape[2] != key.shape[2]:
        options += f", value_dim={c.size(value.shape[2])}"
    options += ", causal=True" if values["causal"] else ""
    options += c.option("dropout", 0.0)
    options += "" if values["projection_bias"] else ", use_bias=False"
    name = c.helper("MultiHeadAttention")
    width = c.size(query.shape[2])
    layer = c.layer(f"{name}({width}, {c.attribute('heads')}{options}, rngs=rngs)")
    args = c.step.inputs
    given = [c.x]
    if args[1] != args[0] or args[2] != args[1]:
        given.append(c.arg(1) or "")
    if args[2] != args[1]:
        given.append(c.arg(2) or "")
    mask = c.arg(3)
    return f"{layer}({', '.join(given)}{f', mask={mask}' if mask else ''})"
