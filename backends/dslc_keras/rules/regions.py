"""Regions of images in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.proposals import Anchors, MatchBoxes, SampleBalanced
from dslc.ops.regions import NonMaxSuppression, RoiAlign
from dslc_keras.layers import option, plain
from dslc_keras.rules import RULES
from dslc_keras.rules.seeded import seeded

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


def joined(*texts: str) -> str:
    """Arguments; empty ones are left out."""
    return ", ".join(text for text in texts if text)


@RULES.add(Anchors)
def anchors(c: FunctionContext) -> str:
    lists = c.numbers_list("sizes"), c.numbers_list("ratios")
    options = option(c, "offset", 0.0), option(c, "rounded", False)
    return plain(c, c.helper("Anchors"), *lists, c.attribute("stride"), *options)


@RULES.add(MatchBoxes)
def match_boxes(c: FunctionContext) -> dict[str, str]:
    options = option(c, "high", 0.5), option(c, "low", None), option(c, "best", False)
    code = f"{c.helper('match_boxes')}({joined(*c.args, *options)})"
    return c.unpack(code, ("ids", "positive", "negative"))


@RULES.add(SampleBalanced)
def sample_balanced(c: FunctionContext) -> dict[str, str]:
    options, args = (option(c, "share", 0.5), option(c, "shuffle", True)), c.args
    if c.is_seeded and c.op.values["shuffle"]:
        options = option(c, "share", 0.5), "shuffle=False"
        args = [*args, seeded(c, "SeededUniform", call=args[0])]
    call = ", ".join(args)
    found = plain(c, c.helper("SampleBalanced"), c.attribute("max"), *options, call=call)
    return c.unpack(found, ("ids", "positive", "valid"))


@RULES.add(NonMaxSuppression)
def non_max_suppression(c: FunctionContext) -> dict[str, str]:
    options = option(c, "iou", 0.5), option(c, "score", None)
    call = ", ".join(c.args)
    found = plain(c, c.helper("NonMaxSuppression"), c.attribute("max"), *options, call=call)
    return c.unpack(found, ("ids", "valid"))


@RULES.add(RoiAlign)
def roi_align(c: FunctionContext) -> str:
    options = option(c, "scale", 1.0), option(c, "samples", 2), option(c, "aligned", True)
    return plain(c, c.helper("RoiAlign"), c.attribute("out"), *options, call=", ".join(c.args))
