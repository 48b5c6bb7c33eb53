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
    from dslc.emit.python import Statement
    from dslc.emit.template import Template
    from dslc.emit.turns import Turn
    from dslc.ir.instance import Iteration
    from dslc.passes.pipeline import Checked

TEMPLATE = Path(__file__).with_name("training_template.py")
PARTS = Path(__file__).with_name("optax_template.py")
PHASES = Path(__file__).with_name("phases_template.py")
PACKAGES = ("jax", "flax", "optax")
DEVICES = ("auto", "cpu", "cuda", "tpu")
KEPT = {"sum": "trace", "mean": "mu", "square": "nu"}
"""What optax calls the optimiser's state."""
PENALTIES = {"l1": "jnp.abs(w).sum()", "l2": "jnp.square(w).sum()"}


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
    script = Script(checked, JaxTarget("native"), model, "JAX", DEVICES, PACKAGES)
    flags = script.flags
    script.require("import math", "import jax.numpy as jnp")
    names = {"TRAINED": "self.is_trained" if flags["FREEZES"] else "nnx.Param"}
    template, phased = script.template(TEMPLATE, **names), script.template(PHASES, **names)
    script.use(template)
    script.set_kept(KEPT, "what optax calls it")
    if flags["MOMENTS"]:
        places = {turn.phase.name: place_of_state(turn) for turn in script.turns}
        at = places if script.train.is_phased else places[""]
        script.set(Line(f"KEPT_AT = {at!r}", "its place in the chain"))
    script.set(
        Blank(), Line("Batch = Mapping[str, Array]"), Line("Portable = dict[str, np.ndarray]")
    )
    model = "Any" if flags["SEVERAL"] else "Callable[..., Any]"
    objective = JaxObjective(script.target, model, "Batch", "Array", "dict[str, Array]")
    objective.mixed = flags["BF16"] and flags["SEVERAL"]
    script.add_objectives(objective)
    script.add_penalty(PENALTIES, "Mapping[str, Array]", "Array")
    script.add_schedules()
    script.add(*(turn.settings() for turn in script.turns if turn.groups))
    own = script.template(PARTS)
    parts = [part.partition("(")[0] for turn in script.turns for part in chain(turn)]
    script.add(*(own.definition(name) for name in dict.fromkeys(parts) if "." not in name))
    script.use(own)
    script.add(*(optimizer(turn) for turn in script.turns))
    if script.train.is_phased:
        script.use(phased)
        script.add(phased.definition("Phase"), *phases(script, phased))
        script.add(template.class_with("Trainer", phased, "PhasedTrainer"))
    else:
        script.add(template.definition("Trainer"))
    for flag, name in (
        ("BF16", "in_bfloat16"),
        ("FREEZES", "keep_statistics"),
        ("SEEDED", "seed_draws"),
    ):
        if flags[flag]:
            script.add(template.definition(name))
    script.add(template.definition("use_device"))
    return script.source()


def phases(script: Script, template: Template) -> list[Statement]:
    """`make_phases`, and what finds the weights of each."""
    lines: list[Statement] = []
    parts: list[str] = []
    for turn in script.turns:
        name, places = turn.phase.name, "range(len(names))"
        if turn.homes:
            models = "".join(f', "{home}"' for home in turn.homes)
            lines.append(Line(f"{name} = below(names{models})"))
            places = name
        by_name = turn.keeps or turn.groups
        given = f"[names[place] for place in {places}]" if by_name else ""
        parts.append(f'Phase("{name}", {name}_loss, {places}, {name}_optimizer({given})')
        parts[-1] += f", every={turn.phase.every})" if turn.phase.every > 1 else ")"
    made = Function(
        "make_phases",
        [Parameter("names", "Sequence[str]")],
        "list[Phase]",
        "The phases in turn, each with the places of the weights that it moves.",
        [*lines, Line(f"return [{', '.join(parts)}]")],
    )
    return [template.definition("below"), made] if lines else [made]


def place_of_state(turn: Turn) -> int:
    """The place in the chain of what an optimiser keeps; 0 where it keeps nothing."""
    parts = chain(turn)
    plain = ("optax.add", "optax.clip", "clip_by_norm", "clip_each", "add_decays", "scale_each")
    return next((k for k, part in enumerate(parts) if not part.startswith(plain)), 0)


def chain(turn: Turn) -> list[str]:
    """The parts of the optimiser in the order in which they see the gradient."""
    chosen, constant = turn.phase.optimizer, turn.constant
    mask = ", mask=decays" if turn.keeps else ""
    added = f"optax.add_decayed_weights({constant('WEIGHT_DECAY')}{mask})"
    decay = [added] if turn.decays else []
    if turn.groups and turn.decays:
        decay = ["add_decays(decays)"]
    clipped = {
        "norm": [f"clip_by_norm({turn.bound})"],
        "each": [f"clip_each({turn.bound})"],
        "value": [f"optax.clip({turn.bound})"],
    }
    first = [] if turn.clips is None else clipped[turn.clips]
    last = ["scale_each(scales)"] if turn.groups else []
    if chosen.name == "sgd":
        nesterov = ", nesterov=True" if chosen.values["nesterov"] else ""
        trace = f"optax.trace({constant('MOMENTUM')}{nesterov})"
        return [*first, *decay, *([trace] if chosen.state else []), *last]
    adam = [f"scale_by_adam({constant('BETAS')}, {constant('EPSILON')})"]
    middle = [*adam, *decay] if chosen.name == "adamw" else [*decay, *adam]
    return [*first, *middle, *last]


def optimizer(turn: Turn) -> Function:
    """`make_optimizer`: optax's parts, whose formulas are the spec's."""
    parts = chain(turn)
    if turn.phase.name:
        parts = parts or ["optax.identity()"]  # a chain's state has places, an identity's has none
    body = [Line(f"return optax.chain({', '.join(parts)})" if parts else "return optax.identity()")]
    parameters: list[Parameter] = []
    if turn.groups:
        parameters.append(Parameter("names", "Sequence[str]"))
        rate = turn.constant("LEARNING_RATE")
        lines = [Line(f"scales = [{turn.settings_of}(name)[0] / {rate} for name in names]")]
        if turn.decays:
            lines.append(Line(f"decays = [{turn.settings_of}(name)[1] for name in names]"))
        body[:0] = lines
    elif turn.keeps:
        parameters.append(Parameter("names", "Sequence[str]"))
        no_decay = turn.constant("NO_DECAY")
        body.insert(0, Line(f"decays = [not matches({no_decay}, name) for name in names]"))
    of = f"the phase `{turn.phase.name}`" if turn.phase.name else "the trained weights"
    doc = f"The optimiser of {of}; a step multiplies by the learning rate."
    name = turn.function("make_optimizer", "optimizer")
    return Function(name, parameters, "optax.GradientTransformation", doc, body)
