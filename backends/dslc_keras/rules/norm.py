"""Normalisations in Keras: every number is written out, since Keras's defaults are others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.norm import BatchNorm, InstanceNorm, LayerNorm, RmsNorm
from dslc.passes.run_order import InOrder
from dslc_keras.layers import flag, is_expression, named, often
from dslc_keras.rules import RULES
from dslc_keras.survey import norm_helper, old_share
from dslc_keras.target_of import survey_of

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(BatchNorm)
def batch_norm(c: FunctionContext) -> str:
    layer = c.helper("TwiceBatchNormalization" if c.derivatives > 1 else "BatchNormalization")
    options = [momentum(c), f"epsilon={c.attribute('eps')}"]
    options += [flag(c, "affine", "center"), flag(c, "affine", "scale")]
    if not survey_of(c).serves(c.found):
        return named(c, layer, *options)
    c.function.functions.function(norm_helper(layer, ", ".join(o for o in options if o)))
    return f"batch_norm({c.x}, name={c.name})"


def momentum(c: FunctionContext) -> str:
    """Keras's momentum, the weight of the old statistic."""
    if is_expression(c, "momentum"):
        return f"momentum=1 - ({c.attribute('momentum')})"
    return f"momentum={old_share(c.op.values['momentum'])}"


@RULES.add(InstanceNorm)
def instance_norm(c: FunctionContext) -> str:
    if not c.op.values["affine"] and not isinstance(c.out.shape[1], int):
        return f"{c.helper('instance_norm')}({c.x}, eps={c.attribute('eps')})"
    options = [f"epsilon={c.attribute('eps')}"]
    options += [flag(c, "affine", "center"), flag(c, "affine", "scale")]
    return named(c, often(c, "GroupNormalization"), "groups=-1", *options)


@RULES.add(LayerNorm)
def layer_norm(c: FunctionContext) -> str:
    options = (f"epsilon={c.attribute('eps')}", flag(c, "bias", "center"))
    return named(c, often(c, "LayerNormalization"), *options)


@RULES.add(RmsNorm)
def rms_norm(c: FunctionContext) -> str:
    return named(c, "layers.RMSNormalization", f"epsilon={c.attribute('eps')}")


@RULES.add(InOrder)
def in_order(c: FunctionContext) -> str:
    return f"{c.helper('Keep')}()([{c.x}, {c.arg(1)}])"
