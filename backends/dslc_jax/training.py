"""`train.py` of the JAX project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, final

from dslc.emit.adapters import adapted_names
from dslc.emit.gradients import summed
from dslc.emit.objective import Objective, places
from dslc.emit.python import Blank, Function, Line, Parameter
from dslc.emit.script import Script
from dslc_jax.optimizers import add_optimizers, set_kept
from dslc_jax.target import JaxTarget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.emit.gradients import Between
    from dslc.emit.objective import ObjectiveBody
    from dslc.emit.python import Statement
    from dslc.emit.template import Template
    from dslc.ir.instance import Iteration
    from dslc.passes.pipeline import Checked

TEMPLATE = Path(__file__).with_name("training_template.py")
PHASES = Path(__file__).with_name("phases_template.py")
RECOMPUTE = Path(__file__).with_name("recompute_template.py")
PARTS = Path(__file__).with_name("parts_template.py")
NATIVE = 'io_layout="native", '
PACKAGES = ("jax", "flax", "optax")
DEVICES = ("auto", "cpu", "cuda", "tpu")
PENALTIES = {"l1": "jnp.abs(w).sum()", "l2": "jnp.square(w).sum()"}


@final
class JaxObjective(Objective):
    """JAX differentiates functions, and casts what models take and give in mixed precision."""

    mixed = False
    recomputes = False

    def call(
        self, called: Sequence[str], arguments: list[str], names: Sequence[str], *, training: bool
    ) -> str:
        if not self.mixed:
            return super().call(called, arguments, names, training=training)
        first, *others = places(called)
        if others:
            first = f"lambda *inputs: {first}(*inputs, {', '.join(others)})"
        return f"in_half({first})({', '.join(arguments)})"

    def gradient(self, body: ObjectiveBody, between: Between) -> None:
        moves = body.objective.is_loss and any(map(changes, between.iterations()))
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
        parameters = [Parameter(source, "Array")]
        options = ", has_aux=True" if given else ""
        if moves or self.recomputes:  # NNX hands on what the model has changed inside
            parameters.insert(0, Parameter("model", self.model))
            call = f"nnx.grad({name}, argnums=1{options})(model, {source})"
        else:
            call = f"jax.grad({name}{options})({source})"
        flow.lines.append(Function(name, parameters, returns, "", lines))
        if given:
            slope = body.names.fresh(between.gradient.step.label)
            flow.lines.append(Line(f"{slope}, {packed(given)[0]} = {call}"))
            call = slope
        body.end_gradient(between, call)


def packed(names: list[str]) -> list[str]:
    """Some values as one, nothing for none."""
    return [] if not names else [f"({', '.join(names)})" if len(names) > 1 else names[0]]


def changes(iteration: Iteration) -> bool:
    """Whether an op draws at random or keeps statistics."""
    op = iteration.op
    if op is None:
        return False
    types = (type for type in iteration.inputs if type is not None)
    return op.draws or any(weight.role == "buffer" for weight in op.weights(*types))


def train_source(checked: Checked, model: str) -> str:
    """The text of `train.py`; `model` is the class in `model.py`."""
    script = Script(checked, JaxTarget("native"), TEMPLATE.parent, model, "JAX", DEVICES, PACKAGES)
    flags = script.flags
    script.require("import math", "import jax.numpy as jnp")
    names = {"TRAINED": "self.is_trained" if flags["FREEZES"] else "nnx.Param"}
    names["MADE_OF"] = f"{NATIVE if flags['NATIVE'] else ''}rngs=nnx.Rngs(seed)"
    half = {"bf16": "jnp.bfloat16", "f16": "jnp.float16"}
    names["HALF"] = half.get(script.train.run.precision, "HALF")
    inner = ".inner" if flags["SCALED"] else ""
    template = script.template(
        TEMPLATE, **names, **adapted_names(script), CHAIN=f"self.state{inner}", GIVEN=script.given()
    )
    phased = script.template(PHASES, **names, CHAIN=f"phase.state{inner}")
    parts = script.template(PARTS, **names)
    script.use(template)
    script.use(parts)
    set_kept(script)
    script.set(
        Blank(), Line("Batch = Mapping[str, Array]"), Line("Portable = dict[str, np.ndarray]")
    )
    if flags["AXES"]:
        script.set(
            Line("Axes = tuple[tuple[int, ...], ...]", "a parameter's, by those in the file")
        )
    annotations = (script.model_name, "Batch", "Array", "dict[str, Array]")
    objective = JaxObjective(script.target, *annotations)
    objective.mixed, objective.recomputes = flags["MIXED"], flags["RECOMPUTES"]
    script.add_objectives(objective)
    script.add_penalty(PENALTIES, "Mapping[str, Array]", "Array")
    script.add_schedules()
    add_optimizers(script)
    if script.train.is_phased:
        script.use(phased)
        script.add(phased.definition("Phase"), *phases(script, phased))
    script.add_trainer(template, phased)
    for wanted, used in (
        (flags["MOMENTS"], ("restored",)),
        (flags["COUNTED"] and not flags["COUNTS_EACH"], ("counted",)),
        (flags["MIXED"], ("in_half",)),
        (flags["FREEZES"] and not flags["THAWS"], ("keep_statistics",)),
        (flags["THAWS"], ("thaw_statistics", "thawed_at", "chosen")),
        (flags["ADAPTS"], ("reordered",)),
        (flags["SEEDED"], ("seed_draws",)),
        (True, ("use_device",)),
    ):
        script.add(*(parts.definition(name) for name in used if wanted))
    if flags["RECOMPUTES"]:
        add_recompute(script)
    return script.source()


def add_recompute(script: Script) -> None:
    """What recomputes parts of the model in the backward pass."""
    template = script.template(RECOMPUTE)
    script.use(template)
    script.add(template.definition("recompute"), template.definition("recomputed"))


def phases(script: Script, template: Template) -> list[Statement]:
    """`make_phases`, and what finds the weights of each."""
    lines: list[Line] = []
    parts: list[str] = []
    for turn in script.turns:
        name, places = turn.phase.name, "range(len(names))"
        if (chosen := turn.chosen("names")) is not None:
            lines.append(chosen)
            places = name
        by_name = turn.keeps or turn.groups or turn.sees_axes
        given = f"[names[place] for place in {places}]" if by_name else ""
        given += ", axes" if turn.sees_axes else ""
        parts.append(f'Phase("{name}", {name}_loss, {places}, {name}_optimizer({given})')
        parts[-1] += f"{script.phase_options(turn)})"
    parameters = [Parameter("names", "Sequence[str]")]
    if script.flags["AXES"]:
        parameters.append(Parameter("axes", "Mapping[str, Axes]"))
    made = Function(
        "make_phases",
        parameters,
        "list[Phase]",
        "The phases in turn, each with the places of the weights that it moves.",
        [*lines, Line(f"return [{', '.join(parts)}]")],
    )
    choices = ("below", "without")
    used = [word for word in choices if any(f" = {word}(" in line.code for line in lines)]
    return [*map(template.definition, used), made]
