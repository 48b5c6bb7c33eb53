"""Graphs in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.graph import GatConv, GcnConv, SageConv, SegmentMax, SegmentMean, SegmentSum
from dslc_keras.layers import flag, ids, named, option, plain
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(SegmentSum, SegmentMean, SegmentMax)
def segment(c: FunctionContext) -> str:
    return f"{c.helper(c.op.name)}({c.x}, {ids(c, 1)}, {c.attribute('segments')})"


@RULES.add(GcnConv)
def gcn_conv(c: FunctionContext) -> str:
    seen = plain(c, c.helper("Propagate"), call=f"{c.x}, {ids(c, 1)}")
    return named(c, "layers.Dense", c.attribute("out"), flag(c, "bias", "use_bias"), call=seen)


@RULES.add(SageConv)
def sage_conv(c: FunctionContext) -> str:
    x = c.variable()
    near = plain(c, c.helper("MeanOfNeighbours"), call=f"{x}, {ids(c, 1)}")
    both = f"ops.concatenate([{x}, {near}], axis=-1)"
    return named(c, "layers.Dense", c.attribute("out"), flag(c, "bias", "use_bias"), call=both)


@RULES.add(GatConv)
def gat_conv(c: FunctionContext) -> str:
    mean = "mean=True" if c.op.values["join"] == "mean" else ""
    options = [c.attribute("out"), option(c, "heads", 1), mean, option(c, "slope", 0.2)]
    options += [flag(c, "bias", "use_bias"), option(c, "dropout", 0.0)]
    return named(c, c.helper("GatConv"), *options, call=f"{c.x}, {ids(c, 1)}")
