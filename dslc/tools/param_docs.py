"""What a spec says about its own params."""

from __future__ import annotations

from dslc.typed import TYPE_CHECKING
from dslc.values import is_list

if TYPE_CHECKING:
    from dslc.ir.graph import Program


def documented_params(program: Program) -> list[dict[str, object]]:
    """The file's params that have a `doc`, as JSON has them: name, type, value and doc."""
    return [
        {
            "name": param.name,
            "type": param.kind or ("list" if is_list(program.values.get(param.name)) else None),
            "value": plain(program.values.get(param.name)),
            "doc": param.doc,
        }
        for param in program.params
        if param.doc
    ]


def plain(value: object) -> object:
    """A param's value with lists for tuples."""
    return [plain(item) for item in value] if is_list(value) else value
