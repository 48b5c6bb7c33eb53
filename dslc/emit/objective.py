"""The loss and the metrics as functions: `loss_of(model, batch)`, from a training graph.

The backends' own op rules write them, as they write a model's method; so any graph of ops works, and
no table of losses is kept anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.bodies import BodyWriter
from dslc.emit.calls import call_outputs
from dslc.emit.classes import ClassWriter
from dslc.emit.flow import Value
from dslc.emit.formal import Formal, FormalStep
from dslc.emit.gradients import Between, arranged
from dslc.emit.python import Function, Line, Parameter
from dslc.emit.shapes import boundary_layout
from dslc.ir.dims import text_of
from dslc.ir.graph import MODULE, Ref
from dslc.train.gradient import reads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dslc.emit.python import Statement
    from dslc.emit.shown import Shown
    from dslc.emit.target import Target
    from dslc.emit.units import ModuleWriter
    from dslc.ir.graph import Step
    from dslc.ir.instance import BodyInstance, Instance, Iteration, StepInstance
    from dslc.syntax.expressions import Expr
    from dslc.train.training import Phase


class Objective:
    """How a backend writes functions of a model and a batch.

    Args:
        target: The backend's words.
        model: The annotation of the model.
        batch: The annotation of a batch.
        result: The annotation of a loss.
        results: The annotation of several figures by name.
    """

    def __init__(self, target: Target, model: str, batch: str, result: str, results: str) -> None:
        self.target = target
        self.model = model
        self.batch = batch
        self.result = result
        self.results = results

    def call(
        self, called: Sequence[str], arguments: list[str], names: Sequence[str], *, training: bool
    ) -> str:
        """The call of a model.

        Args:
            called: The paths of the model, "" where it is the only one, and of those that it needs.
            arguments: Its inputs in its order.
            names: Their names.
            training: Whether it is in training.
        """
        del names, training
        first, *others = places(called)
        return f"{first}({', '.join([*arguments, *others])})"

    def size(self, tensor: str, axis: int) -> str:
        """The size of an axis of a column."""
        return f"{tensor}.shape[{axis}]"

    def gradient(self, body: ObjectiveBody, between: Between) -> None:
        """Writes a gradient with the steps that it differentiates."""
        del body
        raise between.refuse("has no form in this backend")

    def loss(self, module: ModuleWriter, phase: Phase, name: str) -> Function:
        """What a phase minimises, as a function of a name."""
        writer = ObjectiveWriter(self, module, phase, phase.graph.outputs[:1], is_loss=True)
        doc = "What training minimises."
        if phase.name:
            doc = f"What the phase `{phase.name}` minimises."
        if phase.doc:
            doc += f"\n\n{phase.doc}"
        return writer.function(name, self.result, doc)

    def metrics(self, module: ModuleWriter, phase: Phase, name: str) -> Function:
        """The loss and the metrics of a phase by name, as a function of a name."""
        before = f"{phase.name}_" if phase.name else ""
        outputs = [(f"{before}{name}", ref) for name, ref in phase.graph.outputs]
        writer = ObjectiveWriter(self, module, phase, outputs, is_loss=False)
        doc = "The loss and the metrics of a batch."
        if phase.name:
            doc = f"The loss and the metrics of the phase `{phase.name}`."
        return writer.function(name, self.results, doc)

    def shown(self, module: ModuleWriter, found: Shown) -> Function:
        """`predicted_of`: what is predicted of a column."""
        outputs = [("predicted", found.value)]
        writer = ObjectiveWriter(self, module, found.phase, outputs, is_loss=False)
        writer.gives_one = True
        doc = f"What is predicted of `{found.target}`."
        return writer.function("predicted_of", self.result, doc)


@final
class ObjectiveWriter(ClassWriter):
    """Writes one function; every name of the spec in it is a constant or a size of the batch."""

    def __init__(
        self,
        objective: Objective,
        module: ModuleWriter,
        phase: Phase,
        outputs: Sequence[tuple[str, Ref]],
        *,
        is_loss: bool,
    ) -> None:
        super().__init__(module, formal_graph(phase.instance, outputs))
        self.objective = objective
        self.is_loss = is_loss
        self.gives_one = is_loss
        self.environment = phase.instance.body.steps[0].iterations[0].environment  # pyright: ignore[reportOptionalMemberAccess]
        self.graph = ObjectiveBody(self, outputs)
        self.body = self.graph

    def function(self, name: str, returns: str, doc: str) -> Function:
        """The function of the model and a batch."""
        self.graph.run()
        parameters = [
            Parameter("model", self.objective.model),
            Parameter("batch", self.objective.batch),
        ]
        return Function(name, parameters, returns, doc, self.graph.flow.lines)

    def constructor_name(self, name: str) -> str:
        """A name of the spec: its value, or the size of a column."""
        value = self.environment[name]
        return text_of(value, self.size) if not isinstance(value, str) else repr(value)  # pyright: ignore[reportArgumentType]

    def call_name(self, name: str) -> str:
        """The same: a function has no constructor."""
        return self.constructor_name(name)

    def size(self, symbol: str) -> str:
        """The size that a symbol stands for, read from a column that has it."""
        for name, type in self.formal.inputs.items():
            for axis, dim in enumerate(type.shape):
                if str(dim) == symbol:
                    return self.graph.size_of(name, axis)
        raise KeyError(symbol)

    def model_call(self, found: FormalStep, given: list[str]) -> str:
        """The call of a model on given inputs."""
        assert found.callee is not None
        module, modules = found.callee.module, self.module.program.modules
        others = () if module.home == "" else self.module.needs.get(module.name, ())
        needed = (module, *(modules[name] for name in others))
        inputs = [item.name for item in module.inputs]
        called = [model.place for model in needed]
        return self.objective.call(called, given, inputs, training=self.is_loss)

    def expression(self, expression: Expr) -> str:
        """An expression with its names as constants."""
        self.require_math(expression)
        return super().expression(expression)


@final
class ObjectiveBody(BodyWriter):
    """Writes the statements of one function into its flow."""

    arguments = ("model", "batch")

    def __init__(self, writer: ObjectiveWriter, outputs: Sequence[tuple[str, Ref]]) -> None:
        super().__init__(writer)
        self.objective = writer
        self.given = list(outputs)

    def outputs(self) -> list[tuple[str, Ref]]:
        """The figures by name."""
        return self.given

    def anchor(self) -> str:
        """The first column."""
        return self.flow.values[MODULE, next(iter(self.inputs))].text

    def bind_input(self, name: str, variable: str) -> None:
        """A column of the batch, in a variable where it is read more than once."""
        type = self.formal.inputs[name]
        layout = boundary_layout(self.target, type)
        key = (MODULE, name)
        self.flow.names[key] = variable
        text = f"batch[{quoted(name)}]"
        self.flow.bind(key, Value(text, frozenset(), type, layout=layout))

    def name_values(self, steps: list[FormalStep]) -> None:
        """Reserves the names that the spec gives to values, the model's outputs among them."""
        super().name_values(steps)
        self.flow.taken = set()
        for found in steps:
            if found.callee is not None:
                for slot in call_outputs(found):
                    if self.names.is_free(slot):
                        self.flow.names[found.step.id, slot] = slot

    def steps(self, steps: list[FormalStep]) -> None:
        """Steps in order; those that a gradient differentiates stand together with it."""
        for part in arranged(steps):
            if isinstance(part, Between):
                self.objective.objective.gradient(self, part)
            else:
                self.commented(part)

    def block(self, write: Callable[[], object], *, apart: bool = False) -> list[Statement]:
        """The statements that something writes; `apart` keeps them from variables in use."""
        outer, self.flow.lines = self.flow.lines, []
        taken = self.flow.taken
        if apart:
            self.flow.taken = taken.union(*(v.variables for v in self.flow.values.values()))
        write()
        self.flow.taken = taken
        lines, self.flow.lines = self.flow.lines, outer
        return lines

    def end_gradient(self, between: Between, text: str) -> None:
        """Binds the value of a gradient, which is laid out as what it is taken by."""
        found = between.gradient
        values = [self.flow.read(ref) for ref in found.step.inputs if ref is not None]
        self.finish(found, list(values), {"": (text, values[1].layout)}, heavy=True)

    def size_of(self, name: str, axis: int) -> str:
        """The size of a column's axis."""
        value = self.flow.values[MODULE, name]
        if value.layout == "last" and axis:
            axis = -1 if axis == 1 else axis - 1
        return self.objective.objective.size(value.text, axis)

    def step(self, found: FormalStep) -> None:
        """One run of a step; what names mean is that run's own."""
        if found.samples:
            self.objective.environment = found.samples[0].environment
        super().step(found)

    def is_optional(self, found: FormalStep) -> bool:
        """Never: the sizes of a batch decide nothing, and the rest is decided."""
        del found
        return False

    def call(self, found: FormalStep) -> None:
        """A call of a model; several outputs come by name."""
        values = self.operands(found, heavy=False)
        given = [value.text for value in values if value is not None]
        text = self.objective.model_call(found, given)
        if (found.step.id, "") in self.flow.returned:
            self.flow.returned.add((found.step.id, call_outputs(found)[0]))
        self.bind_model(found, values, text, "outputs")

    def give_back(self, outputs: list[tuple[str, Ref]]) -> None:
        """The loss alone, or every figure by name."""
        texts = {name: self.flow.read(ref).text for name, ref in outputs}
        if self.objective.gives_one:
            (code,) = texts.values()
        else:
            code = "{" + ", ".join(f"{quoted(k)}: {v}" for k, v in texts.items()) + "}"
        self.flow.lines.append(Line(f"return {code}"))

    def comment(self, value: Value) -> str | None:
        """None: shapes stand in the model."""
        del value
        return None


