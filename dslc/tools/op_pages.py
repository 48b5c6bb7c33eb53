"""An op's page, as text: made from its class, so that it cannot disagree with the checker."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from dslc.ops.attributes import show

if TYPE_CHECKING:
    from dslc.ops.attributes import Attribute
    from dslc.ops.base import Input, Op


def summary_line(op: type[Op]) -> str:
    """The first sentence of what an op does, without marks of emphasis."""
    first = documentation(op).split("\n\n")[0].replace("\n", " ")
    return first.split(" Source:")[0].rstrip(".")


def documentation(declared: type) -> str:
    """A class's docstring without its indentation."""
    return inspect.cleandoc(declared.__doc__ or "")


def op_page(op: type[Op]) -> str:
    """The whole page in Markdown: meaning, inputs, outputs, attributes."""
    parts = [f"## {op.name}", documentation(op), f"Family: {op.family}."]
    inputs = [_input(item) for item in op.inputs] or ["none"]
    parts.append("Inputs: " + ", ".join(inputs) + ".")
    if op.outputs:
        parts.append("Outputs: " + ", ".join(f"`{name}`" for name in op.outputs) + ".")
    if op.attributes:
        rows = [_row(name, item, op.primary) for name, item in op.attributes.items()]
        head = "| attribute | takes | default | meaning |\n| --- | --- | --- | --- |"
        parts.append("\n".join([head, *rows]))
    if op.primary:
        parts.append(f"`- {op.name}: value` sets `{op.primary}`.")
    return "\n\n".join(parts)


def _input(item: Input) -> str:
    """An input with what it holds and what stands in for it."""
    holds = "any values" if item.holds == "any" else f"{item.holds} values"
    many = ", any number" if item.variadic else ""
    default = ""
    if item.default is not None:
        default = ", optional" if item.default == "none" else f", by default `{item.default}`"
    return f"`{item.name}` ({holds}{many}{default})"


def _row(name: str, item: Attribute, primary: str | None) -> str:
    """One attribute's row."""
    default = "required" if item.required else f"`{show_default(item.default)}`"
    mark = f"**`{name}`**" if name == primary else f"`{name}`"
    return f"| {mark} | {item.describe()} | {default} | {item.doc} |"


def show_default(value: object) -> str:
    """A default as a spec would write it."""
    return "null" if value is None else show(value)
