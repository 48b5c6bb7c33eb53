"""What differs between frameworks whose blocks are classes: PyTorch and Flax NNX."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dslc import plugin
from dslc.emit.backend import BuildError
from dslc.emit.layouts import axis_name
from dslc.ir.graph import Parallel
from dslc.syntax.expressions import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.emit.backend import Rules
    from dslc.emit.classes import ClassWriter
    from dslc.emit.context import OpContext
    from dslc.emit.formal import FormalStep
    from dslc.emit.python import Statement
    from dslc.emit.scans import ScanText
    from dslc.ir.types import TensorType
    from dslc.ops.base import Op


class Target:
    """The words of one framework; a backend subclasses it and fills in its own.

    Class attributes:
        base: The base class of modules.
        call_name: The method that runs a module.
        tensor: The annotation of a tensor.
        imports: What every generated module imports; unused ones are dropped.
        prelude: Statements that a constructor begins with.
        generator: The keyword parameter that constructors take and hand on, or "".
        helpers: The files that hold helper functions and classes; each stands by itself.
        channels_last: Whether images are computed with their channels last.
        io_layout: The layout of a model's inputs and outputs where its caller says nothing.
        names: Names at the top level that rules may use, beside imports and helpers.
        any_layout: The ops whose rules take their inputs in any layout.
        reads_twice: Whether a step under a `when` writes its input twice: as argument and else.
        layer_ops: The ops without weights that are layers.
        seeded: What stands in helpers for the framework's own layers that draw at random, where a
            spec asks for the same bits everywhere.
        dtypes: The dtypes that have another name in this framework.
        closed: Whether a model has the models that it calls in itself.
        builds_runs: Whether layers are made where they run, so that a round's numbers are known then.
    """

    name = ""
    base = ""
    call_name = ""
    tensor = ""
    imports: tuple[str, ...] = ()
    prelude: tuple[str, ...] = ()
    generator = ""
    generator_type = ""
    helpers: tuple[Path, ...]
    channels_last = False
    io_layout = "spec"
    names: tuple[str, ...] = ()
    any_layout: tuple[type[Op], ...] = ()
    reads_twice = False
    layer_ops: tuple[type[Op], ...] = ()
    seeded: Mapping[str, str] = {}
    dtypes: Mapping[str, str] = {}
    closed = False
    builds_runs = False
    rules: Rules

    def helper_files(self) -> list[Path]:
        """The files of helpers, those of users' ops behind the backend's own."""
        own = plugin.HELPERS.get(self.rules.backend, {})
        return [*self.helpers, *map(Path, own)]

    def prepare(self, context: OpContext) -> None:
        """Puts the inputs of an op into a form that the framework computes, before its rule."""

    def new_list(self) -> str:
        """An empty list of layers."""
        raise TypeError("a target says how it makes lists")

    def listed(self, comprehension: str) -> str:
        """A list of layers from a comprehension."""
        raise TypeError("a target says how it makes lists")

    def optional(self, constructor: str, condition: str, *, alone: bool) -> str:
        """A layer that is only made under a condition; `alone` where it is called on one value."""
        raise TypeError("a target says what stands for an absent layer")

    def none_if_absent(self, constructor: str) -> str:
        """An optional layer's constructor, where what stands for an absent one is never called."""
        return constructor

    def call_optional(self, layer: str, args: str, otherwise: str) -> str:
        """A call of a layer that may be absent."""
        raise TypeError("a target says what stands for an absent layer")

    def in_dtype(self, constructor: str, dtype: str) -> str:
        """A constructor of a layer whose weights are no f32."""
        raise BuildError(f"weights are f32 in this backend, not {dtype}")

    def without(self, context: OpContext, constructor: str, weights: list[str]) -> str:
        """A constructor of a layer that has none of some weights."""
        raise TypeError("a target says how layers share weights")

    def own_name(self, op: Op, weight: str) -> str:
        """What the layer of an op calls one of its weights."""
        del op
        return weight

    def tied_text(self, context: OpContext, weight: str) -> str:
        """The weight that one of an op's is, as the op's layer has it."""
        return ".".join(filter(None, context.owner_of(weight)))

    def call_given(
        self, context: OpContext, layer: str, weights: Mapping[str, str], arguments: list[str]
    ) -> str:
        """The call of a layer with weights of others."""
        raise TypeError("a target says how layers share weights")

    def joined(
        self, way: str, texts: list[str], found: FormalStep, writer: ClassWriter, layout: str
    ) -> str | dict[str, str]:
        """Paths joined: `add`, `mul`, `concat` and `stack` give one expression, `none` several."""
        if way == "add":
            return " + ".join(texts)
        if way == "mul":
            return " * ".join(texts)
        action = found.step.action
        assert isinstance(action, Parallel)
        if way == "none":
            slots = [label or str(k) for k, (label, _) in enumerate(action.branches)]
            return {"": texts[0], **dict(zip(slots, texts, strict=True))}
        axis = writer.expression(action.axis)
        if layout == "last":
            axis = axis_name(evaluate(action.axis, {}), found.outputs[""].rank, layout)
        return self.concatenated(texts, axis) if way == "concat" else self.stacked(texts, axis)

    def concatenated(self, texts: list[str], axis: str) -> str:
        """Values joined along an axis."""
        raise TypeError("a target says how it concatenates")

    def stacked(self, texts: list[str], axis: str) -> str:
        """Values on a new axis."""
        raise TypeError("a target says how it stacks")

    def scan(self, writer: ClassWriter, text: ScanText) -> list[Statement]:
        """The statements of a scan; behind them its carries' variables hold their last values."""
        raise TypeError("a target says how it scans")

    def stacked_rounds(self, text: ScanText) -> str:
        """What a scan's rounds handed out, on one axis."""
        raise TypeError("a target says how it scans")

    def to_last(self, text: str, type: TensorType) -> str:
        """A channels-first value with its channels last."""
        order = ", ".join(str(k) for k in (0, *range(2, type.rank), 1))
        return f"{text}.transpose({order})"

    def to_spec(self, text: str, type: TensorType) -> str:
        """A channels-last value in the spec's order."""
        order = ", ".join(str(k) for k in (0, type.rank - 1, *range(1, type.rank - 1)))
        return f"{text}.transpose({order})"
