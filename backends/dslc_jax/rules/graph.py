"""Graphs in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.graph import GatConv, GcnConv, SageConv, SegmentMax, SegmentMean, SegmentSum
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(SegmentSum, SegmentMean, SegmentMax)
def segment(c: OpContext) -> str:
    return f"{c.helper(c.op.name)}({', '.join(c.args)}, {c.run_attribute('segments')})"


@RULES.add(GcnConv)
def gcn_conv(c: OpContext) -> str:
    width = c.size(c.types[0].shape[1])
    bias = "" if c.op.values["bias"] else ", use_bias=False"
    layer = c.layer(f"nnx.Linear({width}, {c.attribute('out')}{bias}, rngs=rngs)")
    return f"{layer}({c.helper('propagate')}({', '.join(c.args)}))"


@RULES.add(SageConv)
def sage_conv(c: OpContext) -> str:
    x = c.variable()
    bias = "" if c.op.values["bias"] else ", use_bias=False"
    width = c.size(2 * c.types[0].shape[1])
    layer = c.layer(f"nnx.Linear({width}, {c.attribute('out')}{bias}, rngs=rngs)")
    near = f"{c.helper('mean_of_neighbours')}({x}, {c.arg(1)})"
    return f"{layer}(jnp.concatenate([{x}, {near}], -1))"


@RULES.add(GatConv)
def gat_conv(c: OpContext) -> str:
    width, out = c.size(c.types[0].shape[1]), c.attribute("out")
    options = c.option("heads", 1) + (", mean=True" if c.op.values["join"] == "mean" else "")
    options += c.option("slope", 0.2) + c.option("bias", True) + c.option("dropout", 0.0)
    layer = c.layer(f"{c.helper('GatConv')}({width}, {out}{options}, rngs=rngs)")
    return f"{layer}({', '.join(c.args)})"
