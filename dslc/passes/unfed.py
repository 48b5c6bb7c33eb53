"""Steps whose inputs are unknown after another mistake: what can be said of them all the same.

Attributes and arguments need no types, as long as no size of an input stands in them. So a second
mistake in one of them is told in the same run as the first.
"""

from __future__ import annotations

from dslc.ir.graph import ApplyOp, CallModule, ChooseOp
from dslc.ir.walk import regions
from dslc.passes.choosing import settled
from dslc.passes.values import Failed
from dslc.syntax.expressions import ExpressionError, free_names
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.graph import Body, Step
    from dslc.passes.instantiate import Instantiator
    from dslc.syntax.expressions import Expr

    Environment = dict[str, object]


def check_unfed(checker: Instantiator, step: Step, environment: Environment) -> None:
    """Reports what is wrong with a step whose inputs are unknown, and with the steps inside."""
    try:
        _check(checker, step, environment)
    except ExpressionError as error:
        checker.error(error.code, error.span, error.message, help=error.help)
    except Failed:
        return


def _check(checker: Instantiator, step: Step, environment: Environment) -> None:
    if isinstance(step.action, ChooseOp):
        step = settled(checker, step, environment)
    action = step.action
    if isinstance(action, ApplyOp):
        known = {k: v for k, v in action.attributes.items() if _is_known(v, environment)}
        checker.make_op(step, ApplyOp(action.op, known), environment)
    elif isinstance(action, CallModule):
        _check_call(checker, step, action, environment)
    else:
        for body in regions(action):
            _check_body(checker, body, environment)


def _check_call(
    checker: Instantiator, step: Step, action: CallModule, environment: Environment
) -> None:
    """What a call's arguments make of the steps of a block; a model is checked by itself."""
    module = checker.program.modules.get(action.module)
    if module is None or module.is_model or module.name in checker.broken:
        return
    if not all(_is_known(value, environment) for value in action.arguments.values()):
        return
    arguments = checker.arguments(module, action, environment)
    if arguments is not None:
        with checker.inside(module.name, step.span):
            _check_body(checker, module.body, {**checker.program.values, **arguments})


def _check_body(checker: Instantiator, body: Body, environment: Environment) -> None:
    """Every step that is there for certain, and once."""
    for step in body.steps:
        if step.when is None and step.repeat is None:
            check_unfed(checker, step, environment)


def _is_known(value: Expr, environment: Environment) -> bool:
    """Whether an expression reads nothing but params."""
    return free_names(value) <= environment.keys()
