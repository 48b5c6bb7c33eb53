"""Images flattened as they lie, channels last, where the linear map behind can be permuted instead.

The portable weight of such a map counts its inputs in the spec's order. The layer notes the shape
that was flattened, and `portable.py` permutes the weight when it is loaded or saved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.flattening import linear_behind

if TYPE_CHECKING:
    from dslc.emit.context import OpContext
    from dslc.ir.dims import DimLike


def keeps_order(c: OpContext) -> bool:
    """Whether a flatten may leave its input as it lies; notes the shape for the linear map then."""
    shape = c.types[0].shape[1:]
    if all(size == 1 for size in shape[1:]):
        return True
    formal = c.writer.formal
    reader = linear_behind(formal, c.found, seeded=c.is_seeded)
    if reader is None or c.writer.module.owners.reads(formal.module.name, reader.step.id):
        return False
    c.writer.module.flattened[formal.module.name, reader.step.id] = shape
    return True


def flattened_shape(c: OpContext) -> tuple[DimLike, ...] | None:
    """The shape that the inputs of a linear map had, where they are in the order of JAX's layout."""
    return c.writer.module.flattened.get((c.writer.formal.module.name, c.step.id))
