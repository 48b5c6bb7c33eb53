"""The type of a scan: one round is typed, and what it hands on must have its carry's own type.

So one round speaks for all of them: sizes that the carries start with are the sizes that they keep.
"""

from __future__ import annotations

from dslc.ir.dims import Dim
from dslc.ir.graph import round_slot
from dslc.ops.base import OpError
from dslc.passes.values import Failed
from dslc.syntax.expressions import describe
from dslc.typed import TYPE_CHECKING
from dslc.values import is_integer

if TYPE_CHECKING:
    from dslc.ir.dims import DimLike
    from dslc.ir.graph import Scan, Step
    from dslc.ir.instance import BodyInstance
    from dslc.ir.types import TensorType
    from dslc.passes.instantiate import Instantiator
    from dslc.passes.values import Values
    from dslc.source import Span

Environment = dict[str, object]


def run_scan(
    checker: Instantiator,
    step: Step,
    action: Scan,
    environment: Environment,
    inputs: tuple[TensorType | None, ...],
    values: Values,
) -> tuple[BodyInstance, dict[str, TensorType]]:
    """The typed body of a scan, and its outputs: the stacked value, and each last carry.

    Raises:
        Failed: something in it is wrong, and has been reported.
    """
    types = [type for type in inputs if type is not None]
    over, starts = types[: len(action.over)], types[len(action.over) :]
    length = rounds_of(checker, step, action, environment, over)
    for name, type in zip(action.over, over, strict=True):
        values[step.id, round_slot(name)] = part_of(type)
    for name, type in zip(action.carry, starts, strict=True):
        values[step.id, round_slot(name)] = type
    body = checker.body(action.body, environment, values)
    good = [
        keeps_type(checker, step, action, position, start, values, environment)
        for position, start in enumerate(starts)
    ]
    if body.type is None or not all(good):
        raise Failed
    value = stacked(body.type, length)
    checker.check_elements(step, value)
    return body, {"": value, **dict(zip(action.carry, starts, strict=True))}


def time_axis(type: TensorType) -> int:
    """The axis that a scan runs along: the second, and a vector's only one."""
    return min(1, type.rank - 1)


def part_of(type: TensorType) -> TensorType:
    """The type of what a round sees of a value: all but its time axis."""
    axis = time_axis(type)
    return type.with_shape(*type.shape[:axis], *type.shape[axis + 1 :])


def stacked(type: TensorType, length: DimLike) -> TensorType:
    """The type of all rounds' values on a new time axis."""
    axis = min(1, type.rank)
    return type.with_shape(*type.shape[:axis], length, *type.shape[axis:])


def rounds_of(
    checker: Instantiator,
    step: Step,
    action: Scan,
    environment: Environment,
    over: list[TensorType],
) -> DimLike:
    """How many rounds there are: at least one, and the same along every value that it runs over."""
    if action.times is not None:
        found = checker.evaluate(action.times, environment)
        if not is_integer(found) and not isinstance(found, Dim):
            message = f"`times` is a size, and this is {describe(found)}"
            checker.error("E0616", action.times.span, message)
            raise Failed
        at_least_one(checker, found, action.times.span)
        return found
    for position, (name, type) in enumerate(zip(action.over, over, strict=True)):
        if type.rank == 0:
            message = f"`{name}` is {type}, which has no time axis to run along"
            checker.error("E0303", checker.input_span(step, position), message)
            raise Failed
    lengths = [type.shape[time_axis(type)] for type in over]
    for position, length in enumerate(lengths[1:], 1):
        span = checker.input_span(step, position)
        names = f"`{action.over[0]}` has {lengths[0]} places in time and"
        message = f"{names} `{action.over[position]}` has {length}"
        labels = [(checker.input_span(step, 0), str(over[0])), (span, str(over[position]))]
        try:
            checker.check.require("==", lengths[0], length, message, code="E0330")
        except OpError as error:
            checker.error(error.code, span, error.message, help=error.help, labels=labels)
            raise Failed from error
    if not lengths:  # `times` could not be read, which has been reported
        raise Failed
    at_least_one(checker, lengths[0], checker.input_span(step, 0))
    return lengths[0]


def at_least_one(checker: Instantiator, length: DimLike, span: Span) -> None:
    """Reports a scan that may have no round at all, and so nothing to stack."""
    may = "this one has none" if length == 0 else f"{length} may be none"
    message = f"a scan has at least one round, and {may}"
    try:
        checker.check.require(">=", length, 1, message, code="E0331")
    except OpError as error:
        checker.error(error.code, span, error.message, help=error.help)
        raise Failed from error


def keeps_type(
    checker: Instantiator,
    step: Step,
    action: Scan,
    position: int,
    start: TensorType,
    values: Values,
    environment: Environment,
) -> bool:
    """Whether a carry has after a round the type that it starts with; reports it where not."""
    ref, name = action.next[position], action.carry[position]
    found = checker.value(ref, values, environment)
    if found is None:
        return False
    span = ref.span or step.span
    from_there = checker.input_span(step, len(action.over) + position)
    labels = [(from_there, f"starts as {start}"), (span, f"becomes {found}")]
    message = f"the carry `{name}` is {start} before a round and would be {found} after it"
    help = "`next` gives each carry the type that it starts with"
    if found.dtype != start.dtype or found.rank != start.rank:
        checker.error("E0332", span, message, help=help, labels=labels)
        return False
    for axis, (before, after) in enumerate(zip(start.shape, found.shape, strict=True)):
        message = f"the carry `{name}` has another axis {axis} after a round: {after}, not {before}"
        try:
            checker.check.require("==", before, after, message, code="E0332", help=help)
        except OpError as error:
            checker.error(error.code, span, error.message, help=error.help, labels=labels)
            return False
    return True
