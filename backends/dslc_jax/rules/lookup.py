"""Values by place in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.lookup import Cumprod, Einsum, EmbeddingBag, Patchify, ScatterAdd, ShapeOf, TopK
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(TopK)
def top_k(c: OpContext) -> dict[str, str]:
    axis, k = c.op.values["axis"], c.run_attribute("k")
    if axis in (-1, c.types[0].rank - 1):
        return c.unpack(f"jax.lax.top_k({c.x}, {k})", ("values", "indices"))
    return c.unpack(f"{c.helper('top_k')}({c.x}, {k}, {axis})", ("values", "indices"))


@RULES.add(Cumprod)
def cumprod(c: OpContext) -> str:
    return f"{c.x}.cumprod({c.run_attribute('axis')})"


@RULES.add(ScatterAdd)
def scatter_add(c: OpContext) -> str:
    axis = c.op.values["axis"] % c.types[0].rank
    return f"{c.helper('scatter_add')}({', '.join(c.args)}, {axis})"


@RULES.add(Einsum)
def einsum(c: OpContext) -> str:
    assert isinstance(c.op, Einsum)
    return f'jnp.einsum("{c.op.compact}", {", ".join(c.args)})'


@RULES.add(Patchify)
def patchify(c: OpContext) -> str:
    return f"{c.helper('patchify')}({c.x}, {c.run_attribute('size')})"


@RULES.add(ShapeOf)
def shape_of(c: OpContext) -> str:
    return f"jnp.array({c.x}.shape)"


@RULES.add(EmbeddingBag)
def embedding_bag(c: OpContext) -> str:
    layer = c.layer(f"nnx.Embed({c.attribute('vocab')}, {c.attribute('dim')}, rngs=rngs)")
    return f"{layer}({c.x}).{c.op.values['mode']}(1)"
