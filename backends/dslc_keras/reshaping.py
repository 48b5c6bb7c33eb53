"""Reshapes in Keras: native where one size at most is not known, a layer of the module's own else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.flattening import linear_behind
from dslc.ir.dims import text_of
from dslc.syntax.expressions import ListOf, Literal, to_python

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.emit.formal import FormalStep
    from dslc.emit.functions_context import FunctionContext
    from dslc.ir.dims import DimLike

DOC = "A reshape with several sizes that only a run knows."


def flatten_image(c: FunctionContext) -> str:
    """All axes after the first as one, in the spec's order.

    An image that only a linear map reads is flattened as it lies; the layer's name tells
    `portable.py` to permute that map's weight.
    """
    if c.types[0].rank == 2:
        return c.x
    if c.first.layout == "last" and any(size != 1 for size in c.types[0].shape[2:]):
        reader = linear_behind(c.function.formal, c.found)
        if reader is not None and beside(c.function.formal.steps, c.found, reader):
            return f"layers.Flatten(name={c.body.path_text(reader.step.label, 'flatten')})({c.x})"
        c.values[0] = c.body.in_layout(c.first, "spec")
    return f"layers.Flatten()({c.x})"


def beside(steps: list[FormalStep], left: FormalStep, right: FormalStep) -> bool:
    """Whether two steps stand in one scope."""
    if any(found is left for found in steps):
        return any(found is right for found in steps)
    return any(beside(inner, left, right) for found in steps for inner in found.bodies)


def reshaped(c: FunctionContext, shape: list[DimLike]) -> str:
    """The first input in another shape."""
    given = c.written("shape")
    items = given.items if isinstance(given, ListOf) else ()
    texts = [size_text(c, dim, items[k] if items else None) for k, dim in enumerate(shape)]
    keeps_rows = bool(shape) and bool(c.types[0].shape) and shape[0] == c.types[0].shape[0]
    if keeps_rows and texts[0] is None and texts[1:].count(None) <= 1 and len(texts) > 1:
        return f"layers.Reshape(({''.join(f'{text or -1}, ' for text in texts[1:])}))({c.x})"
    if texts.count(None) <= 1:
        return f"ops.reshape({c.x}, ({''.join(f'{text or -1}, ' for text in texts)}))"

    def code(x: str, rename: Callable[[str], str]) -> str:
        if items:
            sizes = [to_python(item, rename) for item in items]
        else:
            sizes = [text_of(dim, rename) for dim in shape]
        return f"ops.reshape({x}, ({''.join(f'{size}, ' for size in sizes)}))"

    return c.as_layer(code, DOC)


def size_text(c: FunctionContext, dim: DimLike, written: object) -> str | None:
    """A size of the new shape, None where only a run knows it."""
    if not c.is_static(dim):
        return None
    if written is None or (isinstance(written, Literal) and written.value == -1):
        return c.size(dim)
    return to_python(written, c.function.constructor_name)  # pyright: ignore[reportArgumentType]
