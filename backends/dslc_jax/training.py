"""`train.py` of the JAX project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, final

from dslc.emit.gradients import summed
from dslc.emit.objective import Objective, places
from dslc.emit.python import Blank, Function, Line, Parameter
from dslc.emit.script import Script
from dslc.passes.weights import sites
from dslc_jax.target import JaxTarget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.emit.formal import FormalStep
    from dslc.emit.gradients import Between
    from dslc.emit.objective import ObjectiveBody
    from dslc.ir.instance import Iteration
    from dslc.passes.pipeline import Checked

TEMPLATE = Path(__file__).with_name("training_template.py")
DEVICES = ("auto", "cpu", "cuda", "tpu")
KEPT = {"sum": "trace", "mean": "mu", "square": "nu"}
"""What optax calls the optimiser's state."""


@final
class JaxObjective(Objective):
    """JAX differentiates functions, and calls each of several models in mixed precision."""

    mixed = False

    def call(
        self, called: Sequence[str], arguments: list[str], names: Sequence[str], *, training: bool
    ) -> str:
        if not self.mixed:
            return super().call(called, arguments, names, training=training)
        first, *others = places(called)
        if others:
            first = f"lambda *inputs: {first}(*inputs, {', '.join(others)})"
        return f"in_bfloat16({first})({', '.join(arguments)})"

    def gradient(self, body: ObjectiveBody, between: Between) -> None:
        if body.objective.is_loss and changes_state(between.steps):
            raise between.refuse("goes through batch norms or dropout, which JAX cannot write yet")
        flow = body.flow
        source = flow.store_ref(between.wrt).text
        wanted = flow.names.get((between.of.owner, between.of.slot), body.names.fresh("total"))
        name = body.names.fresh(f"{wanted}_of")
        given: list[str] = []

        def write() -> None:
            body.steps(between.steps)
            flow.remaining[between.of.key] -= 1
            for found in between.steps:
                for slot in found.outputs:
                    key = (found.step.id, slot)
                    if flow.remaining.get(key, 0) > 0 and key in flow.values:
                        given.append(flow.store(key).text)
            flow.remaining[between.of.key] += 1
            total = summed(flow.read(between.of))
            given[:] = dict.fromkeys(given)
            flow.lines.append(Line(f"return {', '.join([total, *packed(given)])}"))

        lines = body.block(write, apart=True)
        returns = "tuple[Array, Any]" if given else "Array"
        doc = ""
        flow.lines.append(Function(name, [Parameter(source, "Array")], returns, doc, lines))
        call = f"jax.grad({name}{', has_aux=True' if given else ''})({source})"
        if given:
            slope = body.names.fresh(between.gradient.step.label)
            flow.lines.append(Line(f"{slope}, {packed(given)[0]} = {call}"))
            call = slope
        body.end_gradient(between, call)


def packed(names: list[str]) -> list[str]:
    """Some values as one, nothing for none."""
    return [] if not names else [f"({', '.join(names)})" if len(names) > 1 else names[0]]


def changes_state(steps: list[FormalStep]) -> bool:
    """Whether a model that some steps call draws at random or keeps statistics."""
    called = [step.callee for step in steps if step.callee is not None]
    ops = [site.iteration for formal in called for site in sites(formal.instances[0])]
    return any(changes(iteration) for iteration in ops)


def changes(iteration: Iteration) -> bool:
    """Whether an op draws at random or keeps statistics."""
    op = iteration.op
    if op is None:
        return False
    types = (type for type in iteration.inputs if type is not None)
    return op.draws or any(weight.role == "buffer" for weight in op.weights(*types))


def train_source(checked: Checked, model: str) -> str:
    """The text of `train.py`; `model` is the class in `model.py`."""
    script = Script(checked, JaxTarget("native"), model, "JAX", DEVICES)
    train, flags = script.train, script.flags
    script.require("import math", "import jax.numpy as jnp")
    template = script.template(TEMPLATE, TRAINED="is_trained" if flags["FREEZES"] else "nnx.Param")
    script.use(template)
    parts = chain(script)
    if train.optimizer.state:
        kept = {name: KEPT[name] for name in train.optimizer.state}
        script.set(Line(f"KEPT = {kept!r}", "what optax calls it"))
        at = next(k for k, part in enumerate(parts) if not part.startswith("optax.add"))
        script.set(Line(f"KEPT_AT = {at}", "its place in the chain"))
    script.set(
        Blank(), Line("Batch = Mapping[str, Array]"), Line("Portable = dict[str, np.ndarray]")
    )
    model = "Any" if flags["SEVERAL"] else "Callable[..., Any]"
    objective = JaxObjective(script.target, model, "Batch", "Array", "dict[str, Array]")
    objective.mixed = flags["BF16"] and flags["SEVERAL"]
    script.add(objective.loss(script.writer, train))
    if flags["MEASURES"]:
        script.add(objective.metrics(script.writer, train))
    schedule = script.schedule()
    if schedule is not None:
        script.add(schedule)
    if flags["COUNTED"]:
        script.add(template.definition("scale_by_adam"))
    script.add(optimizer(script, parts), template.definition("Trainer"))
    for flag, name in (
        ("BF16", "in_bfloat16"),
        ("FREEZES", "is_trained"),
        ("FREEZES", "keep_statistics"),
    ):
        if flags[flag]:
            script.add(template.definition(name))
    script.add(template.definition("use_device"))
    return script.source()


def chain(script: Script) -> list[str]:
    """The parts of the optimiser in the order in which they see the gradient."""
    chosen, flags = script.train.optimizer, script.flags
    mask = ", mask=decays" if flags["KEEPS"] else ""
    decay = [f"optax.add_decayed_weights(WEIGHT_DECAY{mask})"] if flags["DECAYS"] else []
    if chosen.name == "sgd":
        nesterov = ", nesterov=True" if chosen.values["nesterov"] else ""
        return [*decay, *([f"optax.trace(MOMENTUM{nesterov})"] if chosen.state else [])]
    adam = ["scale_by_adam(BETAS, EPSILON)"]
    return [*adam, *decay] if chosen.name == "adamw" else [*decay, *adam]


def optimizer(script: Script, parts: list[str]) -> Function:
    """`make_optimizer`: optax's parts, whose formulas are the spec's."""
    body = [Line(f"return optax.chain({', '.join(parts)})" if parts else "return optax.identity()")]
    parameters: list[Parameter] = []
    if script.flags["KEEPS"]:
        parameters.append(Parameter("names", "Sequence[str]"))
        body.insert(0, Line("decays = [not matches(NO_DECAY, name) for name in names]"))
    doc = "The optimiser of the trained weights; a step multiplies by the learning rate."
    return Function("make_optimizer", parameters, "optax.GradientTransformation", doc, body)
