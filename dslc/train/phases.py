"""The phases of a section as they are read: several graphs with models, optimisers and names."""

from __future__ import annotations

from dslc.diagnostics import Label, nearest
from dslc.ir.reading import home_of, is_snake
from dslc.ir.walk import all_steps
from dslc.ops.attributes import Integer
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.train.choices import Choice
from dslc.train.graph import GraphReader
from dslc.train.optimizers import Optimizer
from dslc.train.schedules import Constant, Schedule
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dslc.diagnostics import Report
    from dslc.ir.graph import Module, Program
    from dslc.source import Span
    from dslc.syntax.tree import Node
    from dslc.train.clipping import Clipping
    from dslc.train.regularizers import Regularizer
    from dslc.train.settings import SettingsReader

GRAPH_KEYS = ("steps", "loss", "optimizer", "schedule", "clip", "regularize", "metrics")
"""What a phase says itself; a section without phases says it."""
COLUMN_KEYS = ("inputs", "where")
"""What a section says for all of its phases."""


class Turn(Choice):
    """When a phase runs, and on how much at a time."""

    kind = "phase"
    every = Integer(1, doc="runs on every n-th batch", minimum=1)
    accumulate = Integer(1, doc="in how many pieces it computes a batch", minimum=1)


PHASE_KEYS = ("name", "doc", "update", *GRAPH_KEYS)


@final
class PhaseSection:
    """A phase that was read: all but types; `model` is what it calls without saying so."""

    __slots__ = (
        *("accumulate", "clipping", "doc", "every", "fields", "graph", "model", "name"),
        *("optimizer", "own", "regularizers", "schedule", "span", "update"),
    )

    def __init__(
        self,
        fields: Mapping,
        graph: Module,
        model: Module | None,
        optimizer: Optimizer,
        schedule: Schedule,
        clipping: Clipping | None,
        regularizers: tuple[Regularizer, ...],
    ) -> None:
        self.clipping = clipping
        self.regularizers = regularizers
        self.fields = fields
        self.graph = graph
        self.model = model
        self.optimizer = optimizer
        self.schedule = schedule
        self.name = ""
        self.own = ""
        self.doc: str | None = None
        self.every = 1
        self.accumulate: int | None = None
        self.update: dict[str, Span] = {}
        self.span = fields.span


