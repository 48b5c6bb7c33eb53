"""Layouts inside a channels-last backend: which one an op wants, and which one it gives.

A value is laid out as the spec says ("spec") or with its channels last ("last"). What works on each
element takes either; an op that names axes has them mapped; an op that drops axes gives whichever
layout is left without a transpose, where one is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ir.graph import ApplyOp, Parallel
from dslc.syntax.expressions import free_names

if TYPE_CHECKING:
    from collections.abc import Collection

    from dslc.emit.borders import Borders
    from dslc.emit.flow import Value
    from dslc.emit.formal import FormalStep
    from dslc.emit.target import Target
    from dslc.ir.graph import Action


def wanted_layouts(
    target: Target, borders: Borders, found: FormalStep, values: list[Value]
) -> list[str]:
    """The layout in which a step wants each of the inputs that are given."""
    if found.callee is not None:
        given = zip(found.step.inputs, found.callee.inputs, strict=True)
        return [borders.input(found.callee, name) for ref, name in given if ref is not None]
    if found.op is None:
        return [value.layout for value in values]
    if isinstance(found.op, target.any_layout):
        return [value.layout for value in values]
    spec = ["spec"] * len(values)
    kind = found.op.layout
    if kind == "channels":
        return ["last" if values[0].type.rank > 2 else "spec", *spec[1:]]
    if kind == "spec" or all(value.layout == "spec" for value in values):
        return spec
    if kind == "elementwise" and len({value.type.rank for value in values}) == 1:
        return ["last"] * len(values)
    return axes_layouts(found, values) or spec if kind == "axes" else spec


def axes_layouts(found: FormalStep, values: list[Value]) -> list[str] | None:
    """The layouts for an op that names axes: channels last, and a target without its class axis."""
    assert found.op is not None
    first = values[0]
    if first.layout == "spec" and not found.op.inputs[0].variadic:
        return None
    dropped = dropped_axes(found, first)
    if dropped is None or layout_without(first, dropped) is None:
        return None
    wanted: list[str] = []
    for value in values:
        layout = "last"
        if value.type.rank != first.type.rank:
            layout = layout_without(first, {found.op.values["axis"] % first.type.rank})
        if layout is None:
            return None
        wanted.append(layout)
    return wanted


def layout_after(found: FormalStep, values: list[Value]) -> str:
    """The layout of an op's value."""
    if not values or found.op is None or found.outputs[""].rank == 0:
        return "spec"
    first = values[0]
    if found.outputs[""].rank == first.type.rank:
        return first.layout
    if found.op.layout != "axes":
        return "spec"
    return layout_without(first, dropped_axes(found, first)) or "spec"


def dropped_axes(found: FormalStep, value: Value) -> Collection[int] | None:
    """The axes of its first input that an op drops; None where they are not always the same."""
    op, step = found.op, found.step
    assert op is not None
    assert isinstance(step.action, ApplyOp)
    axis = step.action.attributes.get("axis")
    if axis is not None and free_names(axis):
        return None
    rank = value.type.rank
    if found.outputs[""].rank == rank:
        return ()
    if found.outputs[""].rank == 0:
        return range(rank)
    axes = op.values["axis"]
    return {k % rank for k in (axes if isinstance(axes, tuple) else (axes,))}  # pyright: ignore[reportUnknownVariableType]


def layout_without(value: Value, dropped: Collection[int] | None) -> str | None:
    """The layout of a value without some of its axes; None where it is neither of the two."""
    if dropped is None:
        return None if value.layout == "last" else "spec"
    left = [axis for axis in stored_order(value.type.rank, value.layout) if axis not in dropped]
    if left == sorted(left):
        return "spec"
    last = [sorted(left)[k] for k in stored_order(len(left), "last")]
    return "last" if left == last else None


def stored_order(rank: int, layout: str) -> list[int]:
    """The axes of the spec in the order in which a layout stores them."""
    if layout == "spec" or rank < 3:
        return list(range(rank))
    return [0, *range(2, rank), 1]


def join_layout(action: Action, values: list[Value], way: str) -> str:
    """The layout in which paths meet: channels last where one path is and their axes are known."""
    equal = len({value.type.rank for value in values}) == 1
    if isinstance(action, Parallel) and free_names(action.axis):
        equal = equal and way != "concat"
    turned = any(value.layout == "last" for value in values)
    return "last" if turned and equal and way in ("add", "mul", "concat") else "spec"


def axis_name(axis: object, rank: int, layout: str) -> str:
    """An axis of the spec where it stands in a layout; the last one is -1."""
    assert isinstance(axis, int)
    place = stored_axis(axis, rank, layout)
    return "-1" if place == rank - 1 else str(place)


def stored_axis(axis: int, rank: int, layout: str) -> int:
    """Where an axis of the spec stands in a layout."""
    return stored_order(rank, layout).index(axis % rank)
