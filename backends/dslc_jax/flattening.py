"""Images flattened as they lie, channels last, where the linear map behind can be permuted instead.

The portable weight of such a map counts its inputs in the spec's order. The layer notes the shape
that was flattened, and `portable.py` permutes the weight when it is loaded or saved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.flow import written_inputs
from dslc.ops.linear import Linear

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dslc.emit.context import OpContext
    from dslc.emit.formal import FormalStep
    from dslc.ir.dims import DimLike


def keeps_order(c: OpContext) -> bool:
    """Whether a flatten may leave its input as it lies; notes the shape for the linear map then."""
    shape = c.types[0].shape[1:]
    if all(size == 1 for size in shape[1:]):
        return True
    reader = linear_behind(c.found, list(all_formal(c.writer.formal.steps)))
    if reader is None:
        return False
    c.writer.module.flattened[c.writer.formal.module.name, reader.step.id] = shape
    return True


def flattened_shape(c: OpContext) -> tuple[DimLike, ...] | None:
    """The shape that the inputs of a linear map had, where they are in the order of JAX's layout."""
    return c.writer.module.flattened.get((c.writer.formal.module.name, c.step.id))


def linear_behind(found: FormalStep, steps: list[FormalStep]) -> FormalStep | None:
    """The linear map that alone reads a value, whatever works on each element between them."""
    reader = found
    while not reader.step.when and not reader.step.repeat:
        if reader is not found and isinstance(reader.op, Linear):
            return None if reader.step.tie else reader
        if reader is not found and (reader.op is None or reader.op.layout != "elementwise"):
            return None
        readers = [s for s in steps if any(r.owner == reader.step.id for r in written_inputs(s))]
        if len(readers) != 1 or len(written_inputs(readers[0])) != 1:
            return None
        reader = readers[0]
    return None


def all_formal(steps: list[FormalStep]) -> Iterator[FormalStep]:
    """Every step of a body and of the regions in it."""
    for found in steps:
        yield found
        for inner in found.bodies:
            yield from all_formal(inner)
