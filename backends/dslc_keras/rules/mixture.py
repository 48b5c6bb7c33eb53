"""Mixtures of experts in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.mixture import MixtureOfExperts, TopKRouter
from dslc_keras.layers import named, option
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(TopKRouter)
def top_k_router(c: FunctionContext) -> str:
    return f"{c.helper('route')}({c.x}, {c.attribute('k')})"


@RULES.add(MixtureOfExperts)
def mixture_of_experts(c: FunctionContext) -> dict[str, str]:
    word = c.op.values["activation"]
    sizes = [c.attribute(name) for name in ("experts", "hidden")]
    options = [option(c, "k", 2), option(c, "capacity", None)]
    if word == "gelu" and c.types[0].dtype == "f64":
        options.append(f"activation={c.helper('exact_gelu')}")
    else:
        options.append("" if word == "gelu" else f'activation="{word}"')
    layer = named(c, c.helper("MixtureOfExperts"), *sizes, *options)
    return c.unpack(layer, ("value", "balance"))
