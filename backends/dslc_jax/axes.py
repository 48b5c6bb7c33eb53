"""Axes and window sizes as JAX writes them: channels last, a number for every spatial axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.context import literal
from dslc.emit.layouts import axis_name
from dslc.syntax.expressions import ListOf, Literal, evaluate, free_names, to_python
from dslc.values import is_list

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


def axis_text(c: OpContext, name: str = "axis") -> str:
    """An axis of the first input in its layout; the last one is -1."""
    expression = c.written(name)
    if expression is not None and free_names(expression):
        return c.run_attribute(name)
    return axis_name(c.op.values[name], c.first.type.rank, c.first.layout)


def last_axis(c: OpContext) -> str:
    """The last axis of the first input in its layout."""
    value = c.values[0]
    assert value is not None
    return axis_name(-1, value.type.rank, value.layout)


def sizes(c: OpContext, name: str, *, run: bool = False) -> list[str]:
    """The sizes of a window along each spatial axis, where the layer is made or called."""
    rename = c.writer.call_name if run else c.writer.constructor_name
    expression, values = c.written(name), c.op.values[name]
    if expression is None or isinstance(expression, Literal):
        return [literal(value) for value in values]
    if isinstance(expression, ListOf):
        return [to_python(item, rename) for item in expression.items]
    text = to_python(expression, rename)
    if is_list(evaluate(expression, c.found.samples[0].environment)):
        return [f"{text}[{k}]" for k in range(len(values))]
    return [text] * len(values)


def sizes_text(c: OpContext, name: str, *, run: bool = False) -> str:
    """Sizes as a tuple; of one axis, as a number."""
    texts = sizes(c, name, run=run)
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def padding_pairs(c: OpContext) -> str:
    """Padding before and after each spatial axis where the layer is called; "" for none."""
    padding = c.op.values["padding"]
    if padding == "same":
        return '"SAME"'
    if all(size == 0 for size in padding):
        return ""
    pairs = [f"({text}, {text})" for text in sizes(c, "padding", run=True)]
    return f"({', '.join(pairs)}{',' * (len(pairs) == 1)})"
