"""Mixtures of experts in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.mixture import MixtureOfExperts, TopKRouter
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(TopKRouter)
def top_k_router(c: OpContext) -> str:
    return f"{c.helper('route')}({c.x}, {c.run_attribute('k')})"


@RULES.add(MixtureOfExperts)
def mixture_of_experts(c: OpContext) -> dict[str, str]:
    word = c.op.values["activation"]
    sizes = [c.size(c.types[0].shape[-1]), *(c.attribute(n) for n in ("experts", "hidden"))]
    options = c.option("k", 2) + c.option("capacity", None)
    options += "" if word == "gelu" else f", activation=F.{word}"
    layer = c.layer(f"{c.helper('MixtureOfExperts')}({', '.join(sizes)}{options})")
    return c.unpack(f"{layer}({c.x})", ("value", "balance"))
