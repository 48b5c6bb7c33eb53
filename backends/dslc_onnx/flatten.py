"""The walk over the checked model: calls, repeats and regions become one row of nodes.

Every other backend keeps the spec's structure; ONNX alone is flat, so it is flattened here, at the
very end. A value is found by the step that makes it, as when types were inferred.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, final

from dslc.emit.backend import BuildError
from dslc.ir.graph import EVERY, MODULE, REGION_INPUT, Parallel, Residual, Reuse, Scan
from dslc.ir.walk import followers
from dslc.ops import find
from dslc.ops.shapes import resolve_axis
from dslc.passes.values import at
from dslc.passes.weights import branch_labels, call_path, iteration_path, join
from dslc.source import Span
from dslc.syntax.expressions import evaluate
from dslc_onnx.errors import ExportError
from dslc_onnx.graph import Site
from dslc_onnx.lowering import WHOLE, Lowering, Operand
from dslc_onnx.rules import RULES
from dslc_onnx.scans import ScanLowering

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import onnx_ir as ir

    from dslc.ir.graph import Ref, Step
    from dslc.ir.instance import BodyInstance, Instance, Iteration, StepInstance
    from dslc.ir.types import TensorType
    from dslc.ops.base import Op
    from dslc_onnx.graph import Graph
    from dslc_onnx.rules import Result
    from dslc_onnx.sizes import Sizes

NOWHERE = Span("", 0, 0, 0, 0)


@final
class Values(dict[tuple[int, str], Operand]):
    """Values by step and slot; how often each step runs, and under which path it has its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[int, int] = {}
        self.homes: dict[int, str] = {}
        self.environment: Mapping[str, object] = {}

    def inside(self) -> Values:
        """The values as a graph inside sees them: what it makes of one stays there."""
        found = Values()
        found.update((key, operand.copy()) for key, operand in self.items())
        found.counts, found.homes = dict(self.counts), dict(self.homes)
        found.environment = self.environment
        return found


