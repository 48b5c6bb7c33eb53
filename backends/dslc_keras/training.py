"""`train.py` of the Keras project: a step of its own, compiled by TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from dslc.emit.adapters import adapted_names
from dslc.emit.functions_names import attribute_of
from dslc.emit.names import class_name
from dslc.emit.objective import Objective
from dslc.emit.optimizers import lists_by_name
from dslc.emit.python import Blank, Class, Function, Line, Parameter, With
from dslc.emit.script import Script
from dslc.emit.script_flags import flags_of
from dslc.emit.template import Template
from dslc.ir.graph import MODULE
from dslc.ir.needs import apart
from dslc_keras.target import KerasTarget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dslc.emit.gradients import Between
    from dslc.emit.objective import ObjectiveBody
    from dslc.emit.python import Statement
    from dslc.emit.turns import Turn
    from dslc.ir.graph import Program
    from dslc.passes.pipeline import Checked

TEMPLATE = Path(__file__).with_name("training_template.py")
OPTIMIZERS = Path(__file__).with_name("optimizers_template.py")
MATRICES = Path(__file__).with_name("matrices_template.py")
PHASES = Path(__file__).with_name("phases_template.py")
RECOMPUTE = Path(__file__).with_name("recompute_template.py")
PARTS = Path(__file__).with_name("parts_template.py")
PACKAGES = ("keras", "tensorflow")
DEVICES = ("auto", "cpu", "cuda", "tpu")
PENALTIES = {"l1": "ops.sum(ops.abs(w))", "l2": "ops.sum(ops.square(w))"}
CLASSES = {
    "sgd": ("Descent", "SGD"),
    "adam": ("Adaptive", "Adam"),
    "adamw": ("Adaptive", "AdamW"),
    "rmsprop": ("RootMeanSquare", "RMSprop"),
    "adagrad": ("Summing", "Adagrad"),
    "lion": ("Signs", "Lion"),
    "adafactor": ("Factored", "Adafactor"),
    "muon": ("Matrices", "Muon"),
}
"""The template's class for each optimiser, and what it is called in a project."""


@final
class KerasScript(Script):
    """A script whose model is made by a function."""

    stand_in = "the_model"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        pairs = any(i.role == "trained" and ".bias_hh" in i.path for i in self.weights)
        for turn in self.turns:
            turn.in_pairs = pairs and turn.clips == "each"
        self.flags = flags_of(self)


