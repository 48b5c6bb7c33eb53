"""The facts that a model rests on, checked where its inputs come in.

A functional graph is made once for all sizes, so a layer behind the inputs looks at them. It is
saved as Keras's `Identity`: a saved model loads without our code, and without the check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.flow import Value
from dslc.emit.layouts import stored_axis
from dslc.emit.method import entry_facts, negated
from dslc.emit.python import Class, Function, If, Line, Parameter
from dslc.ir.graph import MODULE
from dslc.syntax.expressions import free_names, to_python, to_spec
from dslc_keras.dtypes import DTYPES
from dslc_keras.layers import dtype_of

if TYPE_CHECKING:
    from dslc.emit.functions_body import FunctionBody
    from dslc.emit.python import Statement
    from dslc.ir.types import TensorType
    from dslc.syntax.expressions import Expr

FLOAT_WIDTHS = {"bf16": 1, "f16": 1, "f32": 2, "f64": 3}
DOC = "Passes on what the network is right for; saved as Keras's own layer."


def check_facts(body: FunctionBody) -> None:
    """Puts a layer behind the inputs of a model that rests on facts about their sizes."""
    function = body.function
    facts = [
        fact
        for fact in entry_facts(body.formal.module)
        if any(not function.is_static(name) for name in free_names(fact))
    ]
    if facts:
        FactsLayer(body, facts).write()


def width(type: TensorType) -> int:
    """How much a float holds: the layer has one dtype, the widest; 0 for what is none."""
    return FLOAT_WIDTHS.get(type.dtype, 0)


@final
class FactsLayer:
    """The layer: the inputs that it looks at, the sizes it reads, the numbers it is given."""

    def __init__(self, body: FunctionBody, facts: list[Expr]) -> None:
        self.body = body
        self.function = body.function
        self.facts = facts
        names = dict.fromkeys(name for fact in facts for name in sorted(free_names(fact)))
        scope = self.function.module.names.child()
        self.sizes = {n: scope.fresh(n.lower()) for n in names if not self.function.is_static(n)}
        self.numbers = {n: scope.fresh(n) for n in names if self.function.is_static(n)}
        places = [self.place(name) for name in self.sizes]
        self.inputs = list(dict.fromkeys(input for input, _ in places))
        wanted = ["x"] if len(self.inputs) == 1 else self.inputs
        self.tensors = {
            input: scope.fresh(name) for input, name in zip(self.inputs, wanted, strict=True)
        }

    def write(self) -> None:
        """Writes the class, and its call in the function."""
        flow, module = self.body.flow, self.function.functions
        name = module.names.fresh("Identity")
        module.add_class(Class(name, ["layers.Identity"], DOC, [*self.head(), self.method()]))
        old = [flow.values[MODULE, input] for input in self.inputs]
        busy = {*self.body.inputs.values()}
        new: list[str] = []
        for input, value in zip(self.inputs, old, strict=True):
            kept = value.text in self.body.inputs.values()
            key = (MODULE, input)
            new.append(flow.variable(key, frozenset(busy)) if kept else value.text)
            busy.add(new[-1])
            variables = frozenset((new[-1],))
            flow.values[key] = Value(new[-1], variables, value.type, layout=value.layout)
        given = ", ".join(value.text for value in old)
        widest = max((value.type for value in old), key=width)
        options = [*map(self.function.constructor_name, self.numbers), dtype_of(widest)]
        layer = f"{name}({', '.join(text for text in options if text)})"
        call = f"{layer}({given if len(old) == 1 else f'[{given}]'})"
        flow.lines.append(Line(f"{', '.join(new)} = {call}"))
        for variable, value in zip(new, old, strict=True):
            if 0 < width(value.type) < width(widest):
                narrow = f'ops.cast({variable}, "{DTYPES[value.type.dtype]}")'
                flow.lines.append(Line(f"{variable} = {narrow}"))

    def head(self) -> list[Statement]:
        """What stands above the method."""
        lines: list[Statement] = [Line('__module__ = "keras.layers"')]
        if not self.numbers:
            return lines
        options = Parameter("options", "Any", None, "variadic keyword")
        parameters = [Parameter(n, "int | None", "None") for n in self.numbers.values()]
        self.function.module.require("from typing import Any")
        own = [Line(f"self.{name} = {name}") for name in self.numbers.values()]
        body = [Line("super().__init__(**options)"), *own]
        made = Function("__init__", [Parameter("self"), *parameters, options], "None", "", body)
        config = Line(
            'return {"name": self.name, "dtype": self.dtype_policy}',
            "all that Keras's own layer knows",
        )
        saved = Function("get_config", [Parameter("self")], "dict[str, Any]", "", [config])
        return [*lines, made, saved]

    def method(self) -> Function:
        """The method that looks at the sizes."""
        kind = self.function.target.tensor
        several = len(self.tensors) > 1
        variables = list(self.tensors.values())
        kind = f"list[{kind}]" if several else kind
        taken = "inputs" if several else variables[0]
        lines: list[Statement] = [Line(f"{', '.join(variables)} = inputs")] if several else []
        for input in self.inputs:
            lines += self.reads(input)
        lines += [self.check(fact) for fact in self.facts]
        parameters = [Parameter("self"), Parameter(taken, kind)]
        return Function("call", parameters, kind, "", [*lines, Line(f"return {taken}")])

    def reads(self, input: str) -> list[Statement]:
        """The sizes that are read from one input, those side by side at once."""
        places = {name: self.place(name) for name in self.sizes}
        axes = sorted((axis, self.sizes[n]) for n, (own, axis) in places.items() if own == input)
        tensor, first, last = self.tensors[input], axes[0][0], axes[-1][0]
        if 1 < len(axes) == last - first + 1:
            names = ", ".join(name for _, name in axes)
            return [Line(f"{names} = {tensor}.shape[{first or ''}:{last + 1}]")]
        return [Line(f"{name} = {tensor}.shape[{axis}]") for axis, name in axes]

    def check(self, fact: Expr) -> Statement:
        """What refuses sizes for which a fact does not hold, as far as they are known."""
        used = sorted(free_names(fact))
        known = [self.text(name) for name in used]
        given = (
            f"{known[0]} is not None" if len(known) == 1 else f"None not in ({', '.join(known)})"
        )
        shown = ", ".join(f"{name} = {{{self.text(name)}}}" for name in used)
        message = f"{to_spec(fact)} does not hold for {shown}"
        wrong = to_python(negated(fact), self.text)
        return If(f"{given} and ({wrong})", [Line(f"raise ValueError(f{message!r})")])

    def text(self, name: str) -> str:
        """A name of the spec in the layer."""
        return self.sizes[name] if name in self.sizes else f"self.{self.numbers[name]}"

    def place(self, name: str) -> tuple[str, int]:
        """The input that has a size, and its axis as it lies."""
        place = self.function.parameters.place(name)
        assert place is not None
        value = self.body.flow.values[MODULE, place[0]]
        return place[0], stored_axis(place[1], value.type.rank, value.layout)
