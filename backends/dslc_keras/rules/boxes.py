"""Boxes in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.boxes import BoxDecode, BoxEncode, BoxIou
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(BoxIou, BoxEncode, BoxDecode)
def boxes(c: OpContext) -> str:
    return f"{c.helper(c.op.name)}({', '.join(c.args)})"
