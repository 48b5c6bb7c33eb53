"""Constructors that a module calls again and again with the same numbers, as partials at its top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.context import OpContext
from dslc.emit.flattening import all_formal

if TYPE_CHECKING:
    from dslc.emit.formal import FormalStep


def constructor(
    c: OpContext, made_by: str, attributes: tuple[str, ...], options: str
) -> tuple[str, str]:
    """What makes an op's layer, and the options still to be given there.

    Args:
        c: The op.
        made_by: The class of the layer.
        attributes: The op's attributes that the options write out.
        options: Keyword arguments, as `use_bias=False`.

    Returns:
        A partial and no options where every such op of the module has the same constants, and there
        are several; else the class and the options.
    """
    uses = [
        found
        for formal in c.writer.module.formals
        for found in all_formal(formal.steps)
        if type(found.op) is type(c.op)
    ]
    if len(uses) < 2 or len({constants(c, found, attributes) for found in uses}) > 1:
        return made_by, f", {options}"
    if constants(c, c.found, attributes) is None:
        return made_by, f", {options}"
    name = c.op.name
    c.require("from functools import partial")
    c.writer.module.constants[name] = f"partial({made_by}, {options})"
    return name, ""


def constants(
    c: OpContext, found: FormalStep, attributes: tuple[str, ...]
) -> tuple[object, ...] | None:
    """The values of attributes that are constants; None where one is an expression."""
    assert found.op is not None
    context = OpContext(c.writer, found, [])
    if any(not context.is_constant(name) for name in attributes):
        return None
    return tuple(found.op.values[name] for name in attributes)
