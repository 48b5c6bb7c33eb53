"""Regions of images in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.proposals import Anchors, MatchBoxes, SampleBalanced
from dslc.ops.regions import NonMaxSuppression, RoiAlign
from dslc_jax.rules import RULES
from dslc_jax.rules.chance import key
from dslc_jax.rules.seeded import seeded

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Anchors)
def anchors(c: OpContext) -> str:
    lists = f"{c.numbers_list('sizes')}, {c.numbers_list('ratios')}"
    options = c.option("offset", 0.0, run=True) + c.option("rounded", False, run=True)
    return f"{c.helper('anchor_boxes')}({c.x}, {lists}, {c.run_attribute('stride')}{options})"


@RULES.add(MatchBoxes)
def match_boxes(c: OpContext) -> dict[str, str]:
    options = "".join(
        c.option(name, default, run=True)
        for name, default in (("high", 0.5), ("low", None), ("best", False))
    )
    code = f"{c.helper('match_boxes')}({', '.join(c.args)}{options})"
    return c.unpack(code, ("ids", "positive", "negative"))


@RULES.add(SampleBalanced)
def sample_balanced(c: OpContext) -> dict[str, str]:
    drawn = ""
    if c.op.values["shuffle"] and c.is_seeded:
        drawn = f", order={seeded(c, 'SeededUniform')}(*{c.variable()}.shape)"
    elif c.op.values["shuffle"]:
        drawn = f", key={key(c)}"
    given = ", ".join([*c.args, c.run_attribute("max")]) + c.option("share", 0.5, run=True)
    code = f"{c.helper('sample_balanced')}({given}{drawn})"
    return c.unpack(code, ("ids", "positive", "valid"))


@RULES.add(NonMaxSuppression)
def non_max_suppression(c: OpContext) -> dict[str, str]:
    options = c.option("iou", 0.5, run=True)
    if c.op.values["score"] is not None:
        options += f", score={c.run_attribute('score')}"
    given = f"{', '.join(c.args)}, most={c.run_attribute('max')}{options}"
    return c.unpack(f"{c.helper('non_max_suppression')}({given})", ("ids", "valid"))


@RULES.add(RoiAlign)
def roi_align(c: OpContext) -> str:
    options = "".join(
        c.option(name, default, run=True)
        for name, default in (("scale", 1.0), ("samples", 2), ("aligned", True))
    )
    out = c.run_attribute("out")
    return f"{c.helper('roi_align')}({', '.join(c.args)}, {out}{options})"
