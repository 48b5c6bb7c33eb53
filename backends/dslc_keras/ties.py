"""Tied weights: a native layer where Keras has one, else a tensor that the graph shows to be one.

A table that is read forwards and backwards is a `ReversibleEmbedding`. Any other weight that several
steps share becomes a learned tensor in PyTorch's layout, which all of them use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


def shared_tensor(c: FunctionContext, shape: list[str]) -> str | None:
    """The weight of an op as a tensor, where it is another's or others share it; else None."""
    tied = c.tied_layer("weight")
    if tied is not None:
        return tied[1]
    if not c.users and not c.function.is_read_elsewhere(c.found):
        return None
    variable = c.parameter("weight", shape)
    c.keep(variable)
    return variable
