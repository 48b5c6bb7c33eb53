"""A checked `train` section: its phases with their types, and everything that is chosen."""

from __future__ import annotations

from dslc.passes.weights import weights_of
from dslc.train.thawing import thaws_at
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dslc.ir.facts import Facts
    from dslc.ir.graph import Module, Program
    from dslc.ir.instance import Instance
    from dslc.passes.weights import WeightInfo
    from dslc.train.clipping import Clipping
    from dslc.train.data import Column, Data
    from dslc.train.optimizers import Optimizer
    from dslc.train.options import Options
    from dslc.train.regularizers import Regularizer
    from dslc.train.run import Run
    from dslc.train.schedules import Schedule


@final
class Phase:
    """One graph of a `train` section, typed, with what it updates and how.

    Attributes:
        name: What it is called; "" where the section has no `phases`, so that this is all of it.
        own: Where the weights of its own steps are; "" beside the model's.
        doc: What the spec says about it.
        graph: A module: its inputs are the columns, its outputs `loss` and the metrics by name.
        instance: The graph with its types.
        facts: What may be assumed of the columns' sizes.
        update: The models whose weights it updates; empty where it updates all that there are.
        every: It runs on every n-th batch.
        accumulate: In how many pieces it computes a batch.
        optimizer: The optimiser with its settings.
        schedule: The schedule with its settings.
        clipping: How gradients are clipped, if they are.
        regularizers: What large weights add to its loss.
    """

    __slots__ = (
        *("accumulate", "clipping", "doc", "every", "facts", "graph", "instance", "name"),
        *("optimizer", "own", "regularizers", "schedule", "update"),
    )

    def __init__(
        self,
        name: str,
        own: str,
        doc: str | None,
        graph: Module,
        instance: Instance,
        facts: Facts,
        update: tuple[str, ...],
        every: int,
        accumulate: int,
        optimizer: Optimizer,
        schedule: Schedule,
        clipping: Clipping | None,
        regularizers: tuple[Regularizer, ...],
    ) -> None:
        self.accumulate = accumulate
        self.regularizers = regularizers
        self.clipping = clipping
        self.name = name
        self.own = own
        self.doc = doc
        self.graph = graph
        self.instance = instance
        self.facts = facts
        self.update = update
        self.every = every
        self.optimizer = optimizer
        self.schedule = schedule

    def with_graph(self, graph: Module, instance: Instance) -> Phase:
        """The same phase with another graph that computes the same."""
        chosen = self.update, self.every, self.accumulate, self.optimizer, self.schedule
        rest = self.clipping, self.regularizers
        return Phase(self.name, self.own, self.doc, graph, instance, self.facts, *chosen, *rest)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics."""
        return tuple(name for name, _ in self.graph.outputs[1:])

    @property
    def loss_name(self) -> str:
        """What its loss is called in a run's files."""
        return f"{self.name}_loss" if self.name else "loss"


@final
class Training:
    """A `train` section that passed.

    Attributes:
        program: The spec's modules, and the model as training sees it where that is another one.
        model: The main module with its types.
        phases: The graphs that run in turn on each batch; one without a name is all of them.
        columns: The columns by the input that each feeds.
        data: Where they come from, and the split.
        run: Epochs, batch, seed and precision.
        options: What it says beside that.
    """

    __slots__ = ("_weights", "columns", "data", "model", "options", "phases", "program", "run")

    def __init__(
        self,
        program: Program,
        model: Instance,
        phases: Sequence[Phase],
        columns: dict[str, Column],
        data: Data,
        run: Run,
        options: Options,
    ) -> None:
        self.program = program
        self.model = model
        self.phases = tuple(phases)
        self.columns = columns
        self.data = data
        self.run = run
        self.options = options
        self._weights: tuple[WeightInfo, ...] | None = None

    def with_phases(self, program: Program, phases: Sequence[Phase]) -> Training:
        """The same section with other graphs that compute the same."""
        parts = self.columns, self.data, self.run, self.options
        return Training(program, self.model, phases, *parts)

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The main module and every graph."""
        return (self.model, *(phase.instance for phase in self.phases))

    @property
    def is_phased(self) -> bool:
        """Whether the section has `phases`."""
        return bool(self.phases[0].name)

    def weights(self) -> list[WeightInfo]:
        """Every weight of a run in order: the model's, then those that only training has.

        Those that the section freezes are frozen.
        """
        if self._weights is None:
            self._weights = tuple(self._unrolled())
        return list(self._weights)

    def freezes(self, path: str) -> bool:
        """Whether a glob of `freeze` keeps a weight from training."""
        if not self.options.frozen:
            return False
        from dslc.train.globs import matches

        return any(matches(glob, path) for glob in self.options.frozen)

    def _unrolled(self) -> Iterator[WeightInfo]:
        found = {info.path: info for info in weights_of(self.model)}
        for phase in self.phases:
            for info in weights_of(phase.instance, phase.own):
                found.setdefault(info.path, info)
        lora = self.options.lora
        for info in found.values():
            if info.role == "trained" and self.freezes(info.path):
                info.role = "frozen"
            if info.role == "trained" and lora is not None and not lora.trains(info.path):
                info.role = "frozen"
            yield info

    def adapted(self) -> list[WeightInfo]:
        """The weights that move by adapters of low rank."""
        lora = self.options.lora
        return [] if lora is None else [info for info in self.weights() if lora.adapts(info)]

    def thaws_at(self, path: str) -> int:
        """The epoch from which on a weight that is trained moves."""
        return thaws_at(self.options.thawing, path)

    def updated(self, phase: Phase) -> list[WeightInfo]:
        """The weights that a phase trains, each once."""
        trained = [i for i in self.weights() if i.role == "trained" and i.tied is None]
        if not phase.update:
            return trained
        homes = [*(self.program.modules[name].home for name in phase.update), phase.own]
        others = [other.own for other in self.phases if other.own != phase.own]
        return [
            info
            for info in trained
            if any(is_below(info.path, home) for home in homes)
            and not any(is_below(info.path, own) for own in others)
        ]


def is_below(path: str, home: str | None) -> bool:
    """Whether a weight is a model's: below its home, or anywhere where it is the only one."""
    return not home or path.startswith(f"{home}.")
