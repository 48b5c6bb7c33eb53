"""Which linear map reads a flattened image: its weight can be permuted instead of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.flow import written_inputs
from dslc.ir.walk import ends
from dslc.ops.linear import Linear

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dslc.emit.formal import Formal, FormalStep
    from dslc.ir.graph import Ref


def linear_behind(formal: Formal, found: FormalStep, *, seeded: bool = False) -> FormalStep | None:
    """The linear map that alone reads a step's value, whatever works on each element between.

    None where another step, a region's end or an output reads it too, or where a loop or a
    condition stands between; and where something between draws by the place of an element, as
    what is `seeded` does.
    """
    steps = list(all_formal(formal.steps))
    reader = found
    while reader.step.when is None and reader.step.repeat is None:
        if reader is not found and isinstance(reader.op, Linear):
            plain = reader.op.normalize == "none" and not reader.step.tie
            return reader if plain else None
        if reader is not found and (reader.op is None or reader.op.layout != "elementwise"):
            return None
        if seeded and reader.op is not None and reader.op.chance:
            return None
        reads = [ref for ref in all_reads(formal, steps) if ref.owner == reader.step.id]
        readers = [s for s in steps if any(r.owner == reader.step.id for r in written_inputs(s))]
        if len(reads) != 1 or len(readers) != 1 or len(written_inputs(readers[0])) != 1:
            return None
        reader = readers[0]
    return None


def all_reads(formal: Formal, steps: list[FormalStep]) -> Iterator[Ref]:
    """Every read in a module: by steps, at the ends of regions, by outputs."""
    for found in steps:
        yield from written_inputs(found)
        yield from ends(found.step.action)
    yield formal.module.body.result
    if formal.module.is_model:
        result = formal.module.body.result
        yield from (ref for _, ref in formal.module.outputs if ref != result)


def all_formal(steps: list[FormalStep]) -> Iterator[FormalStep]:
    """Every step of a body and of the regions in it."""
    for found in steps:
        yield found
        for inner in found.bodies:
            yield from all_formal(inner)
