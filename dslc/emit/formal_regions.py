"""The types of regions in a module's own names: what joined paths give, and a scan's rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.samples import ones_of
from dslc.ir.graph import round_slot
from dslc.ir.types import TensorType
from dslc.ops import find
from dslc.ops.base import Check
from dslc.passes.scans import part_of, stacked, time_axis

if TYPE_CHECKING:
    from dslc.emit.formal import Inference
    from dslc.emit.formal_types import FormalStep
    from dslc.ir.graph import Parallel, Scan


def type_scan(inference: Inference, found: FormalStep, action: Scan) -> None:
    """Types a round and the scan's outputs; its inputs have their types."""
    types = [type for type in found.inputs if type is not None]
    over, starts = types[: len(action.over)], types[len(action.over) :]
    values, own = inference.values, found.step.id
    for name, type in zip(action.over, over, strict=True):
        values[own, round_slot(name)] = part_of(type)
    for name, type in zip(action.carry, starts, strict=True):
        values[own, round_slot(name)] = type
    found.bodies = (inference.body(action.body),)
    if action.times is None:
        length = over[0].shape[time_axis(over[0])]
    else:
        length = inference.size(action.times)
    found.outputs = {"": stacked(inference.result(action.body.result), length)}
    found.outputs |= dict(zip(action.carry, starts, strict=True))


def joined(
    inference: Inference, found: FormalStep, action: Parallel, types: list[TensorType]
) -> dict[str, TensorType]:
    """The outputs of a parallel region."""
    if action.join == "none":
        names = [label or str(k) for k, (label, _) in enumerate(action.branches)]
        return {"": types[0], **dict(zip(names, types, strict=True))}
    axis = inference.value(action.axis)
    if action.join == "stack":
        assert isinstance(axis, int)
        place = axis % (types[0].rank + 1)
        shape = types[0].shape
        return {"": types[0].with_shape(*shape[:place], len(types), *shape[place:])}
    op = find(action.join)
    assert op is not None
    given = [tuple(body.type for body in sample.bodies) for sample in found.samples]
    check = Check(None, ones_of(types, given))
    result = op({"axis": axis} if action.join == "concat" else {}).infer(check, *types)
    assert isinstance(result, TensorType)
    return {"": result}
