"""What a rule sees: its op, the expressions of its inputs, and ways to write sizes and layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.emit.backend import BuildError
from dslc.emit.flattening import all_formal, all_reads
from dslc.emit.flow import listed, written_inputs
from dslc.emit.given import with_given
from dslc.emit.layouts import stored_axis
from dslc.emit.python import Line
from dslc.emit.varying import varies
from dslc.ir.dims import text_of
from dslc.ir.graph import MODULE, ApplyOp
from dslc.ir.types import FLOATS
from dslc.syntax.expressions import ListOf, Literal, free_names, number_text, to_python
from dslc.values import is_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dslc.emit.classes import ClassWriter
    from dslc.emit.flow import Value
    from dslc.emit.formal import FormalStep
    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType
    from dslc.ops.base import Op
    from dslc.syntax.expressions import Expr

    Rename = Callable[[str], str]
    Code = Callable[[str, Rename], str]


class OpContext:
    """One op in one class: `x` and `args` are expressions, `op` holds symbolic attributes.

    A rule returns the expression of the op's value, or a mapping from output names to expressions
    (the first output also under "").
    """

    is_symbolic = False
    """Whether the code makes a graph of layers first, and runs later."""
    numbers: frozenset[int] = frozenset()
    """The positions of inputs that are plain numbers, as a formula may have them."""

    def __init__(self, writer: ClassWriter, found: FormalStep, values: list[Value | None]) -> None:
        assert found.op is not None
        self.writer = writer
        self.found = found
        self.step = found.step
        self.op: Op = found.op
        self.values = values
        self.types: tuple[TensorType, ...] = tuple(t for t in found.inputs if t is not None)
        self.out = found.outputs[""]
        self.heavy = False
        self.layout: str | None = None
        self.owned = writer.owned_by(found)
        self.untied = set(found.step.tie) if self.owned is None else set[str]()
        self.gives = False  # whether what the rule wrote takes them
        self.made = ""
        self.stored: set[str] = set()

    @property
    def x(self) -> str:
        """The first input's expression, as an argument or operand."""
        value = self.values[0]
        assert value is not None
        return value.operand

    @property
    def args(self) -> list[str]:
        """The expressions of all inputs that are given."""
        return [value.operand for value in self.values if value is not None]

    @property
    def listed(self) -> str:
        """The list of all inputs that are given."""
        return listed(self.args)

    @property
    def is_seeded(self) -> bool:
        """Whether what is drawn at random is the same bits in every framework."""
        return self.writer.module.program.deterministic

    @property
    def derivatives(self) -> int:
        """How often training differentiates what the op computes."""
        return self.writer.module.program.differentiated(self.writer.formal.module.name)

    def refuse(self, reason: str) -> BuildError:
        """The error for an op that a framework cannot compute as the spec has it."""
        return BuildError(f"`{self.step.name or self.op.name}` {reason}", self.step.span)

    @property
    def first(self) -> Value:
        """The first input."""
        value = self.values[0]
        assert value is not None
        return value

    @property
    def is_spread(self) -> bool:
        """Whether an argument stands for the values of every instance of a repeat."""
        return any(value is not None and value.is_spread for value in self.values)

    def reduced(self, function: str) -> str:
        """A function of two over all arguments, among which are the values of every instance."""
        self.require("import functools")
        return f"functools.reduce({function}, {self.listed})"

    def arg(self, position: int) -> str | None:
        """One input's expression, None where it is left out."""
        value = self.values[position] if position < len(self.values) else None
        return None if value is None else value.operand

    def size(self, dim: DimLike) -> str:
        """A size where the layer is made."""
        return text_of(dim, self.maker_name)

    def attribute(self, name: str) -> str:
        """An attribute where the layer is made, as the spec writes it."""
        return self._attribute(name, self.maker_name)

    def maker_name(self, name: str) -> str:
        """A name of the spec where the layer is made; nobody asks for it where none is made."""
        if self.owned is not None and not self.is_symbolic:
            return name
        return self.writer.constructor_name(name)

    def run_size(self, dim: DimLike) -> str:
        """A size where the layer is called."""
        return text_of(dim, self.writer.call_name)

    def run_attribute(self, name: str) -> str:
        """An attribute where the layer is called."""
        return self._attribute(name, self.writer.call_name)

    def _attribute(self, name: str, rename: Any) -> str:
        expression = self.written(name)
        if expression is None or isinstance(expression, Literal):
            return literal(self.op.values[name])
        self.writer.require_math(expression)
        if isinstance(expression, ListOf):
            inner = [to_python(item, rename) for item in expression.items]
            is_one = len(set(inner)) == 1 and same(self.op.values[name])
            return inner[0] if is_one else f"({', '.join(inner)},)"
        return to_python(expression, rename)

    def option(self, name: str, default: object, *, run: bool = False) -> str:
        """`, name=value` where an attribute is not the framework's own default."""
        if not varies(self.op, name) and literal(self.op.values[name]) == literal(default):
            return ""
        text = self.run_attribute(name) if run else self.attribute(name)
        return f", {name}={text}"

    def given(self, name: str) -> bool:
        """Whether the spec (or its defaults) gives an attribute."""
        return self.written(name) is not None

    def is_constant(self, name: str) -> bool:
        """Whether an attribute is the same in every use of the class."""
        expression = self.written(name)
        return expression is None or not free_names(expression)

    def written(self, name: str) -> Expr | None:
        """What the spec (or its defaults) writes for an attribute."""
        action = self.step.action
        assert isinstance(action, ApplyOp)
        return action.attributes.get(name)

    def numbers_list(self, name: str) -> str:
        """A list of numbers where the op is called: in brackets, or what stands for one."""
        expression = self.written(name)
        rename = self.maker_name if self.is_symbolic else self.writer.call_name
        if isinstance(expression, ListOf):
            return f"[{', '.join(to_python(item, rename) for item in expression.items)}]"
        if expression is None or isinstance(expression, Literal):
            return f"[{', '.join(literal(value) for value in self.op.values[name])}]"
        self.writer.require_math(expression)
        return to_python(expression, rename)

    def run_shape(self, name: str) -> str:
        """The sizes of a shape attribute, one after the other, where the layer is called."""
        return ", ".join(self.run_sizes(name))

    def run_tuple(self, name: str) -> str:
        """The sizes of a shape attribute as a tuple, where the layer is called."""
        sizes = self.run_sizes(name)
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    def run_sizes(self, name: str) -> list[str]:
        """The sizes of a shape attribute, each as an expression where the layer is called."""
        expression = self.written(name)
        if isinstance(expression, ListOf):
            return [to_python(item, self.writer.call_name) for item in expression.items]
        return [self.run_size(dim) for dim in self.op.values[name]]

    def shape_texts(self, name: str) -> list[str]:
        """The sizes of a shape attribute where the layer is made, each as an expression."""
        expression, rename = self.written(name), self.writer.constructor_name
        if isinstance(expression, ListOf):
            return [to_python(item, rename) for item in expression.items]
        return [self.size(dim) for dim in self.op.values[name]]

    def text(self, name: str, rename: Rename) -> str:
        """An attribute with its names as a function gives them."""
        return self._attribute(name, rename)

    def is_static(self, dim: object) -> bool:
        """Whether a size may be written where the op stands: any, unless a graph is made once."""
        del dim
        return True

    def at_run_time(self, attributes: Iterable[str] | None, code: Code, doc: str) -> str:
        """An expression of the first input that may read sizes which only a run knows.

        Args:
            attributes: The attributes that it reads; None where it reads such sizes for sure.
            code: The expression, from the input's text and a function that gives names' texts.
            doc: What a layer says of itself that reads such sizes, where one is needed.
        """
        del attributes, doc
        return code(self.x, self.writer.call_name)

    def flattened_name(self) -> str | None:
        """The name of a flatten whose input may stay as it lies; None where it must be turned."""
        return None

    def reads(self, *slots: str) -> int:
        """How often some of this op's outputs are read."""
        remaining = self.writer.body.flow.remaining
        return sum(remaining.get((self.step.id, slot), 0) for slot in slots)

    def variable(self, position: int = 0) -> str:
        """An input's variable; the input is put into one where it is an expression."""
        value = self.values[position]
        assert value is not None
        if value.is_variable:
            return value.text
        flow = self.writer.body.flow
        name = flow.variable((MODULE, ""), frozenset(self.stored))
        self.stored.add(name)
        self.statement(f"{name} = {value.text}")
        self.values[position] = value.renamed(name)
        return name

    def statement(self, code: str) -> None:
        """A statement of its own before the expression that the rule returns."""
        self.writer.body.flow.lines.append(Line(code))

    def unpack_names(self, *names: str) -> dict[str, str]:
        """A local variable for each output; `_` for those that nothing reads."""
        body = self.writer.body
        found: dict[str, str] = {}
        for k, name in enumerate(names):
            slots = (name, "") if k == 0 else (name,)
            read = any(body.flow.remaining.get((self.step.id, slot), 0) for slot in slots)
            wanted = f"{self.step.label}_{name}" if name.isdigit() else name
            found[name] = body.fresh_variable(wanted) if read else "_"
        return found

    def unpack(self, code: str, names: tuple[str, ...]) -> dict[str, str]:
        """Several outputs from one expression that gives a sequence."""
        if len(names) == 1:
            return {"": f"{code}[0]", names[0]: f"{code}[0]"}
        found = self.unpack_names(*names)
        self.statement(f"{', '.join(found.values())} = {code}")
        return {"": found[names[0]], **found}

    def layer(self, constructor: str, *, heavy: bool = False) -> str:
        """A layer that holds weights, made in the constructor; gives the text that calls it."""
        self.heavy = heavy
        if self.untied:
            names = sorted(self.own_name(weight) for weight in self.untied)
            constructor = self.writer.target.without(self, constructor, names)
        if self.weight_dtype != "f32":
            constructor = self.writer.target.in_dtype(constructor, self.weight_dtype)
        self.made = self.writer.layer(self.found, constructor)
        return self.made

    @property
    def weight_dtype(self) -> str:
        """The dtype of the op's weights: that of the floats which meet them."""
        floats = [type.dtype for type in (*self.types, self.out) if type.dtype in FLOATS]
        return floats[0] if floats and self.op.weights(*self.types) else "f32"

    @property
    def shares_weights(self) -> bool:
        """Whether some of the weights are other layers', or other layers' are some of these."""
        place = (self.writer.formal.module.name, self.step.id)
        return bool(self.untied) or place in self.writer.module.owners.partly

    @property
    def meets_channels(self) -> bool:
        """Whether all that reads this op's value works on channels, and wants them where they lie."""
        steps = list(all_formal(self.writer.formal.steps))
        reads = [r for r in all_reads(self.writer.formal, steps) if r.owner == self.step.id]
        readers = [s for s in steps if any(r in reads for r in written_inputs(s))]
        inputs = sum(r.owner == self.step.id for s in readers for r in written_inputs(s))
        alike = all(s.op is not None and s.op.layout == "channels" for s in readers)
        return bool(readers) and alike and inputs == len(reads)

    def own_name(self, weight: str) -> str:
        """What the layer of an op calls one of its weights."""
        return self.writer.target.own_name(self.op, weight)

    def with_others(self, text: str) -> str:
        """What the rule wrote, its layer given the weights of others that the rule did not ask for."""
        if not self.untied or not self.made:
            return text
        target = self.writer.target
        weights = {
            self.own_name(name): target.tied_text(self, name) for name in sorted(self.untied)
        }

        def call(layer: str, arguments: list[str]) -> str:
            return target.call_given(self, layer, weights, arguments)

        text, found = with_given(text, self.made, weights, call)
        self.gives = self.gives or found
        return text

    def shared_layer(self, constructor: str) -> str:
        """A layer without weights: one serves all steps that would make the same."""
        if self.step.repeat is not None or self.step.when is not None:
            return self.layer(constructor)
        return self.writer.shared_layer(self.found, constructor)

    def in_layout(self, position: int, layout: str) -> str:
        """An input's expression in a layout, for ops that take any."""
        value = self.values[position]
        assert value is not None
        return self.writer.body.in_layout(value, layout).operand

    def tied(self, weight: str) -> tuple[str, str] | None:
        """The object and own name of the weight that one of this op's is tied to."""
        if not self.is_tied(weight):
            return None
        self.untied.discard(weight)
        return self.owner_of(weight)

    def owner_of(self, weight: str) -> tuple[str, str]:
        """The object and own name of the weight that one of this op's is."""
        return self.writer.tied(self.step, self.step.tie[weight])

    def is_tied(self, weight: str) -> bool:
        """Whether a weight is another step's, and nothing else of this op's layer."""
        return self.owned is None and weight in self.step.tie

    def helper(self, name: str) -> str:
        """A helper of the backend, put into the module; gives its name."""
        return self.writer.module.helper(name)

    def require(self, statement: str) -> None:
        """Imports something into the module."""
        self.writer.module.require(statement)

    def axis(self, axis: int, rank: int | None = None) -> int:
        """An axis of the first input where it stands in this backend's layout."""
        value = self.values[0]
        assert value is not None
        return stored_axis(axis, value.type.rank if rank is None else rank, value.layout)


def same(value: object) -> bool:
    """Whether a value is a tuple of equal items, or one item."""
    return not is_list(value) or len(set(value)) == 1


def literal(value: object) -> str:
    """A constant as Python; a tuple of equal sizes as one number."""
    if is_list(value):
        if value and len(set(value)) == 1:
            return literal(value[0])
        return "(" + "".join(f"{literal(item)}, " for item in value) + ")"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_text(value)
    if value is None or isinstance(value, bool | str):
        return repr(value)
    return text_of(value)  # pyright: ignore[reportArgumentType]
