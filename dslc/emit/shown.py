"""What a page at a run's end shows of held-out rows: what a loss or a metric compares with a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.ir.graph import MODULE
from dslc.passes.weights import sites, step_sites
from dslc.train.gradient import reads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from dslc.ir.graph import Ref
    from dslc.ir.instance import StepInstance
    from dslc.ir.types import TensorType
    from dslc.ops.base import Op
    from dslc.passes.weights import Site
    from dslc.train.training import Phase, Training


@final
class Shown:
    """A value that a page shows beside the column that it is compared with.

    Attributes:
        phase: The phase whose graph has it.
        value: What is predicted.
        target: The column.
        function: What `page.py` shows it with.
    """

    def __init__(self, phase: Phase, value: Ref, target: str, function: str) -> None:
        self.phase = phase
        self.value = value
        self.target = target
        self.function = function


def shown(train: Training, drawn: AbstractSet[str]) -> Shown | None:
    """The first value that a metric, else the loss, compares with a column, if there is one.

    Args:
        train: The section.
        drawn: The columns that are drawn at random.
    """
    for phase in train.phases if train.data.split > 0 else ():
        loss, *metrics = phase.graph.outputs
        for found in behind(phase, [ref for _, ref in (*metrics, loss)]):
            function = function_of(found)
            value, target = (*found.step.inputs, None, None)[:2]
            if function is None or value is None or target is None:
                continue
            if not is_random(phase, value, drawn):
                return Shown(phase, value, target.slot, function)
    return None


def behind(phase: Phase, refs: Iterable[Ref]) -> Iterator[StepInstance]:
    """The steps at the top that values come from, nearer ones first."""
    steps = {found.step.id: found for found in phase.instance.body.steps}
    waiting = [ref.owner for ref in refs]
    for owner in waiting:
        if owner in steps:
            found = steps.pop(owner)
            yield found
            waiting += [ref.owner for ref in reads(found.step)]


def function_of(found: StepInstance) -> str | None:
    """What shows what a step compares with a column; None where it does no such thing."""
    once = found.iterations[0] if len(found.iterations) == 1 else None
    if once is None or once.op is None or once.op.family not in ("loss", "metric"):
        return None
    value, target = (*found.step.inputs, None, None)[:2]
    if value is None or value.owner == MODULE or target is None or target.owner != MODULE:
        return None
    return function_for(once.op, *(type for type in once.inputs[:2] if type is not None))


def function_for(op: Op, value: TensorType, target: TensorType) -> str | None:
    """The same by the op and what it compares."""
    (first, second), rows = op.inputs[:2], value.shape[1:]
    if second.name != "target":
        return None
    if first.name == "logits":
        return "classes" if (value.rank, target.rank) == (2, 1) else None
    if value.shape != target.shape:
        return None
    few = value.rank == 1 or (value.rank == 2 and rows[0] in (1, 2, 3))
    if op.log_odds:
        return "two_classes" if few and rows in ((), (1,)) else None
    if value.rank == 4 and (rows[0] in (1, 3) or rows[-1] in (1, 3)):
        return "pictures"
    return "values" if few else None


def is_random(phase: Phase, value: Ref, drawn: AbstractSet[str]) -> bool:
    """Whether something that a value comes from is drawn at random after training too."""
    for found in behind(phase, [value]):
        ops = [site.iteration.op for site in run_of(found)]
        columns = {ref.slot for ref in reads(found.step) if ref.owner == MODULE}
        if columns & drawn or any(op is not None and op.family == "random" for op in ops):
            return True
    return False


def run_of(found: StepInstance) -> Iterator[Site]:
    """Every run of an op in a step, those in a model that it calls among them."""
    for iteration in found.iterations:
        if iteration is not None and iteration.call is not None:
            yield from sites(iteration.call)
    yield from step_sites(found)
