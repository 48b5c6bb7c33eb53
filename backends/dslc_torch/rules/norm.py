"""Normalisations in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.norm import BatchNorm, InstanceNorm, LayerNorm, RmsNorm
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


def check_derivatives(c: OpContext) -> None:
    """Refuses a norm that training differentiates so often that PyTorch's own is wrong."""
    if c.derivatives > 2:
        raise c.refuse(
            "would be differentiated three times, by gradients one inside the other: PyTorch's own is"
            " wrong there; take `group_norm` or `rms_norm`"
        )


@RULES.add(BatchNorm)
def batch_norm(c: OpContext) -> str:
    check_derivatives(c)
    x = c.types[0]
    options = c.option("eps", 1e-5) + c.option("momentum", 0.1)
    options += "" if c.op.values["affine"] else ", affine=False"
    rank = 3 if x.rank == 5 else 2 if x.rank == 4 else 1
    layer = c.layer(f"nn.BatchNorm{rank}d({c.size(x.shape[1])}{options})")
    return f"{layer}({c.x})"


@RULES.add(InstanceNorm)
def instance_norm(c: OpContext) -> str:
    check_derivatives(c)
    x = c.types[0]
    if not c.op.values["affine"]:  # the layer would ask for a size that it does not use
        return f"F.instance_norm({c.x}{c.option('eps', 1e-5, run=True)})"
    options = c.option("eps", 1e-5) + ", affine=True"
    layer = c.layer(f"nn.InstanceNorm{x.rank - 2}d({c.size(x.shape[1])}{options})")
    return f"{layer}({c.x})"


@RULES.add(LayerNorm)
def layer_norm(c: OpContext) -> str:
    check_derivatives(c)
    options = c.option("eps", 1e-5) + ("" if c.op.values["bias"] else ", bias=False")
    layer = c.layer(f"nn.LayerNorm({c.size(c.types[0].shape[-1])}{options})")
    return f"{layer}({c.x})"


@RULES.add(RmsNorm)
def rms_norm(c: OpContext) -> str:
    layer = c.layer(f"nn.RMSNorm({c.size(c.types[0].shape[-1])}, eps={c.attribute('eps')})")
    return f"{layer}({c.x})"
