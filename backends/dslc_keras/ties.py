"""Tied weights: a native layer where Keras has one, else a tensor that the graph shows to be one.

A table that is read forwards and backwards is a `ReversibleEmbedding`. Any other weight that several
steps share becomes a learned tensor in PyTorch's layout, which all of them use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ir.graph import ApplyOp
from dslc.ops.linear import Embedding

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext
    from dslc.ir.graph import Step


def is_table(owner: Step) -> bool:
    """Whether a step is an embedding, whose layer Keras calls in both directions."""
    return isinstance(owner.action, ApplyOp) and owner.action.op is Embedding


def shared_tensor(c: FunctionContext, shape: list[str]) -> str | None:
    """The weight of an op as a tensor, where it is another's or others share it; else None."""
    tied = c.tied_layer("weight")
    if tied is not None:
        return tied[1]
    if not c.users:
        return None
    variable = c.parameter("weight", shape)
    c.keep(variable)
    return variable
