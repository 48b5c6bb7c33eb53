"""Losses of sequences whose targets are shorter in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.backend import BuildError
from dslc.ops.alignment import Ctc
from dslc_keras.layers import option, plain
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(Ctc)
def ctc(c: FunctionContext) -> str:
    if c.types[0].dtype == "f64":
        raise BuildError("`ctc` in the keras backend rounds f64 to f32: `cast` the logits")
    if c.derivatives > 1:
        raise c.refuse("has no second derivative in TensorFlow, and a gradient leads through it")
    texts = [*c.args[:2], c.arg(2), c.arg(3) and f"target_lengths={c.arg(3)}"]
    given = ", ".join(text for text in texts if text)
    return plain(c, c.helper("Ctc"), option(c, "blank", 0), call=given)
