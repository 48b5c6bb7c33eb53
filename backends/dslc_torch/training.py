"""`train.py` of the PyTorch project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, final

from dslc.emit.gradients import summed
from dslc.emit.objective import Objective
from dslc.emit.python import Blank, Function, Line, Parameter, With
from dslc.emit.script import Script
from dslc_torch.target import TorchTarget

if TYPE_CHECKING:
    from dslc.emit.gradients import Between
    from dslc.emit.objective import ObjectiveBody
    from dslc.emit.python import Statement
    from dslc.passes.pipeline import Checked

TEMPLATE = Path(__file__).with_name("training_template.py")
DEVICES = ("auto", "cpu", "cuda", "mps")
KEPT = {"sum": "momentum_buffer", "mean": "exp_avg", "square": "exp_avg_sq"}
"""What PyTorch calls the optimiser's state."""


@final
class TorchObjective(Objective):
    """PyTorch records what it computes, so that a gradient is one call."""

    def gradient(self, body: ObjectiveBody, between: Between) -> None:
        source = body.flow.store_ref(between.wrt).text

        def write() -> None:
            body.flow.lines.append(Line(f"{source}.requires_grad_()"))
            body.steps(between.steps)
            total = summed(body.flow.read(between.of))
            text = f"torch.autograd.grad({total}, {source}, create_graph=True)[0]"
            body.end_gradient(between, text)

        if body.objective.is_loss:
            write()
            return
        kept = body.block(lambda: (write(), body.flow.store((between.gradient.step.id, ""))))
        body.flow.lines.append(With(["torch.enable_grad()"], kept))


def train_source(checked: Checked, model: str) -> str:
    """The text of `train.py`; `model` is the class in `model.py`."""
    script = Script(checked, TorchTarget(), model, "PyTorch", DEVICES)
    train = script.train
    objective = TorchObjective(script.target, script.model_name, "Batch", "Tensor", "Batch")
    template = script.template(TEMPLATE)
    script.use(template)
    if train.optimizer.state:
        kept = {name: KEPT[name] for name in train.optimizer.state}
        script.set(Line(f"KEPT = {kept!r}", "what PyTorch calls it"))
    script.set(Blank(), Line("Batch = dict[str, Tensor]"))
    script.add(objective.loss(script.writer, train))
    if script.flags["MEASURES"]:
        script.add(objective.metrics(script.writer, train))
    schedule = script.schedule()
    if schedule is not None:
        script.add(schedule)
    script.require("import math")
    script.add(optimizer(script), template.definition("Trainer"))
    script.add(template.definition("pick_device"))
    return script.source()


def optimizer(script: Script) -> Function:
    """`make_optimizer`: PyTorch's own, whose formulas are the spec's."""
    chosen = script.train.optimizer
    body: list[Statement] = []
    weights = "weights.values()"
    if script.flags["KEEPS"]:
        body += [
            Line("kept = [w for name, w in weights.items() if matches(NO_DECAY, name)]"),
            Line("decayed = [w for name, w in weights.items() if not matches(NO_DECAY, name)]"),
            Line('groups = [{"params": decayed}, {"params": kept, "weight_decay": 0.0}]'),
        ]
        weights = "groups"
    decay = "WEIGHT_DECAY" if script.flags["DECAYS"] else "0.0"
    if chosen.name == "sgd":
        options = ", MOMENTUM" if chosen.values["momentum"] else ""
        options += f", weight_decay={decay}" if script.flags["DECAYS"] else ""
        options += ", nesterov=True" if chosen.values["nesterov"] else ""
        body.append(Line(f"return torch.optim.SGD({weights}, LEARNING_RATE{options})"))
    else:
        made = {"adam": "Adam", "adamw": "AdamW"}[chosen.name]
        settings = f"LEARNING_RATE, BETAS, EPSILON, {decay}, fused=True"
        body.append(Line(f"return torch.optim.{made}({weights}, {settings})"))
    return Function(
        "make_optimizer",
        [Parameter("weights", "Mapping[str, Tensor]")],
        "torch.optim.Optimizer",
        "The optimiser of the trained weights.",
        body,
    )
