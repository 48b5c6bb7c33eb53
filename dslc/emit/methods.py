"""Classes as they stand in a module. A model may be a method of another's class, which makes its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.python import Class, Function
from dslc.emit.units import Unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.emit.classes import ClassWriter
    from dslc.emit.python import Statement

INIT = "__init__"


def add_class(writer: ClassWriter, body: Sequence[Statement]) -> None:
    """Puts a class into the module."""
    module, own = writer.module, writer.formal.module
    if own.method is not None:
        join_method(writer, body)
        return
    name = module.class_names[own.name]
    module.classes.append(Class(name, [writer.target.base], writer.body.docstring(), body))
    module.units[own.name] = Unit(name, writer)


def join_method(writer: ClassWriter, body: Sequence[Statement]) -> None:
    """Puts the constructor and the method of a model into the class of the model at its home."""
    module, own = writer.module, writer.formal.module
    others = (unit.writer for unit in module.units.values())
    first = next(other for other in others if other.formal.module.home == own.home)
    name = module.class_names[own.name] = module.class_names[first.formal.module.name]
    made = next(one for one in module.classes if isinstance(one, Class) and one.name == name)
    parts = [one for one in (*made.body, *body) if isinstance(one, Function)]
    methods: list[Statement] = [one for one in parts if one.name != INIT]
    makers = [one for one in parts if one.name == INIT]
    if makers:
        prelude = len(writer.target.prelude)
        lines = [line for one in makers for line in one.body[prelude:]]
        parameters = {item.name: item for one in makers for item in one.parameters}
        start = makers[0].body[:prelude]
        methods.insert(0, Function(INIT, [*parameters.values()], "None", "", [*start, *lines]))
    first.parameters.files |= writer.parameters.files
    first.parameters.generates |= writer.parameters.generates
    module.classes.remove(made)  # behind the blocks that the new method calls
    module.classes.append(Class(name, made.bases, made.doc, methods))
    module.units[own.name] = Unit(name, writer)
