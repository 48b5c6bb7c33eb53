"""Normalisations without statistics, and by groups, in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.norm import GroupNorm, L2Normalize, LayerScale, LocalResponseNorm
from dslc_keras.layers import axis_text, flag, named, often, option
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(GroupNorm)
def group_norm(c: FunctionContext) -> str:
    if not c.op.values["affine"] and not isinstance(c.out.shape[1], int):
        eps = option(c, "eps", 1e-5)
        return f"{c.helper('NormalizeGroups')}({c.attribute('groups')}{eps and f', {eps}'})({c.x})"
    options = [c.attribute("groups"), f"epsilon={c.attribute('eps')}"]
    options += [flag(c, "affine", "center"), flag(c, "affine", "scale")]
    return named(c, often(c, "GroupNormalization"), *options)


@RULES.add(LayerScale)
def layer_scale(c: FunctionContext) -> str:
    axis = axis_text(c, c.op.values["axis"])
    options = [option(c, "value", 1e-5), "" if axis == "-1" else f"axis={axis}"]
    return named(c, c.helper("LayerScale"), *options)


@RULES.add(LocalResponseNorm)
def local_response_norm(c: FunctionContext) -> str:
    options = [("alpha", 1e-4), ("beta", 0.75), ("k", 1.0)]
    texts = [c.x, c.attribute("size"), *(option(c, name, value) for name, value in options)]
    return f"{c.helper('local_response_norm')}({', '.join(text for text in texts if text)})"


@RULES.add(L2Normalize)
def l2_normalize(c: FunctionContext) -> str:
    axis = axis_text(c, c.op.values["axis"])
    texts = [c.x, "" if axis == "-1" else f"axis={axis}", option(c, "eps", 1e-12)]
    return f"{c.helper('l2_normalize')}({', '.join(text for text in texts if text)})"
