"""Attention without projections, and positions, in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.positions import (
    Alibi,
    LearnedPosition,
    RelativePositionBias,
    RotaryEmbedding,
    SinusoidalPosition,
)
from dslc.ops.scaled_attention import ScaledDotProductAttention
from dslc_jax.dtypes import as_told
from dslc_jax.rules import RULES
from dslc_jax.rules.seeded import seeded

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(ScaledDotProductAttention)
def scaled_dot_product_attention(c: OpContext) -> str:
    values = c.op.values
    texts = [c.arg(k) or "" for k in range(3)]
    mask, bias = c.arg(3), c.arg(4)
    if mask:
        texts.append(f"{mask}[:, None, None]" if c.types[3].rank == 2 else mask)
    texts += [f"bias={bias}"] if bias else []
    texts += ["causal=True"] if values["causal"] else []
    for name in ("window", "scale"):
        texts += [f"{name}={c.run_attribute(name)}"] if values[name] is not None else []
    if values["dropout"]:
        if c.is_seeded:
            layer = seeded(c, "SeededDropout", c.attribute("dropout"))
        else:
            layer = c.shared_layer(f"nnx.Dropout({c.attribute('dropout')}, rngs=rngs)")
        texts.append(f"dropout={layer}")
    return f"{c.helper('attend')}({', '.join(texts)})"


@RULES.add(RotaryEmbedding)
def rotary_embedding(c: OpContext) -> str:
    dim = "" if c.op.values["dim"] is None else f", dim={c.run_attribute('dim')}"
    options = c.option("base", 10000.0, run=True) + dim + c.option("interleaved", False, run=True)
    return f"{c.helper('rotate')}({', '.join(c.args)}{options})"


@RULES.add(SinusoidalPosition)
def sinusoidal_position(c: OpContext) -> str:
    options = c.option("base", 10000.0, run=True) + c.option("interleaved", True, run=True)
    return as_told(c, f"{c.helper('waves')}({c.x}, {c.run_attribute('dim')}{options})")


@RULES.add(LearnedPosition)
def learned_position(c: OpContext) -> str:
    x = c.variable()
    rows = c.attribute("max") + (f" + {c.attribute('offset')}" if c.given("offset") else "")
    layer = c.layer(f"nnx.Embed({rows}, {c.size(c.types[0].shape[-1])}, rngs=rngs)")
    given = [c.run_attribute(name) for name in ("offset", "start") if c.given(name)]
    stop = " + ".join([*given, f"{x}.shape[-2]"])
    start = f"{' + '.join(given)}, " if given else ""
    return f"{x} + {layer}(jnp.arange({start}{stop}))"


@RULES.add(Alibi)
def alibi(c: OpContext) -> str:
    key = c.arg(1) or c.x
    return f"{c.helper('alibi')}({c.x}, {key}, {c.run_attribute('heads')})"


@RULES.add(RelativePositionBias)
def relative_position_bias(c: OpContext) -> str:
    window = "".join(f"{size}, " for size in c.shape_texts("window"))
    layer = f"{c.helper('RelativePositionBias')}(({window}), {c.attribute('heads')})"
    return f"{c.layer(layer)}()"
