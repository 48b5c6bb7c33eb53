"""Normalisations without statistics, and by groups, in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.norm import GroupNorm, L2Normalize, LayerScale, LocalResponseNorm
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(GroupNorm)
def group_norm(c: OpContext) -> str:
    if not c.op.values["affine"]:  # the layer would ask for a size that it does not use
        eps = c.option("eps", 1e-5, run=True)
        return f"F.group_norm({c.x}, {c.run_attribute('groups')}{eps})"
    options = c.option("eps", 1e-5)
    channels = c.size(c.types[0].shape[1])
    layer = c.layer(f"nn.GroupNorm({c.attribute('groups')}, {channels}{options})")
    return f"{layer}({c.x})"


@RULES.add(LayerScale)
def layer_scale(c: OpContext) -> str:
    rank = c.types[0].rank
    axis = c.op.values["axis"] % rank
    options = c.option("value", 1e-5) + (f", after={rank - 1 - axis}" if axis < rank - 1 else "")
    width = c.size(c.types[0].shape[axis])
    layer = c.layer(f"{c.helper('LayerScale')}({width}{options})")
    return f"{layer}({c.x})"


@RULES.add(LocalResponseNorm)
def local_response_norm(c: OpContext) -> str:
    options = [("alpha", 1e-4), ("beta", 0.75), ("k", 1.0)]
    further = "".join(c.option(name, default, run=True) for name, default in options)
    return f"F.local_response_norm({c.x}, {c.run_attribute('size')}{further})"


@RULES.add(L2Normalize)
def l2_normalize(c: OpContext) -> str:
    return f"F.normalize({c.x}, dim={c.run_attribute('axis')}{c.option('eps', 1e-12, run=True)})"
