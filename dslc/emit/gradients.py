"""Gradients in a training graph: the steps between two values as one region.

A framework differentiates a stretch of program: what lies between a tape's beginning and end, or a
function. So the steps that lead from a value to what is differentiated are put together, in the
order of the text otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.backend import BuildError
from dslc.passes.weights import sites
from dslc.train.gradient import Gradient, reads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dslc.emit.flow import Value
    from dslc.emit.formal_types import FormalStep
    from dslc.ir.instance import Iteration


@final
class Between:
    """A gradient with the steps that lead from its `wrt` to its `of`."""

    def __init__(self, gradient: FormalStep, steps: list[FormalStep]) -> None:
        of, wrt = gradient.step.inputs
        assert of is not None
        assert wrt is not None
        self.gradient = gradient
        self.of = of
        self.wrt = wrt
        self.steps = steps

    def iterations(self) -> Iterator[Iteration]:
        """Every run of an op in the steps, and in the models that they call."""
        for found in self.steps:
            yield from found.samples
            if found.callee is not None:
                yield from (site.iteration for site in sites(found.callee.instances[0]))

    def refuse(self, reason: str) -> BuildError:
        """The error for a gradient that a backend cannot write."""
        step = self.gradient.step
        return BuildError(f"the gradient `{step.label}` {reason}", step.span)


def summed(value: Value) -> str:
    """The sum of a value's elements; a number is its own."""
    return f"{value.operand}.sum()" if value.type.rank else value.text


def is_gradient(found: FormalStep) -> bool:
    """Whether a step is a gradient."""
    return isinstance(found.op, Gradient)


def arranged(steps: Sequence[FormalStep]) -> list[FormalStep | Between]:
    """Steps in an order in which each gradient stands behind those that it differentiates.

    Raises:
        BuildError: Two gradients share some of their steps and neither holds the other.
    """
    rest: list[FormalStep] = list(steps)
    found: list[FormalStep | Between] = []
    outer: tuple[FormalStep, list[FormalStep]] | None
    while rest:
        place = next((k for k, step in enumerate(rest) if is_gradient(step)), None)
        outer = None if place is None else outermost(rest, place)
        if outer is None:
            return [*found, *rest]
        chosen, inside = outer
        between = Between(chosen, inside)
        done = {step.step.id for step in inside} | {chosen.step.id}
        made = {step.step.id for step in inside}
        upto = rest.index(chosen)
        before = [s for s in rest[:upto] if s.step.id not in done and not after(s, made, rest)]
        found += before
        found.append(between)
        kept = {step.step.id for step in before} | done
        rest = [step for step in rest if step.step.id not in kept]
    return found


def outermost(steps: list[FormalStep], place: int) -> tuple[FormalStep, list[FormalStep]]:
    """The gradient that holds the one at a place, or shares steps with it, and what it holds."""
    chosen, inside = steps[place], stretch(steps, steps[place])
    for other in steps[place + 1 :]:
        if not is_gradient(other):
            continue
        held = stretch(steps, other)
        if chosen in held and all(step in held for step in inside):
            chosen, inside = other, held
        elif any(step in held for step in inside):
            raise Between(other, held).refuse(
                f"shares steps with `{chosen.step.label}`, and neither holds the other"
            )
    return chosen, inside


def stretch(steps: list[FormalStep], gradient: FormalStep) -> list[FormalStep]:
    """The steps that lead from what a gradient is taken with respect to, to what it is of."""
    of, wrt = gradient.step.inputs
    assert of is not None
    assert wrt is not None
    moved = {wrt.key}
    behind: set[int] = set()
    for found in steps:
        if found is gradient:
            break
        if any(ref.key in moved for ref in reads(found.step)):
            behind.add(found.step.id)
            moved |= {
                (found.step.id, f"{slot}{end}") for slot in found.outputs for end in ("", "[]")
            }
    needed = {of.owner}
    for found in reversed(steps):
        if found.step.id in needed & behind:
            needed |= {ref.owner for ref in reads(found.step)}
    return [found for found in steps if found.step.id in needed & behind]


def after(found: FormalStep, made: set[int], steps: list[FormalStep]) -> bool:
    """Whether a step reads, straight or through others, what some steps make."""
    by_number = {step.step.id: step for step in steps}
    waiting = [found]
    seen: set[int] = set()
    while waiting:
        for ref in reads(waiting.pop().step):
            if ref.owner in made:
                return True
            if ref.owner in by_number and ref.owner not in seen:
                seen.add(ref.owner)
                waiting.append(by_number[ref.owner])
    return False