class PhasesReader:
    """Reads the graph of a section, or those of its phases.

    Attributes:
        program: The program; a graph may add to it what it reads inside a model.
    """

    def __init__(
        self, program: Program, report: Report, settings: SettingsReader, fields: Mapping
    ) -> None:
        self.program = program
        self.report = report
        self.settings = settings
        self.fields = fields
        self.names: dict[str, Span] = {}

    def read(self, *, graphs: bool) -> list[PhaseSection]:
        """The phases that were read; fewer after an error.

        Args:
            graphs: Whether the names in the models are right, so that graphs can be read.
        """
        key = self.fields.key("phases")
        if key is None:
            found = self.part(self.fields, "train", graphs=graphs)
            return [] if found is None else [found]
        self.refuse_beside(key)
        nodes = self.settings.items(self.fields.get("phases"), "`phases`")
        if not nodes and self.report.ok:
            help = "write `phases: [{update: […], loss: …, optimizer: …}, …]`"
            self.report.error("E0819", key.span, "the section has no phases", help=help)
        phases = [self.phase(node, graphs=graphs) for node in nodes]
        return [phase for phase in phases if phase is not None]

    def refuse_beside(self, phases: Scalar) -> None:
        """Reports what the section says itself and only its phases may say."""
        for word in (*GRAPH_KEYS, "accumulate"):
            key = self.fields.key(word)
            if key is not None:
                message = f"beside `phases` there is no `{word}`"
                labels = [Label(phases.span, "the phases")]
                help = "put it into each phase that it is meant for"
                self.report.error("E0819", key.span, message, help=help, labels=labels)

    def phase(self, node: Node, *, graphs: bool) -> PhaseSection | None:
        """One phase."""
        if not isinstance(node, Mapping):
            message = "a phase is a mapping (`key: value` lines)"
            self.report.error("E0603", node.span, message)
            return None
        fields = node
        for key, _ in fields.entries:
            if key.text not in (*PHASE_KEYS, *Turn.attributes):
                self.settings.unknown_key(key, (*PHASE_KEYS, *Turn.attributes), "a phase")
        others = tuple(key.text for key, _ in fields.entries)
        needs = ("update", "loss", "optimizer")
        turn = self.settings.settings(Turn, fields, "a phase", others, needs)
        update = self.update(fields.get("update"))
        name = self.name(fields, update)
        columns = [(k, v) for k, v in self.fields.entries if k.text in COLUMN_KEYS]
        whole = Mapping([*columns, *fields.entries], fields.span)
        found = self.part(whole, name or "phase", graphs=graphs)
        if found is None or turn is None or name is None or not update:
            return None
        doc = fields.get("doc")
        found.doc = None if doc is None else self.settings.text(doc, "`doc`")
        found.name = name
        found.own = self.place_of_steps(name)
        found.every = turn.values["every"]
        found.accumulate = turn.values["accumulate"]
        found.update = update
        return found

    def place_of_steps(self, name: str) -> str:
        """Where the weights of a phase's own steps are: at no model's place."""
        homes = {self.program.modules[model].home for model in self.program.models}
        if not self.program.has_several:
            body = self.program.modules[self.program.main].body
            homes.update(step.label for step in all_steps(body))
        place = f"{name}_steps"
        while place in homes:
            place += "_"
        return place

    def part(self, fields: Mapping, name: str, *, graphs: bool) -> PhaseSection | None:
        """A graph with its optimiser and schedule; None after an error."""
        reader = GraphReader(self.program, self.report, fields, name)
        graph = reader.read() if graphs else None
        self.program = reader.program
        optimizer = None
        if (chosen := fields.get("optimizer")) is not None:
            optimizer = self.settings.choice(Optimizer, chosen)
        chosen = fields.get("schedule")
        schedule = Constant({}) if chosen is None else self.settings.choice(Schedule, chosen)
        clipping = self.clipping(fields.get("clip"))
        regularizers = self.regularizers(fields.get("regularize"))
        if graph is None or optimizer is None or schedule is None:
            return None
        model = None if reader.calls_itself else reader.model
        return PhaseSection(fields, graph, model, optimizer, schedule, clipping, regularizers)

    def clipping(self, node: Node | None) -> Clipping | None:
        """How gradients are bounded, if they are."""
        if node is None:
            return None
        from dslc.train.clipping import Clipping

        return self.settings.choice(Clipping, node)

    def regularizers(self, node: Node | None) -> tuple[Regularizer, ...]:
        """What is added to the loss for weights, one or a list."""
        if node is None:
            return ()
        from dslc.train.regularizers import Regularizer

        nodes = node.items if isinstance(node, Sequence) else [node]
        found = [self.settings.choice(Regularizer, item) for item in nodes]
        return tuple(part for part in found if part is not None)

    def update(self, node: Node | None) -> dict[str, Span]:
        """The models that a phase updates, with where it names them."""
        if node is None:
            return {}  # reported with the other keys that are missing
        items = node.items if isinstance(node, Sequence) else [node]
        found: dict[str, Span] = {}
        for item in items:
            text = self.settings.text(item, "a model")
            if text is None:
                continue
            if text not in self.program.models:
                close = nearest(text, self.program.models)
                names = ", ".join(self.program.models)
                help = f"did you mean `{close}`?" if close else f"there are {names}"
                self.report.error("E0820", item.span, f"no model is called `{text}`", help=help)
            elif text in found:
                labels = [Label(found[text], "here already")]
                message = f"`{text}` is named twice"
                self.report.error("E0820", item.span, message, labels=labels)
            else:
                found[text] = item.span
        if not items:
            message = "a phase updates at least one model"
            self.report.error("E0820", node.span, message, help="write `update: [Generator]`")
        return found

    def name(self, fields: Mapping, update: dict[str, Span]) -> str | None:
        """The name of a phase: its own, or that of the models that it updates."""
        node = fields.get("name")
        if node is None:
            homes = (self.program.modules[model].home or home_of(model) for model in update)
            text, span = "_".join(homes), next(iter(update.values()), fields.span)
        elif isinstance(node, Scalar) and is_snake(node.text):
            text, span = node.text, node.span
        else:
            message = "a phase's name is in snake_case, such as `critic`"
            self.report.error("E0402", node.span, message)
            return None
        if not text:
            return None
        first = self.names.setdefault(text, span)
        if first != span:
            message = f"two phases are called `{text}`"
            labels = [Label(first, "the first")]
            help = "give one of them a `name`"
            self.report.error("E0821", span, message, help=help, labels=labels)
            return None
        return text
