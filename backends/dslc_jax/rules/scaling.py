"""Normalisations without statistics, and by groups, in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.norm import GroupNorm, L2Normalize, LayerScale, LocalResponseNorm
from dslc_jax.axes import axis_text
from dslc_jax.partials import constructor
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(GroupNorm)
def group_norm(c: OpContext) -> str:
    if not c.op.values["affine"]:
        eps = c.option("eps", 1e-5, run=True)
        return f"{c.helper('normalize_groups')}({c.x}, {c.run_attribute('groups')}{eps})"
    fixed = f"epsilon={c.attribute('eps')}, use_fast_variance=False"
    make, options = constructor(c, "nnx.GroupNorm", ("eps",), fixed)
    sizes = f"{c.size(c.types[0].shape[1])}, {c.attribute('groups')}"
    layer = c.layer(f"{make}({sizes}{options}, rngs=rngs)")
    return f"{layer}({c.x})"


@RULES.add(LayerScale)
def layer_scale(c: OpContext) -> str:
    axis, rank = c.axis(c.op.values["axis"]), c.types[0].rank
    options = c.option("value", 1e-5) + (f", after={rank - 1 - axis}" if axis < rank - 1 else "")
    width = c.size(c.types[0].shape[c.op.values["axis"]])
    layer = c.layer(f"{c.helper('LayerScale')}({width}{options})")
    return f"{layer}({c.x})"


@RULES.add(LocalResponseNorm)
def local_response_norm(c: OpContext) -> str:
    options = [("alpha", 1e-4), ("beta", 0.75), ("k", 1.0)]
    further = "".join(c.option(name, default, run=True) for name, default in options)
    return f"{c.helper('local_response_norm')}({c.x}, {c.run_attribute('size')}{further})"


@RULES.add(L2Normalize)
def l2_normalize(c: OpContext) -> str:
    axis = axis_text(c)
    options = ("" if axis == "-1" else f", {axis}") + c.option("eps", 1e-12, run=True)
    return f"{c.helper('l2_normalize')}({c.x}{options})"
