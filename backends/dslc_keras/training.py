"""`train.py` of the Keras project: a step of its own, compiled by TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, final

from dslc.emit.objective import Objective
from dslc.emit.python import Blank, Line, With
from dslc.emit.script import Script
from dslc_keras.target import KerasTarget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.emit.gradients import Between
    from dslc.emit.objective import ObjectiveBody
    from dslc.passes.pipeline import Checked

TEMPLATE = Path(__file__).with_name("training_template.py")
DEVICES = ("auto", "cpu", "cuda", "tpu")
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
    script = KerasScript(checked, KerasTarget("native"), model, "Keras", DEVICES)
    train, flags = script.train, script.flags
    chosen = train.optimizer
    flags["COUPLED"] = flags["DECAYS"] and chosen.name != "adamw"
    flags["DECOUPLED"] = flags["DECAYS"] and chosen.name == "adamw"
    flags["MOMENTUM_ON"] = flags["MOMENTS"]
    flags["NESTEROV"] = bool(chosen.values.get("nesterov"))
    inside, own = CLASSES[chosen.name]
    template = script.template(TEMPLATE, **{inside: own, "TheOptimizer": own})
    script.require("import math", "import numpy as np")
    script.use(template)
    if chosen.state:
        kept = {name: f"{name}s" for name in chosen.state}
        script.set(Line(f"KEPT = {kept!r}", "what the optimiser calls it"))
    script.set(Blank(), Line("Batch = dict[str, tf.Tensor]"))
    objective = KerasObjective(script.target, "keras.Model", "Batch", "tf.Tensor", "Batch")
    objective.mixed = flags["BF16"]
    script.add(objective.loss(script.writer, train))
    if flags["MEASURES"]:
        script.add(objective.metrics(script.writer, train))
    schedule = script.schedule()
    if schedule is not None:
        script.add(schedule)
    script.add(template.definition(own), template.definition("Trainer"))
    if flags["BF16"]:
        script.add(template.definition("in_float32"))
    script.add(template.definition("use_device"))
    return script.source()
