"""What a training graph draws at random, as columns that come in with the batch.

The numbers are NumPy's, from a stream for each draw and step; so every framework gets the same bits,
and a framework's own generator has no part in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.diagnostics import Report
from dslc.emit.backend import BuildError
from dslc.emit.python import Function, Line, Parameter
from dslc.emit.shapes import boundary_layout
from dslc.ir.dims import text_of
from dslc.ir.graph import MODULE, Body, Input, Ref
from dslc.limits import Limits
from dslc.ops.chance import RandomInteger, RandomNormal
from dslc.passes.instantiate import Instantiator
from dslc.passes.outline import renamed
from dslc.syntax.expressions import number_text
from dslc.syntax.types import TypeExpr
from dslc.train.draws import is_draw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.emit.python import Statement
    from dslc.emit.target import Target
    from dslc.ir.graph import Module
    from dslc.ir.instance import StepInstance
    from dslc.ir.types import TensorType
    from dslc.ops.base import Op
    from dslc.train.data import Column
    from dslc.train.training import Phase, Training

NUMPY = {"i32": "int32", "i64": "int64"}


@final
class Drawn:
    """A draw: the column that it comes in by, its stream, what is drawn, and its type."""

    __slots__ = ("column", "number", "op", "stream", "type")

    def __init__(self, column: str, stream: str, found: StepInstance) -> None:
        iteration = found.iterations[0]
        assert iteration is not None
        assert iteration.op is not None
        self.number = found.step.id
        self.column = column
        self.stream = stream
        self.op: Op = iteration.op
        self.type: TensorType = iteration.outputs[""]


def with_columns(training: Training) -> tuple[Training, list[Drawn]]:
    """A section whose graphs read what they draw as columns, and these draws."""
    taken = {*training.columns}
    every: list[Drawn] = []
    phases: list[Phase] = []
    for phase in training.phases:
        draws: list[Drawn] = []
        for found in phase.instance.body.steps:
            if is_draw(found.step):
                name = found.step.name or found.step.label
                column = f"{phase.name}_{name}" if phase.name else name
                while column in taken:
                    column += "_"
                taken.add(column)
                draws.append(Drawn(column, f"{phase.name}.{name}".lstrip("."), found))
        every += draws
        phases.append(redirected(training, phase, draws) if draws else phase)
    return (training.with_phases(training.program, phases) if every else training), every


def refuse_pieces(draws: list[Drawn], training: Training) -> None:
    """Refuses to compute a batch in pieces where a draw is no part of its rows."""
    rows = next(iter(training.columns.values())).type.shape[0]
    in_pieces = any(phase.accumulate > 1 for phase in training.phases)
    for drawn in draws if in_pieces else ():
        if not drawn.type.shape or drawn.type.shape[0] != rows:
            what = f"the draw `{drawn.stream}` has no rows of the batch"
            raise BuildError(f"{what}, which `accumulate` would share out")


def redirected(training: Training, phase: Phase, draws: list[Drawn]) -> Phase:
    """A phase that reads draws as columns."""
    graph = without_draws(phase.graph, draws)
    report = Report()
    checker = Instantiator(training.program, report, Limits(), phase.facts)
    types = (*phase.instance.inputs.values(), *(drawn.type for drawn in draws))
    instance = checker.instance(graph, {}, types, phase.instance.sizes)
    if instance is None or not report.ok:
        first = report.diagnostics[0].message if report.diagnostics else "they do not fit"
        raise BuildError(f"what training draws cannot come in with the batch: {first}")
    return phase.with_graph(graph, instance)


def without_draws(graph: Module, draws: list[Drawn]) -> Module:
    """A graph with an input in the place of each draw."""
    mapping = {Ref(drawn.number, ""): Ref(MODULE, drawn.column) for drawn in draws}
    numbers = {drawn.number for drawn in draws}
    steps = tuple(step for step in graph.body.steps if step.id not in numbers)
    inputs = tuple(
        Input(drawn.column, TypeExpr(drawn.type.dtype, None, graph.span), graph.span)
        for drawn in draws
    )
    outputs = tuple((name, mapping.get(ref, ref)) for name, ref in graph.outputs)
    body = renamed(Body(steps, graph.body.result), mapping)
    return graph.replace(inputs=(*graph.inputs, *inputs), body=body, outputs=outputs)


@final
class DrawWriter:
    """Writes `with_draws`: the batch with what its step draws."""

    def __init__(self, draws: list[Drawn], columns: Mapping[str, Column], target: Target) -> None:
        self.draws = draws
        self.columns = columns
        self.target = target
        self.has_rows = False

    def function(self) -> Function:
        """The function."""
        entries = [f'"{drawn.column}": {self.value(drawn)}' for drawn in self.draws]
        lines: list[Statement] = [Line(f"return {{**batch, {', '.join(entries)}}}")]
        if self.has_rows:
            first = next(iter(self.columns))
            lines.insert(0, Line(f'rows = len(batch["{first}"])'))
        return Function(
            "with_draws",
            [
                Parameter("batch", "Arrays"),
                Parameter("seed", "int"),
                Parameter("step", "int | str"),
            ],
            "Arrays",
            "A batch with what its step draws: numbers that depend on the seed and the step alone.",
            lines,
        )

    def value(self, drawn: Drawn) -> str:
        """The numbers of a draw."""
        sizes = [text_of(size, self.size) for size in drawn.type.shape]
        shape = f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
        text = f'random_numbers("{drawn.stream}", {shape}, seed, step)'
        text += f".{self.distribution(drawn.op)}"
        if boundary_layout(self.target, drawn.type) == "last":
            return f"np.ascontiguousarray(np.moveaxis({text}, 1, -1))"
        return text

    def distribution(self, op: Op) -> str:
        """How the numbers are spread."""
        if isinstance(op, RandomInteger):
            text = f"integers({text_of(op.low, self.size)}, {text_of(op.high, self.size)})"
            narrow = self.target.dtypes.get("i64")
            return text if narrow is None else f'{text}.astype("{NUMPY[narrow]}")'
        values = {name: number_text(value) for name, value in op.values.items() if name != "shape"}
        if isinstance(op, RandomNormal):
            mean = f", {values['mean']}" if op.mean else ""
            return f"normal({values['std']}{mean})"
        return f"uniform({values['low']}, {values['high']})"

    def size(self, symbol: str) -> str:
        """The size that a symbol stands for: rows, or an axis of a column."""
        for name, column in self.columns.items():
            for axis, dim in enumerate(column.type.shape):
                if str(dim) != symbol:
                    continue
                if axis == 0:
                    self.has_rows = True
                    return "rows"
                if boundary_layout(self.target, column.type) == "last":
                    axis = -1 if axis == 1 else axis - 1
                return f'batch["{name}"].shape[{axis}]'
        raise BuildError(f"no column says how large `{symbol}` is, which a draw needs")
