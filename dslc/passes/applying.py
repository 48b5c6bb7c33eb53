"""Applies ops to types: attributes, shape rules and weights, each distinct question asked once."""

from __future__ import annotations

from dslc.diagnostics import mend, nearest
from dslc.ir.dims import Dim
from dslc.ir.instance import Iteration
from dslc.ir.types import INTEGERS
from dslc.ops.attributes import InvalidAttribute
from dslc.ops.base import Check, OpError
from dslc.passes.values import Failed, ValueReader
from dslc.passes.weight_checks import check_weights
from dslc.syntax.expressions import Literal
from dslc.typed import TYPE_CHECKING
from dslc.values import exact, is_list

if TYPE_CHECKING:
    from dslc.diagnostics import Report
    from dslc.ir.facts import Facts
    from dslc.ir.graph import ApplyOp, Step
    from dslc.ir.types import TensorType
    from dslc.limits import Limits
    from dslc.ops.base import Input, Op
    from dslc.source import Span

Environment = dict[str, object]

BOUNDS = {">=": "at least", "<=": "at most", "<": "below"}


class OpApplier(ValueReader):
    """Types single ops; steps of one op and the same attributes share it, and its answers."""

    def __init__(self, report: Report, facts: Facts, limits: Limits) -> None:
        super().__init__(report, facts)
        self.limits = limits
        self.check = Check(facts)
        self.ops: dict[object, Op] = {}
        self.answers: dict[tuple[Op, tuple[TensorType, ...]], dict[str, TensorType]] = {}

    def apply(
        self,
        step: Step,
        action: ApplyOp,
        environment: Environment,
        inputs: tuple[TensorType | None, ...],
    ) -> Iteration:
        """An op on its inputs."""
        op = self.make_op(step, action, environment)
        types = tuple(type for type in inputs if type is not None)
        adds_nothing = not step.init and not step.tie
        known = self.answers.get((op, types)) if adds_nothing else None
        if known is not None:
            return Iteration(inputs, known, environment, op=op)
        outputs = self.infer(step, action, op, types)
        if not check_weights(self, step, op, types, environment):
            raise Failed
        if adds_nothing:
            self.answers[op, types] = outputs
        return Iteration(inputs, outputs, environment, op=op)

    def infer(
        self, step: Step, action: ApplyOp, op: Op, types: tuple[TensorType, ...]
    ) -> dict[str, TensorType]:
        """An op's outputs by name, the first also without one; raises `Failed` after an error."""
        declared = action.op.inputs
        for position, type in zip(places_given(step, action, types), types, strict=True):
            slot = declared[0] if declared[0].variadic else declared[position]
            if not slot.takes(type.dtype):
                self.refuse_dtype(step, op, slot, position, type)
                raise Failed
        try:
            if self.facts.lets_be_zero and not op.takes_empty:
                for position, type in enumerate(types):
                    self.check.require_some(op, type, range(type.rank), position)
            self.require_bounds(op)
            found = op.infer(self.check, *types)
            self.require_sizes(op, types, found if isinstance(found, tuple) else (found,))
        except OpError as error:
            self.op_error(step, action, types, error)
            raise Failed from error
        outputs = {"": found} if not isinstance(found, tuple) else {"": found[0]}
        self.check_elements(step, outputs[""])
        if isinstance(found, tuple):
            outputs |= dict(zip(op.output_names(), found, strict=True))
        return outputs

    def require_bounds(self, op: Op) -> None:
        """Raises `OpError` unless symbolic attributes are within their bounds for every size."""
        for name, value in op.values.items():
            if not (isinstance(value, Dim) or is_list(value)):
                continue
            attribute = op.attributes[name]
            for relation, size, bound in attribute.claims(value):
                assert isinstance(bound, int)
                least = bound
                if attribute.kind == "shape" and op.takes_empty and self.facts.lets_be_zero:
                    least = min(bound, 0)
                message = f"`{name}` needs {size} to be {BOUNDS[relation]} {least}"
                self.check.require(relation, size, least, message, code="E0326", attribute=name)

    def require_sizes(
        self, op: Op, types: tuple[TensorType, ...], found: tuple[TensorType, ...]
    ) -> None:
        """Raises `OpError` unless every new size is positive; zero only where facts allow for it."""
        known = {id(size) for type in types for size in type.shape}
        least = 0 if op.takes_empty and self.facts.lets_be_zero else 1
        for type in found:
            for axis, size in enumerate(type.shape):
                if id(size) not in known:
                    message = f"axis {axis} of what `{op.name}` gives would be {size}"
                    self.check.require(">=", size, least, message, code="E0326")

    def refuse_dtype(
        self, step: Step, op: Op, slot: Input, position: int, type: TensorType
    ) -> None:
        """Reports a value of a dtype that an op does not take, with its origin."""
        message = f"`{op.name}` takes {slot.holds} values as `{slot.name}`, not {type}"
        help = "convert it with `cast: f32`"
        if slot.holds == "integer":
            help = "convert it with `cast: i64`"
        elif type.dtype in INTEGERS and slot.holds == "float":
            help = "`embedding` looks ids up; `cast: f32` converts numbers"
        elif slot.holds == "bool":
            help = "a mask is bool: true where attended"
        span = self.input_span(step, position)
        ref = step.inputs[position] if position < len(step.inputs) else None
        known = ref is not None and ref.span is not None and ref.span != span
        labels = [(ref.span, str(type))] if known and ref is not None and ref.span else []
        self.error("E0320", span, message, help=help, labels=labels)

    def check_elements(self, step: Step, type: TensorType) -> None:
        """Refuses a value of known size that is too large for any machine."""
        if not all(isinstance(size, int) for size in type.shape):
            return
        elements = type.elements
        if isinstance(elements, int) and elements > self.limits.elements:
            message = f"this value, {type}, has more than {self.limits.elements:,} elements"
            self.error("E0907", step.span, message, help="`--limit elements=…` allows more")
            raise Failed

    def make_op(self, step: Step, action: ApplyOp, environment: Environment) -> Op:
        """The op with evaluated attributes."""
        values = {
            name: self.evaluate(expression, environment)
            for name, expression in action.attributes.items()
        }
        key = (action.op, *values, *map(exact, values.values()))
        try:
            known = self.ops.get(key)
        except TypeError:  # a list among the values
            return self.new_op(step, action, values)
        if known is None:
            known = self.ops[key] = self.new_op(step, action, values)
        return known

    def new_op(self, step: Step, action: ApplyOp, values: Environment) -> Op:
        """An op of these attributes; reports one that it does not take."""
        try:
            return action.op(values)
        except InvalidAttribute as error:
            span = (
                action.attributes[error.name].span if error.name in action.attributes else step.span
            )
            self.invalid_attribute(action, error, span, values.get(error.name))
            raise Failed from error

    def invalid_attribute(
        self, action: ApplyOp, error: InvalidAttribute, span: Span, word: object
    ) -> None:
        """Reports a value that an attribute does not take, with the word that was meant."""
        is_written = isinstance(action.attributes.get(error.name), Literal)
        close = None
        if isinstance(word, str) and action.op.attributes[error.name].words:
            close = nearest(word, action.op.attributes[error.name].words)
        help = f"did you mean `{close}`?" if close else None
        if close is None and is_written and isinstance(word, str) and word in self.file_values():
            help = f"write `${word}` for the param's value"
        fix = mend(span, str(word), close) if is_written else ()
        self.error("E0504", span, error.message, help=help, fix=fix)

    def op_error(
        self, step: Step, action: ApplyOp, types: tuple[TensorType, ...], error: OpError
    ) -> None:
        """Points an op's error at its attribute or input, with the input's origin and type."""
        span = step.span
        if error.attribute is not None and error.attribute in action.attributes:
            span = action.attributes[error.attribute].span
        labels: list[tuple[Span, str]] = []
        places = places_given(step, action, types)
        for position, type in zip(places, types, strict=True):
            ref = step.inputs[position] if position < len(step.inputs) else None
            if ref is not None and ref.span is not None and ref.span != span:
                labels.append((ref.span, str(type)))
        if error.input is not None and error.attribute is None:
            places += range(len(places), error.input + 1)  # what an op adds of its own
            span = self.input_span(step, places[error.input])
        distinct = list(dict.fromkeys(labels))[:2]
        self.error(error.code, span, error.message, help=error.help, labels=distinct)


def places_given(step: Step, action: ApplyOp, types: tuple[TensorType, ...]) -> list[int]:
    """Which of an op's inputs the given types are; those that it takes without are left out."""
    if action.op.inputs and action.op.inputs[0].variadic:
        return list(range(len(types)))
    return [position for position, ref in enumerate(step.inputs) if ref is not None]
