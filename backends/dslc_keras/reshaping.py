"""Reshapes in Keras: native where one size at most is not known, a layer of the module's own else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ir.dims import text_of
from dslc.syntax.expressions import ListOf, to_python
from dslc_keras.layers import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.emit.context import OpContext
    from dslc.ir.dims import DimLike
    from dslc.syntax.expressions import Expr

DOC = "A reshape with several sizes that only a run knows."


def flatten_image(c: OpContext) -> str:
    """All axes after the first as one, in the spec's order.

    An image that only a linear map reads is flattened as it lies; the layer's name tells
    `portable.py` to permute that map's weight.
    """
    if c.types[0].rank == 2:
        return c.x
    if c.first.layout == "last" and any(size != 1 for size in c.types[0].shape[2:]):
        name = c.flattened_name()
        if name is not None:
            return plain(c, "layers.Flatten", f"name={name}")
        c.values[0] = c.writer.body.in_layout(c.first, "spec")
    return plain(c, "layers.Flatten")


def reshaped(c: OpContext, shape: list[DimLike]) -> str:
    """The first input in another shape."""
    given = c.written("shape")
    items = given.items if isinstance(given, ListOf) else ()
    stated = c.op.values.get("shape", ())
    written = [items[k] if items and stated[k] != -1 else None for k in range(len(shape))]
    texts = [size_text(c, dim, item) for dim, item in zip(shape, written, strict=True)]
    keeps_rows = bool(shape) and bool(c.types[0].shape) and shape[0] == c.types[0].shape[0]
    if keeps_rows and texts[0] is None and texts[1:].count(None) <= 1 and len(texts) > 1:
        sizes = "".join(f"{text or -1}, " for text in texts[1:])
        return plain(c, "layers.Reshape", f"({sizes})")
    if texts.count(None) <= 1:
        return f"ops.reshape({c.x}, ({''.join(f'{text or -1}, ' for text in texts)}))"

    def code(x: str, rename: Callable[[str], str]) -> str:
        if items:
            sizes = [to_python(item, rename) for item in items]
        else:
            sizes = [text_of(dim, rename) for dim in shape]
        return f"ops.reshape({x}, ({''.join(f'{size}, ' for size in sizes)}))"

    return c.at_run_time(None, code, DOC)


def size_text(c: OpContext, dim: DimLike, written: Expr | None) -> str | None:
    """A size of the new shape, None where only a run knows it."""
    if not c.is_static(dim):
        return None
    return c.size(dim) if written is None else to_python(written, c.writer.constructor_name)
