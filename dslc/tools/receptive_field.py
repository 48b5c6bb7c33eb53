"""How much of the input one place of a value sees, along each axis of places.

Places are axes 2 and on of images and series (`[N, C, …]`). A window of `kernel` with `dilation`
widens the view by `dilation * (kernel - 1)` steps of the input, and its stride makes every later
step that much longer (Araujo et al. 2019, "Computing receptive fields of convolutional neural
networks"). Where paths meet the wider view counts; an op that mixes all places ends the view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ir.graph import MODULE, REGION_INPUT, Reuse
from dslc.ir.walk import followers

if TYPE_CHECKING:
    from dslc.ir.graph import Ref
    from dslc.ir.instance import BodyInstance, Instance, Iteration, StepInstance
    from dslc.ops.base import Op

View = tuple[tuple[int, int], ...] | None
"""For each axis of places the width seen and the step; None where there is no view any more."""

Views = dict[tuple[int, str], View]


class _Walk:
    def __init__(self) -> None:
        self.last: View = None

    def instance(self, instance: Instance, views: tuple[View, ...]) -> View:
        """The view of a module's value."""
        known: Views = {
            (MODULE, name): view for name, view in zip(instance.inputs, views, strict=True)
        }
        return self.body(instance.body, known)

    def body(self, body: BodyInstance, known: Views) -> View:
        """The view of the value that a body ends on."""
        for step in body.steps:
            known[step.step.id, ""] = self.step(step, known)
            for slot, ref in step.step.exports:
                known[step.step.id, slot] = self.look_up(ref, known)
        return known.get((body.result.owner, body.result.slot))

    def step(self, found: StepInstance, known: Views) -> View:
        """The view after all iterations of a step."""
        inputs = [self.look_up(ref, known) for ref in found.step.inputs]
        current = inputs[0] if inputs else None
        for iteration in found.iterations:
            if iteration is not None:
                pairs = zip(followers(found.step.action, found.step.inputs), inputs, strict=True)
                given = tuple(current if follows else view for follows, view in pairs)
                current = self.iteration(found, iteration, given, known)
        return current

    def look_up(self, ref: Ref | None, known: Views) -> View:
        """The view of a referenced value."""
        return None if ref is None else known.get((ref.owner, ref.slot))

    def iteration(
        self, found: StepInstance, iteration: Iteration, inputs: tuple[View, ...], known: Views
    ) -> View:
        """The view after one iteration."""
        if iteration.op is not None:
            view = through(iteration.op, iteration, inputs)
            self.last = view or self.last
            return view
        if iteration.call is not None:
            return self.instance(iteration.call, inputs)
        action = found.step.action
        entered = action.step.id if isinstance(action, Reuse) else found.step.id
        known[entered, REGION_INPUT] = inputs[0]
        return widest([self.body(body, known) for body in iteration.bodies])


def through(op: Op, iteration: Iteration, inputs: tuple[View, ...]) -> View:
    """The view after an op."""
    view = widest(list(inputs))
    if view is None or iteration.outputs[""].rank != len(view) + 2:
        return None
    if "kernel" in op.values:
        return windowed(op, view)
    return view if op.layout in ("elementwise", "channels", "axes") else None


def windowed(op: Op, view: tuple[tuple[int, int], ...]) -> View:
    """The view after a window slides over it."""
    dilation = op.values.get("dilation") or (1,) * len(view)
    stride, kernel = op.values["stride"], op.values["kernel"]
    if not all(isinstance(item, int) for item in (*kernel, *stride, *dilation)):
        return None
    return tuple(
        (width + (k - 1) * d * step, step * s)
        for (width, step), k, s, d in zip(view, kernel, stride, dilation, strict=True)
    )


def widest(views: list[View]) -> View:
    """The wider of several views, axis by axis; those that ended do not count."""
    known = [view for view in views if view is not None]
    if not known or any(len(view) != len(known[0]) for view in known):
        return None
    return tuple(
        (max(width for width, _ in axis), max(step for _, step in axis))
        for axis in zip(*known, strict=True)
    )


def receptive_field(instance: Instance) -> tuple[int, ...] | None:
    """The widths that the last value with places sees, or None where there is none."""
    views: tuple[View, ...] = tuple(
        ((1, 1),) * (type.rank - 2) if type.rank > 2 and type.dtype.startswith(("f", "b")) else None
        for type in instance.inputs.values()
    )
    walk = _Walk()
    walk.instance(instance, views)
    return None if walk.last is None else tuple(width for width, _ in walk.last)
