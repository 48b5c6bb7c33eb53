"""`train.py` of the PyTorch project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, final

from dslc.emit.gradients import summed
from dslc.emit.objective import Objective
from dslc.emit.python import Blank, For, Function, Line, Parameter, With
from dslc.emit.script import Script
from dslc_torch.target import TorchTarget

if TYPE_CHECKING:
    from dslc.emit.gradients import Between
    from dslc.emit.objective import ObjectiveBody
    from dslc.emit.python import Statement
    from dslc.emit.template import Template
    from dslc.emit.turns import Turn
    from dslc.passes.pipeline import Checked

TEMPLATE = Path(__file__).with_name("training_template.py")
PHASES = Path(__file__).with_name("phases_template.py")
PACKAGES = ("torch",)
DEVICES = ("auto", "cpu", "cuda", "mps")
KEPT = {"sum": "momentum_buffer", "mean": "exp_avg", "square": "exp_avg_sq"}
"""What PyTorch calls the optimiser's state."""
PENALTIES = {"l1": "w.abs().sum()", "l2": "w.square().sum()"}


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
    script = Script(checked, TorchTarget(), model, "PyTorch", DEVICES, PACKAGES)
    objective = TorchObjective(script.target, script.model_name, "Batch", "Tensor", "Batch")
    template, phased = script.template(TEMPLATE), script.template(PHASES)
    script.use(template)
    script.set_kept(KEPT, "what PyTorch calls it")
    script.set(Blank(), Line("Batch = dict[str, Tensor]"))
    script.add_objectives(objective)
    script.add_penalty(PENALTIES, "Mapping[str, Tensor]", "Tensor")
    script.add_schedules()
    script.require("import math")
    script.add(*(turn.settings() for turn in script.turns if turn.groups))
    script.add(*(optimizer(turn) for turn in script.turns))
    if script.train.is_phased:
        script.use(phased)
        script.add(phased.definition("Phase"), *phases(script, phased))
        script.add(template.class_with("Trainer", phased, "PhasedTrainer"))
    else:
        script.add(template.definition("Trainer"))
    if script.flags["SEEDED"]:
        script.add(template.definition("seed_draws"))
    script.add(template.definition("pick_device"))
    return script.source()


def phases(script: Script, template: Template) -> list[Statement]:
    """`make_phases`, and what finds the weights of each."""
    lines: list[Statement] = []
    parts: list[str] = []
    for turn in script.turns:
        weights, name = "weights", turn.phase.name
        if turn.homes:
            models = "".join(f', "{home}"' for home in turn.homes)
            lines.append(Line(f"{name} = below(weights{models})"))
            weights = name
        parts.append(f'Phase("{name}", {name}_loss, {weights}, {name}_optimizer({weights})')
        parts[-1] += f", every={turn.phase.every})" if turn.phase.every > 1 else ")"
    made = Function(
        "make_phases",
        [Parameter("weights", "dict[str, Tensor]")],
        "list[Phase]",
        "The phases in turn, each with the weights that it moves.",
        [*lines, Line(f"return [{', '.join(parts)}]")],
    )
    return [template.definition("below"), made] if lines else [made]


def grouped(turn: Turn) -> list[Statement]:
    """Weights by their rate and decay, each group with its share of the rate."""
    constant = turn.constant
    return [
        Line("groups: dict[tuple[float, float], list[Tensor]] = {}"),
        For(
            "name, weight",
            "weights.items()",
            [Line(f"groups.setdefault({turn.settings_of}(name), []).append(weight)")],
        ),
        Line(
            "parts = ["
            f'{{"params": found, "scale": rate / {constant("LEARNING_RATE")}, '
            '"weight_decay": decay} for (rate, decay), found in groups.items()]'
        ),
    ]


def optimizer(turn: Turn) -> Function:
    """`make_optimizer`: PyTorch's own, whose formulas are the spec's."""
    chosen, constant = turn.phase.optimizer, turn.constant
    body: list[Statement] = []
    weights = "weights.values()"
    if turn.groups:
        body += grouped(turn)
        weights = "parts"
    elif turn.keeps:
        no_decay = constant("NO_DECAY")
        body += [
            Line(f"kept = [w for name, w in weights.items() if matches({no_decay}, name)]"),
            Line(f"decayed = [w for name, w in weights.items() if not matches({no_decay}, name)]"),
            Line('groups = [{"params": decayed}, {"params": kept, "weight_decay": 0.0}]'),
        ]
        weights = "groups"
    decays = bool(chosen.values["weight_decay"])
    decay = constant("WEIGHT_DECAY") if decays else "0.0"
    rate = constant("LEARNING_RATE")
    if chosen.name == "sgd":
        options = f", {constant('MOMENTUM')}" if chosen.values["momentum"] else ""
        options += f", weight_decay={decay}" if decays else ""
        options += ", nesterov=True" if chosen.values["nesterov"] else ""
        made = f"torch.optim.SGD({weights}, {rate}{options})"
    else:
        kind = {"adam": "Adam", "adamw": "AdamW"}[chosen.name]
        settings = f"{rate}, {constant('BETAS')}, {constant('EPSILON')}, {decay}, fused=True"
        made = f"torch.optim.{kind}({weights}, {settings})"
    if turn.clips is None:
        body.append(Line(f"return {made}"))
    else:
        given = [Parameter("_", "object", None, "variadic")]
        if turn.clips == "each":
            one = Line(f"nn.utils.clip_grad_norm_(weight, {turn.bound})")
            clip: Statement = For("weight", "weights.values()", [one])
        else:
            clip = Line(f"nn.utils.clip_grad_{turn.clips}_(weights.values(), {turn.bound})")
        body += [
            Line(f"optimizer = {made}"),
            Function("clip", given, "None", "", [clip]),
            Line("optimizer.register_step_pre_hook(clip)"),
            Line("return optimizer"),
        ]
    of = f"the phase `{turn.phase.name}`" if turn.phase.name else "the trained weights"
    return Function(
        turn.function("make_optimizer", "optimizer"),
        [Parameter("weights", "Mapping[str, Tensor]")],
        "torch.optim.Optimizer",
        f"The optimiser of {of}.",
        body,
    )
