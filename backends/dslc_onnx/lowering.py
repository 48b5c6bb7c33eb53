"""What a rule sees of the step that it lowers, and the forms in which a value may be at hand.

A value of three or more axes may exist as itself, as *rows* (all axes but the last joined) or with
time first. A linear map works on rows, where it is one `Gemm` with the weight as the file has it;
what acts element by element or on the last axis takes whatever form is there. So a transformer runs
on rows from end to end, and recurrent layers pass time-first values to each other; other forms are
made only where a rule asks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from dslc.ir.types import TensorType
from dslc.ops.base import Op
from dslc_onnx.errors import ExportError
from dslc_onnx.types import rows_type, time_first_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import onnx_ir as ir

    from dslc.source import Span
    from dslc_onnx.graph import Graph
    from dslc_onnx.sizes import Sizes

WHOLE: Final = ""
ROWS: Final = "rows"
TIME_FIRST: Final = "time_first"

AnyOp = TypeVar("AnyOp", bound=Op)


class Operand:
    """A value of the spec in the forms made so far."""

    __slots__ = ("forms", "name", "type")

    def __init__(self, name: str, type: TensorType, value: ir.Value, form: str = WHOLE) -> None:
        self.name = name
        self.type = type
        self.forms = {form: value}

    def copy(self) -> Operand:
        """The same value, whose forms are made anew from those at hand."""
        found = Operand.__new__(Operand)
        found.name, found.type, found.forms = self.name, self.type, dict(self.forms)
        return found

    @property
    def native(self) -> str:
        """The form that costs nothing, rows first."""
        return min(self.forms, key=(ROWS, TIME_FIRST, WHOLE).index)


def form_type(type: TensorType, form: str) -> TensorType:
    """The type of a value in one of its forms."""
    if form == ROWS:
        return rows_type(type)
    return time_first_type(type) if form == TIME_FIRST else type


def form_name(name: str, form: str) -> str:
    """The name of a value in one of its forms."""
    return f"{name}/{form}" if form else name


class Lowering(Generic[AnyOp]):
    """One run of an op: what a rule reads, and the helpers with which it writes nodes.

    Attributes:
        op: The op with evaluated attributes.
        path: The step's path, under which its weights are in the file.
        operands: The inputs; None where an optional one is left out.
        outputs: The types of the outputs by name, the step's value under "".
        form: The form in which the rule reads inputs and leaves its value; rules may change it.
    """

    def __init__(
        self,
        graph: Graph,
        sizes: Sizes,
        op: AnyOp,
        path: str,
        operands: Sequence[Operand | None],
        outputs: Mapping[str, TensorType],
        span: Span,
    ) -> None:
        self.graph = graph
        self.sizes = sizes
        self.op = op
        self.path = path
        self.operands = operands
        self.outputs = outputs
        self.span = span
        self.form = WHOLE

    @property
    def type(self) -> TensorType:
        """The type of the step's value."""
        return self.outputs[""]

    @property
    def input_types(self) -> list[TensorType]:
        """The types of the inputs that are there."""
        return [operand.type for operand in self.operands if operand is not None]

    def operand(self, position: int = 0) -> Operand:
        """An input that is there."""
        found = self.operands[position]
        assert found is not None
        return found

    def keep_form(self) -> None:
        """Works in the form in which the first input is at hand."""
        self.form = self.operand().native

    def input(self, position: int = 0) -> ir.Value:
        """An input in the rule's form."""
        return self.convert(self.operand(position), self.form)

    def convert(self, operand: Operand, form: str) -> ir.Value:
        """A value in a form, made where it is not at hand."""
        known = operand.forms.get(form)
        if known is None:
            whole = operand.forms.get(WHOLE)
            if whole is None:
                whole = self._whole(operand)
                operand.forms[WHOLE] = whole
            known = whole if form == WHOLE else self._from_whole(operand, whole, form)
            operand.forms[form] = known
        return known

    def _whole(self, operand: Operand) -> ir.Value:
        form = operand.native
        value, old = operand.forms[form], form_type(operand.type, form)
        if form == ROWS:
            return self.sizes.reshape(value, old, operand.type, operand.name)
        return self._swap_time(value, operand.type, operand.name)

    def _from_whole(self, operand: Operand, whole: ir.Value, form: str) -> ir.Value:
        new, name = form_type(operand.type, form), form_name(operand.name, form)
        if form == ROWS:
            return self.sizes.reshape(whole, operand.type, new, name)
        return self._swap_time(whole, new, name)

    def _swap_time(self, value: ir.Value, type: TensorType, name: str) -> ir.Value:
        order = [1, 0, *range(2, type.rank)]
        return self.graph.node("Transpose", [value], [(name, type)], {"perm": order})[0]

    def emit(
        self,
        op_type: str,
        *inputs: ir.Value | None,
        type: TensorType | None = None,
        label: str = "",
        **attributes: Any,
    ) -> ir.Value:
        """Adds a node of one output: the step's value, or a `label` and its type beside it."""
        if label:
            name = f"{self.path}/{label}"
        else:
            name = form_name(self.path, self.form)
        if type is None:
            type = form_type(self.type, self.form)
        return self.graph.node(op_type, inputs, [(name, type)], attributes)[0]

    def weight(self, name: str) -> ir.Value:
        """One of the op's weights as the file has it."""
        return self.graph.weight(self.weight_path(name))

    def weight_path(self, name: str) -> str:
        """The path of one of the op's weights in the file, ties followed."""
        path = ".".join(part for part in (self.path, name) if part)
        return self.graph.weights.resolve(path)

    def array(self, name: str) -> Any:
        """The numbers of one of the op's weights."""
        return self.graph.weights.array(self.weight_path(name))

    def prepared(self, name: str, sources: Sequence[str], make: Callable[[], Any]) -> ir.Value:
        """A tensor made from weights at export; steps that share the weights share it."""
        key = ("prepared", name, tuple(self.weight_path(source) for source in sources))
        return self.graph.initializer(key, f"{self.path}.{name}", make)

    def number(self, number: float, dtype: str | None = None) -> ir.Value:
        """A constant of no axes, of the step's dtype unless another is given."""
        return self.graph.scalar(dtype or self.type.dtype, number)

    def known(self, size: Any, attribute: str) -> int:
        """A size that ONNX wants as a number."""
        if isinstance(size, int):
            return size
        message = f"`{attribute}` is {size} here, and ONNX takes a number; give it one"
        raise ExportError(f"`{self.op.name}`: {message}", self.span)
