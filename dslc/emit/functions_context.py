"""What a rule sees where a layer is made and called in one expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.context import OpContext
from dslc.emit.flattening import linear_behind
from dslc.emit.flow import LONGEST
from dslc.emit.functions_runtime import RuntimeLayer, unknown_names
from dslc.ir.dims import Dim, symbols_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.emit.flow import Value
    from dslc.emit.formal import FormalStep
    from dslc.emit.functions import FunctionWriter
    from dslc.emit.functions_runtime import Code
    from dslc.ir.dims import DimLike
    from dslc.ops.base import Op


@final
class FunctionContext(OpContext):
    """One op in one function: the layer's name, and layers that several steps call."""

    is_symbolic = True

    def __init__(
        self, writer: FunctionWriter, found: FormalStep, values: list[Value | None]
    ) -> None:
        super().__init__(writer, found, values)
        self.function = writer
        self.body = writer.function_body

    @property
    def name(self) -> str:
        """The layer's name, which is its weights' path, as an expression."""
        return self.body.path_text(self.body.label_of(self.found))

    def path(self, *words: str) -> str:
        """The name of a layer below this one's."""
        return self.body.path_text(self.body.label_of(self.found), *words)

    def call(self, constructor: str, arguments: str) -> str:
        """A layer called; one that several steps or rounds call is kept in a variable."""
        function, step = self.function, self.step
        if self.owned is not None:
            layer = function.layer_of(step, self.owned)
            return f"{function.here(step, layer, None, self.owned)}({arguments})"
        if self.untied:
            target = function.functions_target
            constructor, arguments = target.with_others(self, constructor, arguments)
            self.untied.clear()
        if self.found.reused is not None:
            return f"{function.again(self.found)}({arguments})"
        if step.id in function.kept_layers():
            return f"{function.keep(self.found, constructor)}({arguments})"
        if len(constructor) + len(arguments) <= LONGEST:
            return f"{constructor}({arguments})"
        variable = self.body.layer_variable(step.label, is_kept=False)
        self.statement(f"{variable} = {constructor}")
        return f"{variable}({arguments})"

    def with_others(self, text: str) -> str:
        """What the rule wrote: the layer in it has other layers' weights already."""
        return text

    @property
    def is_lent(self) -> bool:
        """Whether other steps read this op's weights, and do not just call its layer."""
        return self.function.is_read_elsewhere(self.found)

    @property
    def is_called_again(self) -> bool:
        """Whether other steps call this op's layer, or it calls another step's."""
        module = self.function.formal.module.name
        lends = (module, self.step.id) in self.function.module.owners.whole
        again = self.owned is not None or self.found.reused is not None
        return again or lends or self.step.id in self.function.reused()

    def owner_op(self, weight: str) -> type[Op] | None:
        """The op that has the weight which one of this op's is; None where that is its own."""
        if not self.is_tied(weight):
            return None
        return self.writer.tied_op(self.step, self.step.tie[weight])

    def owner_layer(self, weight: str) -> tuple[str, str]:
        """The layer that has the weight which one of this op's is, and the weight's name there."""
        tie = self.step.tie[weight]
        self.untied.discard(weight)
        owner = self.function.owner(self.step, tie)
        return self.function.layer_of(self.step, tie), owner.weight or "weight"

    def owner_layer_here(self, weight: str) -> str:
        """The layer that has the weight which one of this op's is, to be called by this op."""
        layer, _ = self.owner_layer(weight)
        return self.function.here(self.step, layer, None, self.step.tie[weight])

    def owner_layer_kept(self, weight: str) -> tuple[str, str]:
        """As `owner_layer`, while the weight still counts as one that the rule has not asked for."""
        untied = set(self.untied)
        found = self.owner_layer(weight)
        self.untied = untied
        return found

    def is_static(self, dim: object) -> bool:
        """Whether a size is known when the model is built."""
        if not isinstance(dim, Dim):
            return True
        carried = any(symbol.startswith("Carry") for symbol in symbols_of(dim))
        return not carried and all(self.function.is_static(s) for s in symbols_of(dim))

    def width(self, dim: DimLike) -> str:
        """A size of the first input where it stands, from its shape if nothing else knows it."""
        return self.size(dim) if self.is_static(dim) else f"{self.variable()}.shape[-1]"

    @property
    def anchor(self) -> str:
        """A value of the graph, on which a layer is called that needs none."""
        anchors = self.body.anchors
        return anchors[-1].text if anchors else next(iter(self.body.inputs.values()))

    def parameter(self, weight: str, shape: list[str]) -> str:
        """A learned tensor that no native layer has, in a variable; it hangs on the first input."""
        anchor = self.anchor
        variable = self.body.names.fresh(
            f"{self.step.label}_{weight}" if weight else self.step.label
        )
        self.statement(f"{variable} = {self.parameter_layer(weight, shape)}({anchor})")
        return variable

    def parameter_layer(self, weight: str, shape: list[str]) -> str:
        """The layer that has a learned tensor: another's, or its own, which may be kept."""
        function = self.function
        if self.owned is not None:
            layer = function.layer_of(self.step, self.owned, *([weight] if weight else []))
            return function.here(self.step, layer, None, self.owned)
        if self.found.reused is not None and not weight:
            return function.again(self.found)
        name = self.path(weight) if weight else self.name
        sizes = "".join(f"{size}, " for size in shape)
        options = [f"({sizes})", function.functions_target.layer_options(self.out), f"name={name}"]
        layer = f"{self.helper('Parameter')}({', '.join(text for text in options if text)})"
        is_kept = not weight and self.step.id in function.kept_layers()
        return function.keep(self.found, layer) if is_kept else layer

    def at_run_time(self, attributes: Iterable[str] | None, code: Code, doc: str) -> str:
        known = attributes is not None
        if known and not unknown_names(self.function, self.found, attributes):
            return code(self.x, self.function.constructor_name)
        return RuntimeLayer(self).call(code, doc)

    def flattened_name(self) -> str | None:
        steps = self.function.formal.steps
        reader = linear_behind(self.function.formal, self.found, seeded=self.is_seeded)
        if reader is None or not beside(steps, self.found, reader):
            return None
        name = self.function.formal.module.name
        if self.function.module.owners.reads(name, reader.step.id):
            return None
        return self.body.path_text(reader.step.label, "flatten")


def beside(steps: list[FormalStep], left: FormalStep, right: FormalStep) -> bool:
    """Whether two steps stand in one scope."""
    if any(found is left for found in steps):
        return any(found is right for found in steps)
    return any(beside(inner, left, right) for found in steps for inner in found.bodies)
