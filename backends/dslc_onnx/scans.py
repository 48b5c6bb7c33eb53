"""Scans as ONNX's `Scan`: a graph of one round, which sees the values and weights around it.

`Scan` runs along the first axis, so sequences are handed to it time first, as recurrent layers hand
theirs on. Its own options for axes and direction are not used: the reference evaluator has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from dslc.ir.graph import round_slot
from dslc.ir.types import TensorType
from dslc.passes.scans import part_of
from dslc_onnx.lowering import TIME_FIRST, WHOLE, Operand, form_type
from dslc_onnx.types import make_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dslc.ir.graph import Scan
    from dslc_onnx.lowering import Lowering

    Round = Callable[[dict[str, Operand]], tuple[Operand, list[Operand]]]

LAST = (1 << 63) - 1


class ScanLowering:
    """One scan: its sequences and carries in, the graph of a round, the node, its results out."""

    def __init__(self, at: Lowering[Any], action: Scan, inputs: Sequence[Operand]) -> None:
        self.at = at
        self.graph = at.graph
        self.action = action
        self.over = inputs[: len(action.over)]
        self.starts = inputs[len(action.over) :]

    def lower(self, run: Round) -> dict[str, Operand]:
        """The scan's outputs; `run` gives a round's value and next carries from what it sees."""
        sequences = [self.time_first(operand) for operand in self.over] or [self.counter()]
        starts = [self.at.convert(operand, WHOLE) for operand in self.starts]
        entered: dict[str, Operand] = {}
        inputs: list[ir.Value] = []
        for name, operand in zip(self.action.carry, self.starts, strict=True):
            inputs.append(self.enter(name, operand.type, entered))
        for name, operand in zip(self.action.over, self.over, strict=True):
            inputs.append(self.enter(name, part_of(operand.type), entered))
        if not self.over:
            inputs.append(make_value(self.graph.unique(f"{self.at.path}/count"), scalar()))
        with self.graph.inside() as nodes:
            out, nexts = run(entered)
            ends: list[ir.Value] = []
            for operand in (*nexts, out):
                ends.append(self.given(operand, nodes, ends))
        body = ir.Graph(inputs, ends, nodes=nodes, name=f"{self.at.path}/round")
        attributes = {"body": body, "num_scan_inputs": len(sequences)}
        found = self.graph.node("Scan", [*starts, *sequences], self.result_types(), attributes)
        results = {
            name: Operand(f"{self.at.path}/{name}", operand.type, value)
            for name, operand, value in zip(self.action.carry, self.starts, found, strict=False)
        }
        return {"": self.whole(found[-1]), **results}

    def enter(self, name: str, type: TensorType, entered: dict[str, Operand]) -> ir.Value:
        """A value that a round sees."""
        value = make_value(self.graph.unique(f"{self.at.path}/{name}/round"), type)
        entered[round_slot(name)] = Operand(str(value.name), type, value)
        return value

    def given(self, operand: Operand, nodes: list[ir.Node], ends: list[ir.Value]) -> ir.Value:
        """A value at the end of a round; one that is there already, or from around it, is copied."""
        value = self.at.convert(operand, WHOLE)
        if value not in ends and any(value in node.outputs for node in nodes):
            return value
        return self.passed(value, operand.type)

    def passed(self, value: ir.Value, type: TensorType) -> ir.Value:
        """A value once more, as an output of its own."""
        return self.graph.node("Identity", [value], [(f"{self.at.path}/passed", type)])[0]

    def time_first(self, operand: Operand) -> ir.Value:
        """A sequence with its time axis first, from its end where the scan runs backwards."""
        type = operand.type
        if type.rank > 2:
            value = self.at.convert(operand, TIME_FIRST)
        else:
            value = self.at.convert(operand, WHOLE)
            if type.rank == 2:
                value = self.swapped(
                    value, form_type(type, TIME_FIRST), f"{operand.name}/time_first"
                )
        type = form_type(type, TIME_FIRST) if type.rank > 1 else type
        return self.backwards(value, type, f"{operand.name}/backwards")

    def swapped(self, value: ir.Value, type: TensorType, name: str) -> ir.Value:
        """A matrix transposed."""
        return self.graph.node("Transpose", [value], [(name, type)], {"perm": [1, 0]})[0]

    def backwards(self, value: ir.Value, type: TensorType, name: str) -> ir.Value:
        """A sequence from its end, where the scan runs backwards."""
        if not self.action.reverse:
            return value
        ends = [self.graph.integers(number) for number in (-1, -LAST, 0, -1)]
        return self.graph.node("Slice", [value, *ends], [(name, type)])[0]

    def counter(self) -> ir.Value:
        """A vector as long as the scan, which `Scan` needs to know how often it runs."""
        length = self.at.type.shape[min(1, self.at.type.rank - 1)]
        type = TensorType("f32", (length,))
        shape = self.at.sizes.shape((length,))
        name = f"{self.at.path}/rounds"
        return self.graph.node("ConstantOfShape", [shape], [(name, type)])[0]

    def result_types(self) -> list[tuple[str, TensorType]]:
        """The node's outputs: the last carries, and what the rounds hand out, time first."""
        path, type = self.at.path, self.at.type
        carries = [
            (f"{path}/{name}", operand.type)
            for name, operand in zip(self.action.carry, self.starts, strict=True)
        ]
        first = form_type(type, TIME_FIRST) if type.rank > 1 else type
        return [*carries, (f"{path}/rounds_out", first)]

    def whole(self, value: ir.Value) -> Operand:
        """What the rounds handed out, as the spec has it or time first."""
        type, path = self.at.type, self.at.path
        first = form_type(type, TIME_FIRST) if type.rank > 1 else type
        value = self.backwards(value, first, f"{path}/forwards")
        if type.rank > 2:
            return Operand(path, type, value, TIME_FIRST)
        return Operand(path, type, self.swapped(value, type, path) if type.rank == 2 else value)


def scalar() -> TensorType:
    """The type of a number."""
    return TensorType("f32", ())
