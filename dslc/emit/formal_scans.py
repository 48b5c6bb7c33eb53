"""The types of a scan in a module's own names: one round, and what comes out behind the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ir.graph import round_slot
from dslc.passes.scans import part_of, stacked, time_axis

if TYPE_CHECKING:
    from dslc.emit.formal import Inference
    from dslc.emit.formal_types import FormalStep
    from dslc.ir.graph import Scan


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
