"""`train.py` of the Keras project: a step of its own, compiled by TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, final

from dslc.emit.names import class_name
from dslc.emit.objective import Objective
from dslc.emit.python import Blank, Class, Function, Line, Parameter, With
from dslc.emit.script import Script
from dslc.emit.template import Template
from dslc_keras.target import KerasTarget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.emit.gradients import Between
    from dslc.emit.objective import ObjectiveBody
    from dslc.emit.python import Statement
    from dslc.emit.turns import Turn
    from dslc.passes.pipeline import Checked

TEMPLATE = Path(__file__).with_name("training_template.py")
OPTIMIZERS = Path(__file__).with_name("optimizers_template.py")
PHASES = Path(__file__).with_name("phases_template.py")
PACKAGES = ("keras", "tensorflow")
DEVICES = ("auto", "cpu", "cuda", "tpu")
PENALTIES = {"l1": "ops.sum(ops.abs(w))", "l2": "ops.sum(ops.square(w))"}
CLASSES = {"sgd": ("Descent", "SGD"), "adam": ("Adaptive", "Adam"), "adamw": ("Adaptive", "AdamW")}
"""The template's class for each optimiser, and what it is called in a project."""


@final
class KerasScript(Script):
    """A script whose model is made by a function."""

    stand_in = "the_model"


@final
class KerasObjective(Objective):
    """A functional model is called with its mode; several inputs come by name."""

    mixed = False

    def call(
        self, called: Sequence[str], arguments: list[str], names: Sequence[str], *, training: bool
    ) -> str:
        model = f'model.get_layer("{called[0]}")' if called[0] else "model"
        pairs = zip(names, arguments, strict=True)
        given = "{" + ", ".join(f'"{name}": {text}' for name, text in pairs) + "}"
        inputs = arguments[0] if len(arguments) == 1 else given
        text = f"{model}({inputs}, training={training})"
        return f"in_float32({text})" if self.mixed else text

    def gradient(self, body: ObjectiveBody, between: Between) -> None:
        flow = body.flow
        source, tape = flow.store_ref(between.wrt).text, body.names.fresh("tape")

        def write() -> None:
            flow.lines.append(Line(f"{tape}.watch({source})"))
            body.steps(between.steps)
            flow.store_ref(between.of)

        flow.lines.append(With([f"tf.GradientTape() as {tape}"], body.block(write)))
        text = f"{tape}.gradient({flow.read(between.of).text}, {source})"
        body.end_gradient(between, text)

    def size(self, tensor: str, axis: int) -> str:
        return f"ops.shape({tensor})[{axis}]"


def train_source(checked: Checked, model: str) -> str:
    """The text of `train.py`; `model` is the function in `model.py`."""
    script = KerasScript(checked, KerasTarget("native"), model, "Keras", DEVICES, PACKAGES)
    flags = script.flags
    template, phased = script.template(TEMPLATE), script.template(PHASES)
    script.require("import math", "import numpy as np")
    script.use(template)
    kinds = ("sum", "mean", "square")
    script.set_kept({kind: f"{kind}s" for kind in kinds}, "what the optimiser calls it")
    script.set(Blank(), Line("Batch = dict[str, tf.Tensor]"))
    objective = KerasObjective(script.target, "keras.Model", "Batch", "tf.Tensor", "Batch")
    objective.mixed = flags["BF16"]
    script.add_objectives(objective)
    script.add_penalty(PENALTIES, "Mapping[str, tf.Tensor]", "tf.Tensor")
    script.add_schedules()
    script.add(*(turn.settings() for turn in script.turns if turn.groups))
    names = add_optimizers(script)
    script.add(*(optimizer(turn, name) for turn, name in zip(script.turns, names, strict=True)))
    if script.train.is_phased:
        script.use(phased)
        script.add(phased.definition("Phase"), *phases(script, phased))
        script.add(template.class_with("Trainer", phased, "PhasedTrainer"))
    else:
        script.add(template.definition("Trainer"))
    if flags["FREEZES"]:
        script.add(template.definition("keep_statistics"))
    if flags["BF16"]:
        script.add(template.definition("in_float32"))
    if flags["SEEDED"]:
        script.add(template.definition("draws_of"))
    script.add(template.definition("use_device"))
    return script.source()


def phases(script: Script, template: Template) -> list[Statement]:
    """`make_phases`, and what finds the variables of each."""
    lines: list[Statement] = []
    parts: list[str] = []
    for turn in script.turns:
        name, trained = turn.phase.name, "trained"
        if turn.homes:
            models = "".join(f', "{home}"' for home in turn.homes)
            lines.append(Line(f"{name} = below(trained{models})"))
            trained = name
        given = f"list({trained})" if turn.keeps or turn.groups else ""
        parts.append(f'Phase("{name}", {name}_loss, {trained}, {name}_optimizer({given})')
        parts[-1] += f", every={turn.phase.every})" if turn.phase.every > 1 else ")"
    made = Function(
        "make_phases",
        [Parameter("trained", "dict[str, keras.Variable]")],
        "list[Phase]",
        "The phases in turn, each with the variables that it moves.",
        [*lines, Line(f"return [{', '.join(parts)}]")],
    )
    return [template.definition("below"), made] if lines else [made]