@final
class KerasObjective(Objective):
    """A functional model is called with its mode; several inputs come by name.

    `apart` says where those are that the graph of the whole does not lead to, by their paths.
    """

    mixed = False

    def __init__(self, program: Program, *words: str) -> None:
        super().__init__(KerasTarget("native"), "keras.Model", *words)
        self.apart = {
            program.modules[name].place: f"model.{attribute_of(program, name)}"
            for name in apart(program)
        }

    def call(
        self, called: Sequence[str], arguments: list[str], names: Sequence[str], *, training: bool
    ) -> str:
        layer = called[0].replace(".", "_")
        model = f'model.get_layer("{layer}")' if layer else "model"
        model = self.apart.get(called[0], model)
        pairs = zip(names, arguments, strict=True)
        given = "{" + ", ".join(f'"{name}": {text}' for name, text in pairs) + "}"
        inputs = arguments[0] if len(arguments) == 1 else given
        text = f"{model}({inputs}, training={training})"
        return f"in_float32({text})" if self.mixed else text

    def gradient(self, body: ObjectiveBody, between: Between) -> None:
        flow = body.flow
        source, tape = flow.store_ref(between.wrt).text, body.names.fresh("tape")
        if between.wrt.owner == MODULE:  # a column is an array where a step runs uncompiled
            flow.lines.append(Line(f"{source} = tf.convert_to_tensor({source})"))

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
    script = KerasScript(
        checked, KerasTarget("native"), TEMPLATE.parent, model, "Keras", DEVICES, PACKAGES
    )
    flags = script.flags
    template, phased = (script.template(path, **names_of(script)) for path in (TEMPLATE, PHASES))
    parts = script.template(PARTS)
    script.require("import math", "import numpy as np")
    script.use(template)
    script.use(parts)
    kinds = ("sum", "mean", "square", "row", "column")
    fields = {**{kind: f"{kind}s" for kind in kinds}, "step": "counts"}
    script.set_kept(fields, "what the optimiser calls it")
    script.set(Blank(), Line("Batch = dict[str, tf.Tensor]"))
    if flags["AXES"]:
        script.set(Line("Axes = tuple[tuple[int, ...], ...]", "a variable's, by those in the file"))
    objective = KerasObjective(script.checked.form.program, "Batch", "tf.Tensor", "Batch")
    objective.mixed = flags["MIXED"]
    script.add_objectives(objective)
    script.add_penalty(PENALTIES, "Mapping[str, tf.Tensor]", "tf.Tensor")
    script.add_schedules()
    script.add(*(turn.settings() for turn in script.turns if turn.groups))
    names = add_optimizers(script)
    script.add(*(optimizer(turn, name) for turn, name in zip(script.turns, names, strict=True)))
    if script.train.is_phased:
        script.use(phased)
        script.add(phased.definition("Phase"), *phases(script, phased))
    script.add_trainer(template, phased)
    for wanted, used in (
        (flags["FREEZES"] and not flags["THAWS"], ("keep_statistics",)),
        (flags["THAWS"], ("thaw_statistics", "thawed_at")),
        (flags["ADAPTS"], ("reordered",)),
        (flags["MIXED"], ("in_float32",)),
        (flags["SCALED"], ("make_scaler", "scaling_of", "restore_scaler")),
        (flags["CHANCE"], ("keyed_draws",)),
        (flags["SEEDED"], ("draws_of",)),
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
    names = ["Recomputed", "computed_again", "recompute"]
    names += ["rebuilt", "taken_by", "parts_of"]
    script.add(*map(template.definition, names))


def names_of(script: Script) -> dict[str, str]:
    """What the trainer's template calls otherwise."""
    recomputes = script.flags["RECOMPUTES"] and not script.flags["ADAPTS"]
    policy = {"bf16": '"mixed_bfloat16"', "f16": '"mixed_float16"'}
    return {
        "POLICY": policy.get(script.train.run.precision, "POLICY"),
        "MOVING": "self.moving" if script.flags["THAWS"] else "self.trained",
        "GIVEN": script.given(),
        "MADE_OF": 'io_layout="native"' if script.flags["NATIVE"] else "",
        "XLA": str(script.flags["COMPILES"]),
        **adapted_names(script),
        **({"MODEL": "self.recomputing"} if recomputes else {}),
    }


def phases(script: Script, template: Template) -> list[Statement]:
    """`make_phases`, and what finds the variables of each."""
    lines: list[Line] = []
    parts: list[str] = []
    for turn in script.turns:
        name, trained = turn.phase.name, "trained"
        if (chosen := turn.chosen("trained")) is not None:
            lines.append(chosen)
            trained = name
        given = f"list({trained})" if turn.keeps or turn.groups or turn.takes_axes else ""
        given += ", axes" if turn.takes_axes else ""
        parts.append(f'Phase("{name}", {name}_loss, {trained}, {name}_optimizer({given})')
        parts[-1] += f"{script.phase_options(turn)})"
    parameters = [Parameter("trained", "dict[str, keras.Variable]")]
    if script.flags["AXES"]:
        parameters.append(Parameter("axes", "Mapping[str, Axes]"))
    made = Function(
        "make_phases",
        parameters,
        "list[Phase]",
        "The phases in turn, each with the variables that it moves.",
        [*lines, Line(f"return [{', '.join(parts)}]")],
    )
    choices = ("below", "without")
    used = [word for word in choices if any(f" = {word}(" in line.code for line in lines)]
    return [*map(template.definition, used), made]


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
            "COUNTS_EACH": turn.counts_each,
            "COUPLED": turn.decays and not chosen.decoupled,
            "DECOUPLED": turn.decays and chosen.decoupled,
            "GROUPED": turn.groups,
            "IN_PAIRS": turn.in_pairs,
            "KEEPS": turn.keeps or turn.groups,
            "MOMENTUM_ON": bool(chosen.values.get("momentum")),
            "NESTEROV": bool(chosen.values.get("nesterov")),
        }
        kind = (chosen.name, *flags.values())
        inside, own = CLASSES[chosen.name]
        if kind not in known:
            name = own if own not in known.values() else class_name(f"{turn.phase.name}_{own}")
            add_optimizer(script, {**script.flags, **flags}, turn, {inside: name})
            known[kind] = name
        names.append(known[kind])
    if any(turn.phase.optimizer.name == "muon" for turn in script.turns):
        script.add(script.template(MATRICES).definition("evened"))
    return names


