"""A checked `train` section: the graph with its types, and everything that is chosen."""

from __future__ import annotations

from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dslc.ir.graph import Module
    from dslc.ir.instance import Instance
    from dslc.train.data import Column, Data
    from dslc.train.optimizers import Optimizer
    from dslc.train.run import Run
    from dslc.train.schedules import Schedule


@final
class Training:
    """A `train` section that passed.

    Attributes:
        graph: A module: its inputs are the columns, its outputs `loss` and the metrics by name.
        instance: The graph with its types.
        columns: The columns by the input that each feeds.
        data: Where they come from, and the split.
        optimizer: The optimiser with its settings.
        schedule: The schedule with its settings.
        run: Epochs, batch, seed and precision.
    """

    __slots__ = ("columns", "data", "graph", "instance", "optimizer", "run", "schedule")

    def __init__(
        self,
        graph: Module,
        instance: Instance,
        columns: dict[str, Column],
        data: Data,
        optimizer: Optimizer,
        schedule: Schedule,
        run: Run,
    ) -> None:
        self.graph = graph
        self.instance = instance
        self.columns = columns
        self.data = data
        self.optimizer = optimizer
        self.schedule = schedule
        self.run = run

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics."""
        return tuple(name for name, _ in self.graph.outputs[1:])