@final
class Flattener:
    """Lowers an instance and all that it calls into one graph."""

    def __init__(
        self, graph: Graph, sizes: Sizes, folder: str, params: Mapping[str, object]
    ) -> None:
        self.graph = graph
        self.params = params
        self.sizes = sizes
        self.folder = folder

    def module(
        self, instance: Instance, inputs: Sequence[Operand], prefix: str
    ) -> dict[str, Operand]:
        """The outputs of one instance under a path, "" being its value."""
        values = Values()
        values.environment = {**self.params, **instance.arguments, **instance.sizes}
        for declared, operand in zip(instance.module.inputs, inputs, strict=False):
            values[MODULE, declared.name] = operand
        result = self.body(instance.body, prefix, values)
        outputs = {
            name: value_of(ref, values, values.environment) for name, ref in instance.module.outputs
        }
        found = {name: operand for name, operand in outputs.items() if operand is not None}
        if instance.module.is_model and found:
            result = next(iter(found.values()))
        return found if result is None else {**found, "": result}

    def body(self, body: BodyInstance, prefix: str, values: Values) -> Operand | None:
        """The steps of a body in order; the value that it ends on."""
        for step in body.steps:
            self.step(step, prefix, values)
        return value_of(body.result, values, {})

    def step(self, found: StepInstance, prefix: str, values: Values) -> None:
        """One step in all its iterations, each handing its value to the next."""
        step = found.step
        if isinstance(step.action, Reuse):
            prefix = values.homes[step.action.step.id]
        else:
            values.homes[step.id] = prefix
        further = followers(step.action, step.inputs)[1:]
        starts = values_of(step.inputs[:1], values, values.environment)
        current = starts[0] if starts else None
        outputs = {} if current is None else {"": current}
        values.counts[step.id] = len(found.iterations)
        for count, iteration in enumerate(found.iterations):
            if iteration is not None:
                inputs = [*starts] if count == 0 or not starts else [current]
                for ref, follows in zip(step.inputs[1:], further, strict=True):
                    inputs += (
                        [current]
                        if follows and count
                        else values_of([ref], values, iteration.environment)
                    )
                path = iteration_path(prefix, step, count)
                outputs = self.run(step, iteration, path, inputs, values)
                current = outputs.get("")
            for slot in step.kept:
                kept = current if not slot else outputs.get(slot)
                if kept is not None:
                    values[step.id, at(slot, count)] = kept
        for slot, operand in outputs.items():
            values[step.id, slot] = operand

    def run(
        self,
        step: Step,
        iteration: Iteration,
        path: str,
        inputs: Sequence[Operand | None],
        values: Values,
    ) -> dict[str, Operand]:
        """One iteration: an op, a call or a region."""
        if iteration.op is not None:
            return self.apply(iteration.op, path, inputs, iteration.outputs, step.span)
        if iteration.call is not None:
            given = [operand for operand in inputs if operand is not None]
            return self.module(iteration.call, given, call_path(iteration, path))
        if isinstance(step.action, Reuse):
            step = step.action.step.replace(exports=step.exports)
        if isinstance(step.action, Scan):
            return self.scan(step, step.action, iteration, path, inputs, values)
        if inputs[0] is not None:
            values[step.id, REGION_INPUT] = inputs[0]
        outside, values.environment = values.environment, iteration.environment
        ends: list[Operand] = []
        for label, body in zip(branch_labels(step), iteration.bodies, strict=False):
            end = self.body(body, join(path, label), values)
            assert end is not None
            ends.append(end)
        values.environment = outside
        found = self.join(step, iteration, path, ends)
        for slot, ref in step.exports:
            export = value_of(ref, values, iteration.environment)
            if export is not None:
                found[slot] = export
        return found

    def scan(
        self,
        step: Step,
        action: Scan,
        iteration: Iteration,
        path: str,
        inputs: Sequence[Operand | None],
        values: Values,
    ) -> dict[str, Operand]:
        """A scan: its body, once, in a graph of its own."""

        def run(entered: dict[str, Operand]) -> tuple[Operand, list[Operand]]:
            inner = values.inside()
            inner.environment = iteration.environment
            inner.update(((step.id, slot), operand) for slot, operand in entered.items())
            out = self.body(iteration.bodies[0], path, inner)
            nexts = values_of(action.next, inner, iteration.environment)
            assert out is not None
            return out, [operand for operand in nexts if operand is not None]

        self.graph.site = Site(path, self.source(step.span))
        name = path or step.label or "scan"
        given = [operand for operand in inputs if operand is not None]
        at = Lowering(
            self.graph, self.sizes, operation("add"), name, given, iteration.outputs, step.span
        )
        return ScanLowering(at, action, given).lower(run)

    def join(
        self, step: Step, iteration: Iteration, path: str, ends: Sequence[Operand]
    ) -> dict[str, Operand]:
        """The value of a region from the ends of its paths; sums and such by the op's own rule."""
        action, outputs = step.action, iteration.outputs
        if isinstance(action, Residual):
            return self.apply(operation("add"), beside(path, "residual"), ends, outputs, step.span)
        if not isinstance(action, Parallel):
            return {"": ends[0]}
        if action.join == "none":
            names = [label or str(k) for k, (label, _) in enumerate(action.branches)]
            return {"": ends[0], **dict(zip(names, ends, strict=True))}
        name = beside(path, action.join)
        axis = evaluate(action.axis, iteration.environment)
        if action.join == "stack":
            assert isinstance(axis, int)
            return {"": self.stack(ends, name, outputs[""], axis, step.span)}
        attributes = {"axis": axis} if action.join == "concat" else {}
        return self.apply(operation(action.join, attributes), name, ends, outputs, step.span)

    def apply(
        self,
        op: Op,
        path: str,
        operands: Sequence[Operand | None],
        outputs: Mapping[str, TensorType],
        span: Span,
    ) -> dict[str, Operand]:
        """The outputs of an op by its rule."""
        self.graph.site = Site(path.partition("/")[0], self.source(span))
        lowering = Lowering(self.graph, self.sizes, op, path, operands, outputs, span)
        try:
            found: Result = RULES.find(type(op))(lowering)
        except BuildError as error:
            raise located(error, span) from error
        if isinstance(found, list):
            return {"": found[0], **dict(zip(op.output_names(), found, strict=True))}
        if not isinstance(found, Operand):
            found = Operand(path, outputs[""], found, lowering.form)
        return {"": found}

    def stack(
        self, ends: Sequence[Operand], name: str, type: TensorType, axis: int, span: Span
    ) -> Operand:
        """Values of one type on a new axis."""
        axis = resolve_axis(axis, type.rank)
        wide = type.with_shape(*type.shape[:axis], 1, *type.shape[axis + 1 :])
        at = Lowering(self.graph, self.sizes, operation("concat"), name, ends, {"": type}, span)
        parts = [
            at.emit("Unsqueeze", at.input(k), self.graph.integers(axis), type=wide, label=str(k))
            for k in range(len(ends))
        ]
        return Operand(name, type, at.emit("Concat", *parts, axis=axis), WHOLE)

    def whole(self, operand: Operand) -> ir.Value:
        """A value as the spec has it, for the model's outputs."""
        at = Lowering(
            self.graph, self.sizes, operation("add"), operand.name, [operand], {}, NOWHERE
        )
        return at.convert(operand, WHOLE)

    def source(self, span: Span) -> str:
        """`file:line`, the file as seen from the spec's folder."""
        is_file = not span.file.startswith("zoo:")
        return f"{os.path.relpath(span.file, self.folder) if is_file else span.file}:{span.line}"


def value_of(ref: Ref | None, values: Values, environment: Mapping[str, object]) -> Operand | None:
    """The value that a reference means."""
    if ref is None or ref.index is None or isinstance(ref.index, str):
        return None if ref is None else values.get((ref.owner, ref.slot))
    position = evaluate(ref.index, dict(environment))
    assert isinstance(position, int)
    return values.get((ref.owner, at(ref.slot, position)))


def values_of(
    refs: Sequence[Ref | None], values: Values, environment: Mapping[str, object]
) -> list[Operand | None]:
    """The values that references mean, those of every instance one after the other."""
    found: list[Operand | None] = []
    for ref in refs:
        if ref is not None and ref.index == EVERY:
            count = values.counts[ref.owner]
            found += [values.get((ref.owner, at(ref.slot, k))) for k in range(count)]
        else:
            found.append(value_of(ref, values, environment))
    return found


def located(error: BuildError, span: Span) -> ExportError:
    """The error with the step that it happened at, where it names none."""
    if isinstance(error, ExportError):
        return error if error.span else ExportError(error.message, span)
    return ExportError(str(error), span)


def beside(path: str, word: str) -> str:
    """The name of what a region adds to the values of its steps."""
    return f"{path}/{word}" if path else word


def operation(name: str, attributes: Mapping[str, object] | None = None) -> Op:
    """An op by its name."""
    op = find(name)
    assert op is not None
    return op(attributes or {})
