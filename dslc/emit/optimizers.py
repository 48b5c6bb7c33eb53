"""What the maker of an optimiser takes from the weights' names, where a framework sorts no weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.python import Line, Parameter

if TYPE_CHECKING:
    from dslc.emit.python import Statement
    from dslc.emit.turns import Turn


def lists_by_name(turn: Turn, decay: str) -> tuple[list[Parameter], list[Statement]]:
    """The parameters for them, and the lists: `scales`, `decays`, `spans` and `own`, each in the names' order.

    Args:
        turn: The phase.
        decay: What stands for the decay of the weight `name`, where some do not decay.
    """
    constant = turn.constant
    body: list[Statement] = []
    parameters = [Parameter("names", "Sequence[str]")]
    if turn.groups:
        rate = constant("LEARNING_RATE")
        body.append(Line(f"scales = [{turn.settings_of}(name)[0] / {rate} for name in names]"))
        if turn.decays:
            body.append(Line(f"decays = [{turn.settings_of}(name)[1] for name in names]"))
    elif turn.keeps:
        body.append(Line(f"decays = [{decay} for name in names]"))
    if turn.takes_axes:
        parameters.append(Parameter("axes", "Mapping[str, Axes]"))
    if turn.in_pairs:
        body.append(Line("spans = [sum(axes[name], ()) for name in names]"))
    if turn.sees_axes:
        value = "axes[name]"
        if turn.phase.optimizer.values.get("adamw"):
            value = f"() if matches({constant('BY_ADAMW')}, name) else {value}"
        body.append(Line(f"own = [{value} for name in names]"))
    return parameters if body else [], body