def places(called: Sequence[str]) -> list[str]:
    """Where models are: `model` is the only one, or holds all of them."""
    return [f"model.{place}" if place else "model" for place in called]


def formal_graph(instance: Instance, outputs: Iterable[tuple[str, Ref]]) -> Formal:
    """The part of a training graph that some outputs need, with the types of its one instance."""
    needed = needed_steps(instance.body, [ref for _, ref in outputs])
    formal = Formal(instance.module, [instance])
    formal.inputs = dict(instance.inputs)
    formal.steps = formal_steps(instance.body, needed)
    return formal


def needed_steps(body: BodyInstance, wanted: list[Ref]) -> set[int]:
    """The steps at the top of a graph that values need."""
    owners = {ref.owner for ref in wanted}
    for found in reversed(body.steps):
        if found.step.id in owners:
            owners |= {ref.owner for ref in reads(found.step)}
    return owners


def formal_steps(body: BodyInstance, needed: set[int] | None = None) -> list[FormalStep]:
    """The steps of a body, one after the other; a repeat once for each of its rounds."""
    return [
        step
        for found in body.steps
        if needed is None or found.step.id in needed
        for step in rounds(found)
    ]


def rounds(found: StepInstance) -> list[FormalStep]:
    """A step once for each round; each after the first reads what the one before it made."""
    present = [iteration for iteration in found.iterations if iteration is not None]
    if not present:
        return [FormalStep(found.step, [], sometimes=False)]
    steps: list[FormalStep] = []
    for k, iteration in enumerate(present):
        step = found.step.replace(repeat=None, when=None)
        if k:
            step = step.replace(inputs=(Ref(step.id, ""), *step.inputs[1:]))
        steps.append(formal_step(step, iteration))
    return steps


def formal_step(step: Step, iteration: Iteration) -> FormalStep:
    """One run of a step with its types as they are."""
    made = FormalStep(step, [iteration], sometimes=False)
    made.op = iteration.op
    made.inputs = iteration.inputs
    made.outputs = dict(iteration.outputs)
    made.bodies = tuple(formal_steps(body) for body in iteration.bodies)
    if iteration.call is not None:
        made.callee = Formal(iteration.call.module, [iteration.call])
        made.callee.inputs = dict(iteration.call.inputs)
        made.callee.outputs = {slot: iteration.outputs[slot] for slot in call_outputs(made)}
    return made


def quoted(name: str) -> str:
    """A name of the spec as a string; it is an identifier, so there is nothing to escape."""
    return f'"{name}"'
