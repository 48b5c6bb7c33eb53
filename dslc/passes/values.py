"""The types of values while an instance is typed, and how references find them."""

from __future__ import annotations

from dslc.ir.graph import EVERY
from dslc.ir.walk import followers
from dslc.passes.binding import Binder
from dslc.syntax.expressions import ExpressionError
from dslc.typed import TYPE_CHECKING, final
from dslc.values import is_integer

if TYPE_CHECKING:
    from dslc.ir.graph import Module, Ref, Step
    from dslc.ir.types import TensorType
    from dslc.source import Span

    Environment = dict[str, object]


class Failed(Exception):
    """A step that has been reported, or reads a value that was; its outputs are unknown."""


@final
class Values(dict[tuple[int, str], "TensorType | None"]):
    """Types by step and slot; where a repeat keeps a slot, also by instance.

    `absent` are the steps without a value: their `when` is false, and they have no input.
    """

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[int, int] = {}
        self.absent: dict[int, Step] = {}

    def keep(self, step: Step, position: int, outputs: dict[str, TensorType | None]) -> None:
        """Keeps what references choose among the instances of a repeat."""
        for slot in step.kept:
            if slot in outputs:
                self[step.id, at(slot, position)] = outputs[slot]

    def known_slots(self, owner: int) -> list[str]:
        """The names of a step's further outputs."""
        slots = (slot for step, slot in self if step == owner and slot and "[" not in slot)
        return sorted(slot for slot in slots if slot[0] not in "@<")


def at(slot: str, position: int) -> str:
    """The slot of one instance's value."""
    return f"{slot}[{position}]"


class ValueReader(Binder):
    """Finds the types that references mean, and reports those that mean nothing."""

    def value(self, ref: Ref | None, values: Values, environment: Environment) -> TensorType | None:
        """The type of a referenced value; reports an output that the step does not have."""
        if ref is None:
            return None
        self.refuse_absent(ref, values, ref.span)
        if ref.index is not None:
            found = self.instances(ref, values, environment)
            return found[0] if found else None
        key = (ref.owner, ref.slot)
        if key not in values and values.get((ref.owner, "")) is not None:
            self.no_output(ref, values)
        return values.get(key)

    def refuse_absent(self, ref: Ref, values: Values, span: Span | None) -> None:
        """Raises `ExpressionError` for a reference to a step that has no value."""
        if ref.owner in values.absent:
            assert span is not None
            name = values.absent[ref.owner].name or values.absent[ref.owner].label
            message = f"`{name}` is absent here, and has no input whose value it could have"
            help = "give what reads it the same `when`, or a value for either case"
            raise ExpressionError("E0418", message, span, help)

    def no_output(self, ref: Ref, values: Values) -> None:
        """Reports an output that the step does not have."""
        slots = values.known_slots(ref.owner)
        help = f"its outputs are {', '.join(slots)}" if slots else "it has one output"
        message = f"the step has no output `{ref.slot}`"
        self.error("E0408", ref.span, message, help=help)

    def instances(self, ref: Ref, values: Values, environment: Environment) -> list[TensorType]:
        """The types of the instances that a reference chooses; nothing where one is unknown."""
        if ref.owner not in values.counts:
            return []
        count = values.counts[ref.owner]
        if ref.index == EVERY:
            positions = list(range(count))
        else:
            assert ref.index is not None
            assert not isinstance(ref.index, str)
            position = self.evaluate(ref.index, environment)
            if not is_integer(position) or not 0 <= position < count:
                last = f"0 to {count - 1}" if count else "none"
                message = f"there is no instance {position}: the repeat has {last}"
                raise ExpressionError("E0412", message, ref.span or ref.index.span, None)
            positions = [position]
        found = [values.get((ref.owner, at(ref.slot, position))) for position in positions]
        if positions and values.get((ref.owner, "")) is not None and None in found:
            self.no_output(ref, values)
        known = [type for type in found if type is not None]
        return known if len(known) == len(found) else []

    def inputs(
        self,
        step: Step,
        current: TensorType | None,
        values: Values,
        environment: Environment,
    ) -> tuple[TensorType | None, ...]:
        """The types of a step's inputs, the first being the value of the instance before.

        Raises:
            Failed: one of them is unknown.
        """
        found: list[TensorType | None] = []
        follows = followers(step.action, step.inputs)
        for position, ref in enumerate(step.inputs):
            if ref is not None:
                self.refuse_absent(ref, values, self.input_span(step, position))
            if ref is not None and ref.index == EVERY:
                types: list[TensorType | None] = [*self.instances(ref, values, environment)]
            else:
                read = current if follows[position] else self.value(ref, values, environment)
                types = [read]
            if ref is not None and (not types or None in types):
                raise Failed
            found += types
        return tuple(found)

    def input_span(self, step: Step, position: int) -> Span:
        """Where an input was named, or the step itself."""
        ref = step.inputs[position] if position < len(step.inputs) else None
        inside = ref is not None and ref.span is not None and ref.span.line >= step.span.line
        return ref.span if ref is not None and ref.span is not None and inside else step.span

    def outputs_of(
        self, module: Module, values: Values, environment: Environment
    ) -> dict[str, TensorType]:
        """The types of a module's outputs, as far as they are known."""
        found: dict[str, TensorType] = {}
        for name, ref in module.outputs:
            try:
                type = self.value(ref, values, environment)
            except ExpressionError as error:
                self.error(error.code, error.span, error.message, help=error.help)
                continue
            if type is not None:
                found[name] = type
        return found
