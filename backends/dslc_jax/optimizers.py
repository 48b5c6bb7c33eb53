"""The optimisers in `train.py` of the JAX project: chains of optax's parts and of some more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dslc.emit.optimizers import lists_by_name
from dslc.emit.python import Function, Line

if TYPE_CHECKING:
    from dslc.emit.python import Class
    from dslc.emit.script import Script
    from dslc.emit.turns import Turn

PARTS = Path(__file__).with_name("optax_template.py")
KEPT = {
    "sum": ("optax.trace", "trace"),
    "mean": ("scale_by_adam", "mu"),
    "square": ("scale_by_adam", "nu"),
    "step": ("scale_by_adam", "count"),
    "adafactor.step": ("scale_by_adafactor", "count"),
    "muon.step": ("scale_by_muon", "count"),
    "rmsprop.square": ("optax.scale_by_rms", "nu"),
    "adagrad.square": ("scale_by_adagrad", "sum_of_squares"),
    "lion.mean": ("optax.scale_by_lion", "mu"),
    "adafactor.row": ("scale_by_adafactor", "v_row"),
    "adafactor.column": ("scale_by_adafactor", "v_col"),
    "adafactor.square": ("scale_by_adafactor", "v"),
    "muon.mean": ("scale_by_muon", "mu"),
    "muon.square": ("scale_by_muon", "nu"),
}
"""The part of a chain that keeps something of each weight, and what it calls it."""


def add_optimizers(script: Script) -> None:
    """Writes what makes the optimiser of each phase."""
    script.add(*(turn.settings() for turn in script.turns if turn.groups))
    each = script.flags["COUNTS_EACH"]
    none_done = "[jnp.zeros(()) for _ in params]" if each else "jnp.zeros((), jnp.int32)"
    own = script.template(PARTS, NONE_DONE=none_done)
    parts = [part.partition("(")[0] for turn in script.turns for part in chain(script, turn)]
    names = [name for name in dict.fromkeys(parts) if "." not in name]
    script.add(*(used(own.definition(name), script) for name in names))
    if script.flags["SCALED"]:
        script.add(own.definition("Scaled"), own.definition("with_loss_scale"))
    if "scale_by_muon" in names:
        script.add(own.definition("evened"))
    script.use(own)
    script.add(*(optimizer(script, turn) for turn in script.turns))


def used(part: Class | Function, script: Script) -> Class | Function:
    """A part of the template without the rates of groups where there are none."""
    if isinstance(part, Function) and not script.flags["GROUPED"]:
        taken = [parameter for parameter in part.parameters if parameter.name != "scales"]
        return replace(part, parameters=taken)
    return part


def set_kept(script: Script) -> None:
    """The table of what optimisers keep: the place in the chain, and what optax calls it."""
    if not script.flags["MOMENTS"]:
        return
    kept: dict[str, dict[str, tuple[int, str]]] = {}
    for turn in script.turns:
        parts = [part.partition("(")[0] for part in chain(script, turn)]
        found = kept.setdefault(turn.phase.name, {})
        for kind in turn.state:
            part, field = KEPT.get(f"{turn.phase.optimizer.name}.{kind}") or KEPT[kind]
            found[kind] = parts.index(part), field
    table = kept if script.train.is_phased else kept[""]
    script.set(Line(f"KEPT = {table!r}", "its place in the chain, what optax calls it"))


def chain(script: Script, turn: Turn) -> list[str]:
    """The parts of the optimiser in the order in which they see the gradient."""
    constant = turn.constant
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
    rules = rule(script, turn)
    middle = [*rules, *decay] if turn.phase.optimizer.decoupled else [*decay, *rules]
    return [*first, *middle, *last]


def rule(script: Script, turn: Turn) -> list[str]:
    """The parts that are the optimiser's own."""
    chosen, constant = turn.phase.optimizer, turn.constant
    nesterov = ", nesterov=True" if chosen.values.get("nesterov") else ""
    trace = f"optax.trace({constant('MOMENTUM')}{nesterov})"
    traces = [trace] if "sum" in chosen.state else []
    if chosen.name == "sgd":
        return traces
    if chosen.name == "rmsprop":
        settings = f"{constant('BETA')}, {constant('EPSILON')}, eps_in_sqrt=False"
        return [f"optax.scale_by_rms({settings})", *traces]
    if chosen.name == "adagrad":
        return [f"scale_by_adagrad({constant('EPSILON')})"]
    if chosen.name == "lion":
        return [f"optax.scale_by_lion(*{constant('BETAS')})"]
    if chosen.name == "adafactor":
        settings = f"{constant('POWER')}, {constant('FLOOR')}, {constant('LONGEST')}"
        scales = ", scales" if script.flags["GROUPED"] else ""
        return [f"scale_by_adafactor(own, {settings}{scales})"]
    settings = f"{constant('BETAS')}, {constant('EPSILON')}"
    if chosen.name == "muon":
        return [f"scale_by_muon(own, {constant('MOMENTUM')}, {settings}{nesterov})"]
    return [f"scale_by_adam({settings})"]


def optimizer(script: Script, turn: Turn) -> Function:
    """`make_optimizer`: optax's parts, whose formulas are the spec's."""
    parts, constant = chain(script, turn), turn.constant
    if turn.phase.name:
        parts = parts or ["optax.identity()"]  # a chain's state has places, an identity's has none
    kept = f"not matches({constant('NO_DECAY')}, name)"
    parameters, body = lists_by_name(turn, kept)
    if turn.phase.optimizer.name == "adafactor" and script.flags["GROUPED"] and not turn.groups:
        body.append(Line("scales = [1.0 for _ in names]"))
    made = f"optax.chain({', '.join(parts)})" if parts else "optax.identity()"
    body.append(
        Line(f"return with_loss_scale({made})" if script.flags["SCALED"] else f"return {made}")
    )
    of = f"the phase `{turn.phase.name}`" if turn.phase.name else "the trained weights"
    doc = f"The optimiser of {of}; a step multiplies by the learning rate."
    name = turn.function("make_optimizer", "optimizer")
    return Function(name, parameters, "optax.GradientTransformationExtraArgs", doc, body)