def add_optimizers(script: Script) -> list[str]:
    """Writes a class for each kind of optimiser that phases have; gives that of each phase."""
    known: dict[tuple[object, ...], str] = {}
    names: list[str] = []
    for turn in script.turns:
        chosen = turn.phase.optimizer
        flags = {
            "CLIPS_EACH": turn.clips == "each",
            "CLIPS_NORM": turn.clips == "norm",
            "CLIPS_VALUE": turn.clips == "value",
            "COUPLED": turn.decays and chosen.name != "adamw",
            "DECOUPLED": turn.decays and chosen.name == "adamw",
            "GROUPED": turn.groups,
            "KEEPS": turn.keeps or turn.groups,
            "MOMENTUM_ON": bool(chosen.values.get("momentum")),
            "NESTEROV": bool(chosen.values.get("nesterov")),
        }
        kind = (chosen.name, *flags.values())
        inside, own = CLASSES[chosen.name]
        if kind not in known:
            name = own if own not in known.values() else class_name(f"{turn.phase.name}_{own}")
            template = Template(OPTIMIZERS, {**script.flags, **flags}, {inside: name})
            script.use(template)
            script.add(with_settings(template.definition(name), turn))
            known[kind] = name
        names.append(known[kind])
    return names


def with_settings(made: Class | Function, turn: Turn) -> Class:
    """An optimiser's class whose constructor takes the settings that it uses."""
    assert isinstance(made, Class)
    parameters = [Parameter("self"), Parameter("learning_rate", "float")]
    body: list[Statement] = [made_first(made)]
    for name, (annotation, _) in settings(turn).items():
        parameters.append(Parameter(name, annotation))
        body.append(Line(f"self.{name} = {name}"))
    constructor = Function("__init__", parameters, "None", "", body)
    rest = [p for p in made.body if not (isinstance(p, Function) and p.name == "__init__")]
    return Class(made.name, made.bases, made.doc, [constructor, *rest])


def made_first(made: Class) -> Statement:
    """The first statement of a class's constructor, which calls that of its base."""
    constructor = next(p for p in made.body if isinstance(p, Function) and p.name == "__init__")
    return constructor.body[0]


def settings(turn: Turn) -> dict[str, tuple[str, str]]:
    """What an optimiser is made with: annotations and values by name."""
    values, constant = turn.phase.optimizer.values, turn.constant
    found: dict[str, tuple[str, str]] = {}
    if values.get("momentum"):
        found["momentum"] = "float", constant("MOMENTUM")
    if "betas" in values:
        found["betas"] = "tuple[float, float]", constant("BETAS")
        found["epsilon"] = "float", constant("EPSILON")
    if turn.groups:
        found["scales"] = "Sequence[float]", "scales"
    if turn.decays and (turn.keeps or turn.groups):
        found["decays"] = "Sequence[float]", "decays"
    elif turn.decays:
        found["decay"] = "float", constant("WEIGHT_DECAY")
    if turn.clips is not None:
        found["most"] = "float", turn.bound
    return found


def optimizer(turn: Turn, name: str) -> Function:
    """`make_optimizer`: an optimiser with the settings of the spec."""
    constant = turn.constant
    given = [constant("LEARNING_RATE"), *(value for _, value in settings(turn).values())]
    body: list[Statement] = [Line(f"return {name}({', '.join(given)})")]
    parameters: list[Parameter] = []
    if turn.groups:
        parameters.append(Parameter("names", "Sequence[str]"))
        rate = constant("LEARNING_RATE")
        lines = [Line(f"scales = [{turn.settings_of}(name)[0] / {rate} for name in names]")]
        if turn.decays:
            lines.append(Line(f"decays = [{turn.settings_of}(name)[1] for name in names]"))
        body[:0] = lines
    elif turn.keeps:
        parameters.append(Parameter("names", "Sequence[str]"))
        share = f"0.0 if matches({constant('NO_DECAY')}, name) else {constant('WEIGHT_DECAY')}"
        body.insert(0, Line(f"decays = [{share} for name in names]"))
    of = f"the phase `{turn.phase.name}`" if turn.phase.name else "the trained weights"
    doc = f"The optimiser of {of}."
    return Function(turn.function("make_optimizer", "optimizer"), parameters, name, doc, body)
