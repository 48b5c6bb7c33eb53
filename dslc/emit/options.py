"""What a script says of a run beside its steps: constants, and `penalty_of`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.python import Function, Line, Parameter
from dslc.ir.graph import ApplyOp
from dslc.passes.weights import sites
from dslc.syntax.expressions import number_text
from dslc.train.initial_table import path_globs
from dslc.train.recomputing import parts_of, recomputed_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.emit.python import Statement
    from dslc.emit.turns import Turn
    from dslc.train.regularizers import Regularizer
    from dslc.train.training import Training


def option_constants(train: Training) -> list[Statement]:
    """The settings of what a run does beside its steps."""
    options = train.options
    found: list[Statement] = []
    if train.run.precision == "f16":
        what = "at first; what gradients are multiplied by until they are in float32"
        found.append(Line("LOSS_SCALE = 65536.0", what))
        found.append(Line("GROWTH = 2000", "good steps in a row, after which it doubles"))
    if train.run.accumulate > 1:
        what = "pieces of a batch, computed one after the other"
        found.append(Line(f"ACCUMULATE = {train.run.accumulate}", what))
    if options.average is not None:
        what = "the share of the average weights that a step keeps"
        found.append(Line(f"EMA = {number_text(options.average.decay)}", what))
    if (stopping := options.stopping) is not None:
        found.append(Line(f'STOP_METRIC = "{stopping.metric}"', "of held-out rows"))
        found.append(Line(f"PATIENCE = {stopping.patience}", "epochs"))
        if stopping.min_delta:
            found.append(Line(f"MIN_DELTA = {number_text(stopping.min_delta)}"))
    if train.run.recompute:
        what = "in the backward pass: nothing in it is kept"
        found.append(Line(f"RECOMPUTED = {recomputed_globs(train)!r}", what))
    return [*found, *plateaus(train)]


def recomputed_globs(train: Training) -> list[str]:
    """Globs of the parts that are recomputed, and of no other part or layer."""
    chosen, known = recomputed_parts(train), parts_of(train)
    layers = [site.path for one in train.instances for site in sites(one)]
    return path_globs(chosen, [path for path in (*known, *layers) if path not in chosen])


def rises(train: Training, metric: str | None) -> bool:
    """Whether a figure of an evaluation is better where it is larger."""
    for phase in train.phases:
        before = f"{phase.name}_" if phase.name else ""
        for name, ref in phase.graph.outputs:
            if f"{before}{name}" == metric:
                owner = next((s for s in phase.graph.body.steps if s.id == ref.owner), None)
                action = None if owner is None else owner.action
                op = action.op if isinstance(action, ApplyOp) else None
                return op is not None and op.family == "metric" and not op.falls
    return False


def plateaus(train: Training) -> list[Statement]:
    """The settings of each schedule that looks at a figure, by phase where there are several."""
    found: dict[str, dict[str, object]] = {}
    for phase in train.phases:
        values = phase.schedule.values
        if phase.schedule.name == "plateau":
            metric = values["metric"]
            figure = phase.loss_name if metric is None else f"held_out_{metric}"
            settings = {name: values[name] for name in ("patience", "factor", "min_delta", "final")}
            sign = 1 if rises(train, metric) else -1
            found[phase.name] = {"figure": figure, **settings, "sign": sign}
    if not found:
        return []
    if train.is_phased:
        return [Line(f"PLATEAUS = {found!r}")]
    return [Line(f"PLATEAU = {found['']!r}", "better is what is larger with that sign")]


def penalty_constants(turn: Turn) -> list[Statement]:
    """The factors, and the globs of those that do not count all weights."""
    lines: list[Statement] = []
    for name, part in named(turn).items():
        lines.append(Line(f"{name} = {number_text(part.factor)}", "of the sum over weights"))
        if part.of != ("**",):
            lines.append(Line(f"{name}_OF = {list(part.of)!r}"))
    return lines


def penalty(turn: Turn, words: Mapping[str, str], weights: str, result: str) -> Function:
    """The function.

    Args:
        turn: The phase whose loss it is added to.
        words: What a backend writes for the sum of one weight `w`, by the regulariser's name.
        weights: The annotation of the weights by name.
        result: The annotation of the penalty.
    """
    terms: list[str] = []
    for name, part in named(turn).items():
        if part.of == ("**",):
            total = f"sum({words[part.name]} for w in weights.values())"
        else:
            kept = f"for name, w in weights.items() if matches({name}_OF, name)"
            total = f"sum({words[part.name]} {kept})"
        terms.append(f"{name} * {total}")
    lines: list[Statement] = [Line(f"return {' + '.join(terms)}")]
    given = [Parameter("weights", weights)]
    name = turn.function("penalty_of", "penalty")
    return Function(name, given, result, "What large weights add to the loss.", lines)


def named(turn: Turn) -> dict[str, Regularizer]:
    """The name of each one's factor: `L2`, and `L2_2` where there is a second."""
    found: dict[str, Regularizer] = {}
    for part in turn.phase.regularizers:
        word, number = turn.constant(part.name.upper()), 2
        name = word
        while name in found:
            name, number = f"{word}_{number}", number + 1
        found[name] = part
    return found
