"""A checked `train` section: the graph with its types, and everything that is chosen."""

from __future__ import annotations

from dslc.passes.weights import weights_of
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dslc.ir.facts import Facts
    from dslc.ir.graph import Module, Program
    from dslc.ir.instance import Instance
    from dslc.passes.weights import WeightInfo
    from dslc.train.data import Column, Data
    from dslc.train.optimizers import Optimizer
    from dslc.train.run import Run
    from dslc.train.schedules import Schedule


@final
class Training:
    """A `train` section that passed.

    Attributes:
        program: The spec's modules, and the model as training sees it where that is another one.
        graph: A module: its inputs are the columns, its outputs `loss` and the metrics by name.
        instance: The graph with its types.
        facts: What may be assumed of the columns' sizes.
        columns: The columns by the input that each feeds.
        data: Where they come from, and the split.
        optimizer: The optimiser with its settings.
        schedule: The schedule with its settings.
        run: Epochs, batch, seed and precision.
    """

    __slots__ = (
        *("columns", "data", "facts", "graph", "instance", "optimizer"),
        *("program", "run", "schedule"),
    )

    def __init__(
        self,
        program: Program,
        graph: Module,
        instance: Instance,
        facts: Facts,
        columns: dict[str, Column],
        data: Data,
        optimizer: Optimizer,
        schedule: Schedule,
        run: Run,
    ) -> None:
        self.program = program
        self.graph = graph
        self.instance = instance
        self.facts = facts
        self.columns = columns
        self.data = data
        self.optimizer = optimizer
        self.schedule = schedule
        self.run = run

    def with_graph(self, program: Program, graph: Module, instance: Instance) -> Training:
        """The same section with another graph that computes the same."""
        chosen = self.data, self.optimizer, self.schedule, self.run
        return Training(program, graph, instance, self.facts, self.columns, *chosen)

    def weights(self) -> list[WeightInfo]:
        """Every weight of a run in order: the model's, and those that only training has."""
        return weights_of(self.instance)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics."""
        return tuple(name for name, _ in self.graph.outputs[1:])
