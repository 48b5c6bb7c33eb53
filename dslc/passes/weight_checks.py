"""What is checked about weights: known sizes, initialisers that fit, ties that lead somewhere.

Sizes and initialisers are checked with each distinct instance of an op; ties once, at the end,
since they go by path through the whole model.
"""

from __future__ import annotations

from dslc.diagnostics import nearest
from dslc.ir.graph import Reuse
from dslc.ir.walk import all_steps
from dslc.syntax.expressions import ExpressionError, describe
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.diagnostics import Report
    from dslc.ir.graph import Initialiser, Program, Step
    from dslc.ir.instance import Instance
    from dslc.ir.types import TensorType
    from dslc.ops.base import Op, Weight
    from dslc.passes.binding import Binder
    from dslc.passes.weights import WeightInfo

NEED_TWO_AXES = frozenset(
    ("kaiming_uniform", "kaiming_normal", "xavier_uniform", "xavier_normal", "lecun_normal")
)
"""Initialisers that count what a weight connects."""

NOT_NEGATIVE = frozenset(("std", "bound"))


def check_weights(
    binder: Binder,
    step: Step,
    op: Op,
    types: tuple[TensorType, ...],
    environment: Mapping[str, object],
) -> bool:
    """Reports what is wrong with the weights of one op; whether nothing is."""
    weights = {weight.name or "weight": weight for weight in op.weights(*types)}
    good = True
    for weight in weights.values():
        good &= _check_size(binder, step, op, types, weight)
    for name, initialiser in step.init.items():
        if name in weights:
            good &= _check_initialiser(binder, initialiser, weights[name], environment)
        elif not initialiser.is_default:
            message = f"`{op.name}` has no weight `{name}` here"
            binder.error("E0511", initialiser.span, message, help=_which(name, weights))
            good = False
    for name, tie in step.tie.items():
        if name not in weights:
            message = f"`{op.name}` has no weight `{name}` here"
            binder.error("E0512", tie.span, message, help=_which(name, weights))
            good = False
    return good


def _check_size(
    binder: Binder, step: Step, op: Op, types: tuple[TensorType, ...], weight: Weight
) -> bool:
    """A weight is made once, so every size of it must be a number."""
    if all(isinstance(size, int) and size > 0 for size in weight.shape):
        return True
    shape = ", ".join(str(size) for size in weight.shape)
    message = f"the weight `{weight.name or 'weight'}` of `{op.name}` would be [{shape}]"
    message += ", and a weight's size is the same for every input"
    help = "give the input fixed sizes, or bring it to a fixed size before (`global_avg_pool`)"
    ref = step.inputs[0] if step.inputs else None
    labels = [(ref.span, str(types[0]))] if ref is not None and ref.span is not None else []
    binder.error("E0321", step.span, message, help=help, labels=labels)
    return False


def _check_initialiser(
    binder: Binder, initialiser: Initialiser, weight: Weight, environment: Mapping[str, object]
) -> bool:
    """An initialiser's numbers, and whether it can fill a weight of this rank."""
    for name, expression in initialiser.arguments:
        value = binder.evaluate(expression, dict(environment))
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or (name in NOT_NEGATIVE and value < 0):  # pyright: ignore[reportOperatorIssue]
            takes = "a number of at least 0" if name in NOT_NEGATIVE else "a number"
            message = f"`{name}` takes {takes}, not {describe(value)}"
            binder.error("E0513", expression.span, message)
            return False
    if initialiser.kind in NEED_TWO_AXES and len(weight.shape) < 2:
        name = weight.name or "weight"
        message = f"`{initialiser.kind}` needs a weight of two axes, and `{name}` has one"
        help = "use `zeros`, `ones`, `normal` or `uniform` here"
        binder.error("E0514", initialiser.span, message, help=help)
        return False
    return True


def _which(name: str, weights: Mapping[str, Weight]) -> str:
    """The help for a weight that is not there."""
    close = nearest(name, weights)
    if close:
        return f"did you mean `{close}`?"
    return f"its weights: {', '.join(weights)}" if weights else "it has no weights"


def check_shared(program: Program, instance: Instance, report: Report) -> None:
    """Reports weights that several runs share and that each would have in a shape of its own."""
    steps = [step for module in program.modules.values() for step in all_steps(module.body)]
    if not any(
        isinstance(step.action, Reuse) or (step.repeat is not None and step.repeat.share)
        for step in steps
    ):
        return
    from dslc.passes.weights import join, sites

    known: dict[str, tuple[object, ...]] = {}
    for site in sites(instance):
        assert site.iteration.op is not None
        types = tuple(type for type in site.iteration.inputs if type is not None)
        for weight in site.iteration.op.weights(*types):
            path = join(site.path, weight.name)
            shape = known.setdefault(path, weight.shape)
            if shape != weight.shape:
                first, other = (", ".join(map(str, s)) for s in (shape, weight.shape))
                message = f"`{path}` is [{first}] in one run and would be [{other}] in another"
                help = "runs that share weights have inputs of the same channels or features"
                report.error("E0323", site.step.span, message, help=help)


def check_ties(program: Program, instance: Instance, report: Report) -> None:
    """Reports ties to nothing, and to weights of another shape."""
    modules = program.modules.values()
    if not any(step.tie for module in modules for step in all_steps(module.body)):
        return
    from dslc.passes.weights import weights_of

    known: dict[str, WeightInfo] = {}
    try:
        weights = weights_of(instance)
    except ExpressionError as error:  # an index in a path
        report.error(error.code, error.span, error.message, help=error.help)
        return
    for weight in weights:
        if weight.tied is None:
            known[weight.path] = weight
            continue
        span = weight.tie_span or weight.span
        target = known.get(weight.tied)
        if target is None:
            close = nearest(weight.tied, known)
            help = f"did you mean `{close}`?" if close else "a tie leads to a weight further up"
            report.error("E0409", span, f"no weight is called `{weight.tied}` above", help=help)
        elif target.shape != weight.shape or target.dtype != weight.dtype:
            here, there = ([*map(str, w.shape)] for w in (weight, target))
            message = f"`{weight.path}` is [{', '.join(here)}], and `{weight.tied}` is"
            message += f" [{', '.join(there)}]"
            report.error("E0322", span, message, help="a tied weight has the other one's shape")
