"""Regions: the types inside them, and of what their paths make where they meet."""

from __future__ import annotations

from dslc.ir.graph import REGION_INPUT, Parallel, Residual, Scan
from dslc.ir.walk import regions
from dslc.ops import find
from dslc.ops.base import OpError
from dslc.ops.shapes import count_axes, resolve_axis
from dslc.passes.values import Failed
from dslc.syntax.expressions import describe
from dslc.typed import TYPE_CHECKING
from dslc.values import is_integer

if TYPE_CHECKING:
    from dslc.ir.graph import Body, Step
    from dslc.ir.instance import BodyInstance
    from dslc.ir.types import TensorType
    from dslc.passes.instantiate import Instantiator
    from dslc.passes.values import Values
    from dslc.source import Span

Outputs = dict[str, "TensorType"]


def run_region(
    checker: Instantiator,
    step: Step,
    environment: dict[str, object],
    inputs: tuple[TensorType | None, ...],
    values: Values,
) -> tuple[tuple[BodyInstance, ...], Outputs]:
    """The typed bodies of a region, and its outputs.

    Raises:
        Failed: something in it is wrong, and has been reported.
    """
    action = step.action
    if isinstance(action, Scan):
        from dslc.passes.scans import run_scan

        body, outputs = run_scan(checker, step, action, environment, inputs, values)
        return (body,), outputs
    values[step.id, REGION_INPUT] = inputs[0]
    bodies = tuple(checker.body(body, environment, values) for body in regions(action))
    if isinstance(action, Residual):
        joined = join_residual(checker, step, action, bodies)
    elif isinstance(action, Parallel):
        axis = checker.evaluate(action.axis, environment)
        if not is_integer(axis):
            message = f"`axis` takes an axis, and this is {describe(axis)}"
            checker.error("E0504", action.axis.span, message)
            raise Failed
        joined = join_branches(checker, step, action, bodies, axis)
    else:
        joined = None if bodies[0].type is None else {"": bodies[0].type}
    if joined is None:
        raise Failed
    return bodies, joined


def join_residual(
    checker: Instantiator, step: Step, action: Residual, bodies: tuple[BodyInstance, ...]
) -> Outputs | None:
    """The sum of two paths, whose types must be shown to be equal."""
    main, shortcut = bodies[0].type, bodies[1].type
    if main is None or shortcut is None:
        return None
    here = end_of(action.shortcut, step)
    labels = [(end_of(action.main, step), f"{main} here"), (here, f"{shortcut} here")]
    if main.dtype != shortcut.dtype:
        message = f"`add` needs one dtype: the shortcut is {shortcut.dtype}, not {main.dtype}"
        checker.error("E0305", here, message, labels=labels)
        return None
    if main.rank != shortcut.rank:
        ranks = f"{count_axes(shortcut.rank)}, not {main.rank}"
        checker.error("E0304", here, f"`add` needs equal shapes: {ranks}", labels=labels)
        return None
    for axis, (left, right) in enumerate(zip(main.shape, shortcut.shape, strict=True)):
        message = f"`add` needs equal shapes: axis {axis} is {left} and {right}"
        try:
            checker.check.require(
                "==", left, right, message, code="E0304", help=residual_help(action, axis)
            )
        except OpError as error:
            checker.error(error.code, here, error.message, help=error.help, labels=labels)
            return None
    return {"": main}


def residual_help(action: Residual, axis: int) -> str:
    """What usually mends two paths that differ."""
    if not action.shortcut.steps:
        if axis == 1:
            return "project the shortcut with a `conv2d` of kernel 1 and as many channels"
        return "let the main path keep its size, or give the shortcut the same stride"
    return "make both paths end on the same shape"


def end_of(body: Body, step: Step) -> Span:
    """Where a path ends: its last step, or its key where it has none."""
    if body.steps:
        return body.steps[-1].span
    return body.result.span or step.span


def join_branches(
    checker: Instantiator,
    step: Step,
    action: Parallel,
    bodies: tuple[BodyInstance, ...],
    axis: int,
) -> Outputs | None:
    """The outputs of a parallel region: one joined value, or one for each branch."""
    types = [body.type for body in bodies if body.type is not None]
    if len(types) < len(bodies) or not types:
        return None
    if action.join == "none":
        names = [label or str(k) for k, (label, _) in enumerate(action.branches)]
        return {"": types[0], **dict(zip(names, types, strict=True))}
    try:
        if action.join == "stack":
            return {"": stacked(checker, types, axis)}
        op = find(action.join)
        assert op is not None
        found = op({"axis": axis} if action.join == "concat" else {}).infer(checker.check, *types)
    except OpError as error:
        position = error.input or 0
        here = end_of(action.branches[position][1], step)
        labels = [
            (end_of(action.branches[0][1], step), str(types[0])),
            (here, str(types[position])),
        ]
        checker.error(error.code, here, error.message, help=error.help, labels=labels)
        return None
    assert not isinstance(found, tuple)
    return {"": found}


def stacked(checker: Instantiator, types: list[TensorType], axis: int) -> TensorType:
    """Values of one type on a new axis."""
    first = types[0]
    place = resolve_axis(axis, first.rank + 1)
    for position, other in enumerate(types):
        if other.rank != first.rank or other.dtype != first.dtype:
            raise OpError(
                "E0304", f"`stack` needs equal types, not {first} and {other}", input=position
            )
        for k, (left, right) in enumerate(zip(first.shape, other.shape, strict=True)):
            message = f"`stack` needs equal shapes: axis {k} is {right}, not {left}"
            checker.check.require("==", left, right, message, code="E0304", input=position, axis=k)
    return first.with_shape(*first.shape[:place], len(types), *first.shape[place:])
