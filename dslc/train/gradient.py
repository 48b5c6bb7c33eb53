"""`gradient: {of: …, wrt: …}`: how the sum of one value changes with another, in training graphs.

It is no op of models, so it is registered nowhere: a backend writes it with its framework's own
words, around the steps that lead from the one value to the other.
"""

from __future__ import annotations

from dslc.ir.graph import MODULE, ApplyOp
from dslc.ir.types import FLOATS
from dslc.ir.walk import ends, regions
from dslc.ops.base import Check, Input, Op
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.diagnostics import Report
    from dslc.ir.graph import Ref, Step
    from dslc.ir.instance import BodyInstance
    from dslc.ir.types import TensorType

OF_AND_WRT = ("of", "wrt")


class Gradient(Op):
    """The gradient of the sum of all elements of `of` with respect to `wrt`; itself differentiable.

    Shape: that of `wrt`.
    """

    name = "gradient"
    inputs = (Input("of"), Input("wrt"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        del check
        return types[1]


def is_gradient(step: Step) -> bool:
    """Whether a step is a gradient."""
    return isinstance(step.action, ApplyOp) and step.action.op is Gradient


def check_gradients(body: BodyInstance, report: Report) -> None:
    """Reports a gradient with respect to a value on which nothing of what it is of depends."""
    for found in body.steps:
        if not is_gradient(found.step):
            continue
        of, wrt = found.step.inputs
        assert of is not None
        assert wrt is not None
        if of.owner == wrt.owner != MODULE:
            message = "both values come from one step, so no gradient leads from one to the other"
            help = "take the gradient with respect to what the step reads"
        elif not depends(body, of, wrt):
            message = "nothing leads from `wrt` to `of`, so this gradient is zero"
            help = "take it with respect to a value that `of` is computed from"
        else:
            continue
        report.error("E0817", found.step.span, message, help=help)


def depends(body: BodyInstance, of: Ref, wrt: Ref) -> bool:
    """Whether a value is computed from another, through steps that have a gradient."""
    from dslc.ops.select import StopGradient

    moved = {wrt.key}
    for found in body.steps:
        action = found.step.action
        stops = isinstance(action, ApplyOp) and action.op is StopGradient
        if stops or all(ref.key not in moved for ref in reads(found.step)):
            continue
        for outputs in (item.outputs for item in found.iterations if item is not None):
            slots = [slot for slot, type in outputs.items() if type.dtype in FLOATS]
            moved |= {(found.step.id, f"{slot}{end}") for slot in slots for end in ("", "[]")}
    return of.key in moved


def reads(step: Step) -> list[Ref]:
    """Every value that a step reads, itself or inside."""
    found = [*(ref for ref in step.inputs if ref is not None), *ends(step.action)]
    for body in regions(step.action):
        found += [ref for inner in body.steps for ref in reads(inner)]
    return found
