"""Losses of sequences whose targets are shorter in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.alignment import Ctc
from dslc_keras.layers import option
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(Ctc)
def ctc(c: FunctionContext) -> str:
    texts = [*c.args[:2], c.arg(2), c.arg(3) and f"target_lengths={c.arg(3)}"]
    given = ", ".join(text for text in texts if text)
    return f"{c.helper('Ctc')}({option(c, 'blank', 0)})({given})"
