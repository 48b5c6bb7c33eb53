"""The optimisers in `train.py` of the PyTorch project: its own where their formulas are the spec's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dslc.emit.python import For, Function, Line, Parameter

if TYPE_CHECKING:
    from dslc.emit.python import Statement
    from dslc.emit.script import Script
    from dslc.emit.turns import Turn

OPTIMIZERS = Path(__file__).with_name("optimizers_template.py")
UNCOUNTED = ("sgd", "lion")
"""The optimisers of which PyTorch counts no steps."""
OWN = {"lion": ("Lion",), "muon": ("Muon", "evened"), "adafactor": ("with_state",)}
"""What of the template an optimiser takes."""


def add_optimizers(script: Script) -> None:
    """Writes what makes the optimiser of each phase."""
    script.add(*(turn.settings() for turn in script.turns if turn.groups))
    nesterov = any(turn.phase.optimizer.values.get("nesterov") for turn in script.turns)
    script.flags["NESTEROV"] = nesterov
    template = script.template(OPTIMIZERS)
    chosen = dict.fromkeys(turn.phase.optimizer.name for turn in script.turns)
    for name in (part for word in chosen for part in OWN.get(word, ())):
        script.use(template)
        script.add(template.definition(name))
    script.add(*(optimizer(turn) for turn in script.turns))


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


def parameters(turn: Turn) -> tuple[list[Statement], str]:
    """What sorts the weights, and what an optimiser takes as its parameters."""
    if turn.groups:
        return grouped(turn), "parts"
    if not turn.keeps:
        return [], "weights.values()"
    no_decay = turn.constant("NO_DECAY")
    return [
        Line(f"kept = [w for name, w in weights.items() if matches({no_decay}, name)]"),
        Line(f"decayed = [w for name, w in weights.items() if not matches({no_decay}, name)]"),
        Line('groups = [{"params": decayed}, {"params": kept, "weight_decay": 0.0}]'),
    ], "groups"


def made(turn: Turn, weights: str) -> str:
    """The call that makes an optimiser of some weights."""
    chosen, constant = turn.phase.optimizer, turn.constant
    values, rate = chosen.values, constant("LEARNING_RATE")
    decays = bool(values["weight_decay"])
    decay = constant("WEIGHT_DECAY") if decays else "0.0"
    momentum = constant("MOMENTUM") if values.get("momentum") else ""
    named = f", weight_decay={decay}" if decays else ""
    if chosen.name == "sgd":
        options = f", {momentum}" if momentum else ""
        options += f"{named}, nesterov=True" if values["nesterov"] else named
        return f"torch.optim.SGD({weights}, {rate}{options})"
    if chosen.name == "rmsprop":
        named += f", momentum={momentum}" if momentum else ""
        settings = f"{rate}, {constant('BETA')}, {constant('EPSILON')}{named}"
        return f"torch.optim.RMSprop({weights}, {settings})"
    if chosen.name == "adagrad":
        return f"torch.optim.Adagrad({weights}, {rate}{named}, eps={constant('EPSILON')})"
    if chosen.name == "lion":
        return f"Lion({weights}, {rate}, {constant('BETAS')}, {decay})"
    if chosen.name == "adafactor":
        settings = f"{rate}, -{constant('POWER')}, (None, {constant('FLOOR')})"
        settings += f", {constant('LONGEST')}{named}"
        return f"with_state(torch.optim.Adafactor({weights}, {settings}))"
    if chosen.name == "muon":
        settings = f"{rate}, {momentum}, {constant('BETAS')}, {constant('EPSILON')}, {decay}"
        return f"Muon({weights}, matrices, {settings})"
    kind = {"adam": "Adam", "adamw": "AdamW"}[chosen.name]
    settings = f"{rate}, {constant('BETAS')}, {constant('EPSILON')}, {decay}, fused=True"
    return f"torch.optim.{kind}({weights}, {settings})"


def optimizer(turn: Turn) -> Function:
    """`make_optimizer`: an optimiser with the settings of the spec."""
    body, weights = parameters(turn)
    if turn.phase.optimizer.name == "muon":
        condition = "w.dim() > 1"
        if turn.phase.optimizer.values["adamw"]:
            condition += f" and not matches({turn.constant('BY_ADAMW')}, name)"
        found = (
            "for name, w in weights.items()" if "name" in condition else "for w in weights.values()"
        )
        body.append(Line(f"matrices = [w {found} if {condition}]"))
    if turn.clips is None:
        body.append(Line(f"return {made(turn, weights)}"))
    else:
        given = [Parameter("_", "object", None, "variadic")]
        if turn.clips == "each":
            one = Line(f"nn.utils.clip_grad_norm_(weight, {turn.bound})")
            clip: Statement = For("weight", "weights.values()", [one])
        else:
            clip = Line(f"nn.utils.clip_grad_{turn.clips}_(weights.values(), {turn.bound})")
        body += [
            Line(f"optimizer = {made(turn, weights)}"),
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