def add_optimizer(
    script: Script, flags: Mapping[str, bool], turn: Turn, names: Mapping[str, str]
) -> None:
    """Writes the class of a phase's optimiser."""
    shared = Template(OPTIMIZERS, flags)
    template = Template(MATRICES if turn.sees_axes else OPTIMIZERS, flags, names)
    script.use(template)
    (name,) = names.values()
    script.add(with_settings(template.definition(name), shared.definition("Shared"), turn))


def with_settings(made: Class | Function, shared: Class | Function, turn: Turn) -> Class:
    """An optimiser's class with a constructor of what it uses, and what all of them share."""
    assert isinstance(made, Class)
    assert isinstance(shared, Class)
    parameters = [Parameter("self"), Parameter("learning_rate", "float")]
    name = turn.phase.optimizer.name
    body: list[Statement] = [Line(f'super().__init__(learning_rate=learning_rate, name="{name}")')]
    for setting, (annotation, _) in settings(turn).items():
        parameters.append(Parameter(setting, annotation))
        body.append(Line(f"self.{setting} = {setting}"))
    methods = {part.name: part for part in shared.body if isinstance(part, Function)}
    first = [Function("__init__", parameters, "None", "", body)]
    first += [methods["apply"]] if "apply" in methods else []
    own = [part for part in made.body if isinstance(part, Function)]
    prelude = methods["update_step"].body[1:]  # behind the variable's index
    rest = [with_prelude(part, prelude) if part.name == "update_step" else part for part in own]
    return Class(made.name, ["keras.optimizers.Optimizer"], made.doc, [*first, *rest])


def with_prelude(step: Function, prelude: Sequence[Statement]) -> Function:
    """A step with what decay and groups do at its place."""
    body: list[Statement] = []
    for statement in step.body:
        is_place = isinstance(statement, Line) and statement.code == "prelude()"
        body += prelude if is_place else [statement]
    return Function(step.name, step.parameters, step.returns, step.doc, body, step.decorators)


def settings(turn: Turn) -> dict[str, tuple[str, str]]:
    """What an optimiser is made with: annotations and values by name."""
    values, constant = turn.phase.optimizer.values, turn.constant
    found: dict[str, tuple[str, str]] = {}
    if turn.sees_axes:
        found["axes"] = "Sequence[Axes]", "own"
    for name in ("momentum", "beta", "power", "floor", "longest"):
        if values.get(name) or (name in values and name != "momentum"):
            found[name] = "float", constant(name.upper())
    if "betas" in values:
        found["betas"] = "tuple[float, float]", constant("BETAS")
    if "eps" in values:
        found["epsilon"] = "float", constant("EPSILON")
    if turn.groups:
        found["scales"] = "Sequence[float]", "scales"
    if turn.decays and (turn.keeps or turn.groups):
        found["decays"] = "Sequence[float]", "decays"
    elif turn.decays:
        found["decay"] = "float", constant("WEIGHT_DECAY")
    if turn.clips is not None:
        found["most"] = "float", turn.bound
    if turn.in_pairs:
        found["spans"] = "Sequence[tuple[int, ...]]", "spans"
    return found


def optimizer(turn: Turn, name: str) -> Function:
    """`make_optimizer`: an optimiser with the settings of the spec."""
    constant = turn.constant
    decay = f"0.0 if matches({constant('NO_DECAY')}, name) else {constant('WEIGHT_DECAY')}"
    parameters, body = lists_by_name(turn, decay)
    given = [constant("LEARNING_RATE"), *(value for _, value in settings(turn).values())]
    body.append(Line(f"return {name}({', '.join(given)})"))
    of = f"the phase `{turn.phase.name}`" if turn.phase.name else "the trained weights"
    doc = f"The optimiser of {of}."
    return Function(turn.function("make_optimizer", "optimizer"), parameters, name, doc, body)
