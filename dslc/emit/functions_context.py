"""What a rule sees where a layer is made and called in one expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.backend import BuildError
from dslc.emit.context import OpContext
from dslc.emit.flattening import linear_behind
from dslc.emit.flow import LONGEST
from dslc.emit.functions_runtime import RuntimeLayer, unknown_names
from dslc.emit.python import Line
from dslc.ir.dims import Dim, symbols_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.emit.flow import Value
    from dslc.emit.formal import FormalStep
    from dslc.emit.functions import FunctionWriter
    from dslc.emit.functions_runtime import Code
    from dslc.ir.dims import DimLike
    from dslc.ir.graph import Step


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
        if self.owned is not None:
            return f"{self.writer.layer_of(self.step, self.owned)}({arguments})"
        step = self.step
        shares = step.repeat is not None and step.repeat.share
        owner = step.id if self.found.reused is None else self.found.reused
        if owner in self.function.reused():
            refuse_instances(self.found)
        elif not self.users and not shares:
            if len(constructor) + len(arguments) <= LONGEST:
                return f"{constructor}({arguments})"
            variable = self.body.layer_variable(step.label, is_kept=False)
            self.statement(f"{variable} = {constructor}")
            return f"{variable}({arguments})"
        if owner not in self.function.kept:
            variable = self.body.layer_variable(step.label)
            self.function.kept[owner] = variable
            line = Line(f"{variable} = {constructor}")
            (self.body.loops.before[-1] if shares else self.body.flow.lines).append(line)
        return f"{self.function.kept[owner]}({arguments})"

    def tied_layer(self, weight: str) -> tuple[Step, str] | None:
        """The step that owns the weight that one of this op's is tied to, and its layer."""
        tie = self.step.tie.get(weight)
        self.untied.discard(weight)
        if self.owned is not None:
            return None
        return None if tie is None else self.function.tied_layer(self.step, tie)

    @property
    def users(self) -> list[Step]:
        """The steps whose weights are this op's."""
        return self.function.ties.users.get(self.step.id, [])

    def keep(self, variable: str) -> None:
        """Keeps the tensor of this op's weight for the steps that share it."""
        self.function.kept[self.step.id] = variable

    def is_static(self, dim: object) -> bool:
        """Whether a size is known when the model is built."""
        if not isinstance(dim, Dim):
            return True
        carried = any(symbol.startswith("Carry") for symbol in symbols_of(dim))
        return not carried and all(self.function.is_static(s) for s in symbols_of(dim))

    def width(self, dim: DimLike) -> str:
        """A size of the first input where it stands, from its shape if nothing else knows it."""
        return self.size(dim) if self.is_static(dim) else f"{self.variable()}.shape[-1]"

    def parameter(self, weight: str, shape: list[str]) -> str:
        """A learned tensor that no native layer has, in a variable; it hangs on the first input."""
        anchors = self.body.anchors
        anchor = anchors[-1].text if anchors else next(iter(self.body.inputs.values()))
        if self.owned is not None:
            layer = self.function.layer_of(self.step, self.owned, *([weight] if weight else []))
            return f"{layer}({anchor})"
        name = self.path(weight) if weight else self.name
        sizes = "".join(f"{size}, " for size in shape)
        wanted = f"{self.step.label}_{weight}" if weight else self.step.label
        variable = self.body.names.fresh(wanted)
        layer = f"{self.helper('Parameter')}(({sizes}), name={name})"
        self.statement(f"{variable} = {layer}({anchor})")
        return variable

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


def refuse_instances(found: FormalStep) -> None:
    """Refuses to run a repeat again whose instances have weights of their own."""
    if found.step.repeat is not None and not found.step.repeat.share:
        reason = f"`{found.step.label}` repeats and is used again"
        raise BuildError(f"{reason}: put it into a `group` with a name, and reuse that")


def beside(steps: list[FormalStep], left: FormalStep, right: FormalStep) -> bool:
    """Whether two steps stand in one scope."""
    if any(found is left for found in steps):
        return any(found is right for found in steps)
    return any(beside(inner, left, right) for found in steps for inner in found.bodies)
