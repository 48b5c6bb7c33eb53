"""What draws the same bits in every framework, in Keras: a layer for each step, with a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc_keras.layers import named

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


def seeded(c: FunctionContext, helper: str, *options: str, call: str = "") -> str:
    """The layer that draws for a step, called on the first input unless on something else."""
    last = bool(c.op.inputs) and c.first.layout == "last"
    return named(c, c.helper(helper), *options, "last=True" if last else "", call=call)
